//! Every URL on one page.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use banter_core::Banter;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate as _, SizeAbove};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::http::error::ApiError;
use crate::http::layers::{self, idempotency::idempotency, limit::limit, observe::observe};
use crate::http::openapi::{Api, tidy};
use crate::http::{
    auth, calls, conversations, friends, gifts, groups, health, media, messages, moderation, notifications,
    payments, people, presence, reports, rooms, safety, settings, tools, uploads, users, webhooks,
};
use crate::patience::Patience;
use crate::sockets::{self, Sockets};

/// A replica's HTTP side.
pub struct App {
    pub router: Router,
    pub sockets: Sockets,
    pub patience: Patience,
}

fn auth() -> OpenApiRouter<Banter> {
    OpenApiRouter::new()
        .routes(routes!(auth::verify_firebase))
        .routes(routes!(auth::register))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(auth::sessions, auth::end_other_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(tools::start))
        .routes(routes!(tools::token))
        .routes(routes!(tools::show))
        .routes(routes!(tools::approve))
        .routes(routes!(tools::deny))
        .routes(routes!(reports::standing))
        .routes(routes!(reports::appeal_signed_out))
}

fn api() -> OpenApiRouter<Banter> {
    OpenApiRouter::new()
        // Accounts
        .routes(routes!(users::change_me, users::delete_me))
        .routes(routes!(users::export_me))
        .routes(routes!(users::username_available))
        .routes(routes!(users::put_device))
        .routes(routes!(users::put_avatar, users::delete_avatar))
        .routes(routes!(users::ask_verification, users::verification))
        .routes(routes!(settings::settings, settings::change_settings))
        .routes(routes!(settings::put_location, settings::delete_location))
        .routes(routes!(people::search))
        .routes(routes!(people::person))
        // Friends
        .routes(routes!(friends::ask, friends::requests))
        .routes(routes!(friends::accept))
        .routes(routes!(friends::reject))
        .routes(routes!(friends::cancel))
        .routes(routes!(friends::friends))
        .routes(routes!(friends::remove))
        .routes(routes!(friends::mutual))
        // Conversations and messages
        .routes(routes!(conversations::list, groups::create))
        .routes(routes!(conversations::changes))
        .routes(routes!(conversations::one, groups::rename))
        .routes(routes!(groups::add))
        .routes(routes!(groups::remove, groups::set_role))
        .routes(routes!(groups::leave))
        .routes(routes!(conversations::read))
        .routes(routes!(messages::in_conversation))
        .routes(routes!(messages::send))
        .routes(routes!(messages::unread_count))
        .routes(routes!(messages::with_user, messages::edit, messages::delete))
        // Calls
        .routes(routes!(calls::history))
        .routes(routes!(calls::one))
        .routes(routes!(calls::reject))
        .routes(routes!(calls::cancel))
        .routes(routes!(calls::end))
        // Rooms
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::list))
        .routes(routes!(rooms::one, rooms::change))
        .routes(routes!(rooms::leave))
        .routes(routes!(rooms::close))
        .routes(routes!(rooms::members))
        .routes(routes!(rooms::set_role))
        .routes(routes!(rooms::mute))
        .routes(routes!(rooms::kick))
        .routes(routes!(rooms::ban))
        .routes(routes!(rooms::raise_hand))
        .routes(routes!(rooms::invite))
        // Gifts
        .routes(routes!(gifts::catalogue))
        .routes(routes!(gifts::give, gifts::list))
        // Payments
        .routes(routes!(payments::orders::packages))
        .routes(routes!(payments::orders::create))
        .routes(routes!(payments::history::history))
        .routes(routes!(payments::history::transaction))
        .routes(routes!(payments::history::receipt))
        .routes(routes!(payments::history::ledger))
        .routes(routes!(payments::subscriptions::plans))
        .routes(routes!(payments::subscriptions::begin))
        .routes(routes!(payments::subscriptions::current))
        .routes(routes!(payments::subscriptions::cancel))
        // Media
        .routes(routes!(uploads::one))
        // Notifications
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::read_all))
        .routes(routes!(notifications::read))
        // Presence
        .routes(routes!(presence::presence))
        // Safety
        .routes(routes!(safety::block, safety::blocks))
        .routes(routes!(safety::unblock))
        .routes(routes!(reports::report, reports::reports))
        .routes(routes!(reports::sanctions))
        .routes(routes!(reports::appeal))
        .merge(moderation::routes())
}

/// What answers the way into a call or a room that is there, or what belongs to it; and the proof of a payment, whose
/// answer holds the balance as it is.
fn entrances() -> OpenApiRouter<Banter> {
    OpenApiRouter::new()
        .routes(routes!(calls::initiate))
        .routes(routes!(calls::answer_call))
        .routes(routes!(calls::ice_servers))
        .routes(routes!(rooms::join))
        .routes(routes!(moderation::rooms::listen))
        .routes(routes!(payments::orders::verify))
        .routes(routes!(payments::subscriptions::verify))
}

fn uploads() -> OpenApiRouter<Banter> {
    OpenApiRouter::new().routes(routes!(uploads::upload)).layer(DefaultBodyLimit::max(uploads::MAX_FORM))
}

fn operations() -> OpenApiRouter<Banter> {
    OpenApiRouter::new().routes(routes!(health::healthz)).routes(routes!(health::readyz))
}

/// The routes with the document they make.
fn documented(banter: &Banter) -> (Router<Banter>, utoipa::openapi::OpenApi) {
    // Signing in stands outside, and entering a call: an answer that is kept for a day must not hold tokens. So do
    // uploads: their bodies are not read into memory to be compared.
    let api = api()
        .layer(from_fn_with_state(banter.clone(), idempotency))
        .merge(auth())
        .merge(entrances())
        .merge(uploads())
        .layer(from_fn_with_state(banter.clone(), limit))
        // Counted by login, in core: thousands of phones behind one address refresh every quarter of an hour.
        .routes(routes!(auth::refresh))
        // One address speaks for everybody who talks.
        .routes(routes!(webhooks::livekit))
        .routes(routes!(webhooks::razorpay));
    let v1: Router<Banter> = api.clone().into();
    let (router, document) =
        OpenApiRouter::with_openapi(Api::openapi()).merge(operations()).nest("/api", api).split_for_parts();
    let router = if banter.media().serves() {
        router.route("/media/{purpose}/{name}", get(media::file))
    } else {
        router
    };
    (router.nest("/api/v1", v1), document)
}

pub fn app(banter: &Banter) -> App {
    patient_app(banter, Patience::of(banter.config()))
}

/// The same with deadlines of the caller's choosing.
pub fn patient_app(banter: &Banter, patience: Patience) -> App {
    let (routes, document) = documented(banter);
    let (socket_layer, sockets) = sockets::attach(banter, patience.sweep);
    let worth_compressing = DefaultPredicate::new()
        .and(SizeAbove::new(1024))
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::const_new("video/"));
    let router = routes
        .merge(documentation(&document))
        .fallback(async || not_found())
        .method_not_allowed_fallback(async || {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "this URL does not take that method",
            )
        })
        .layer(from_fn_with_state(patience, layers::finish))
        .layer(CompressionLayer::new().compress_when(worth_compressing))
        .layer(from_fn_with_state(banter.clone(), observe))
        .layer(socket_layer)
        .layer(layers::cors(&banter.config().http.allowed_origins))
        .with_state(banter.clone());
    App { router, sockets, patience }
}

/// The browsable documentation, whose own 404 would be of another shape.
fn documentation(document: &utoipa::openapi::OpenApi) -> Router<Banter> {
    let pages: Router<Banter> =
        // The bundled page would have a server on the Internet validate the document.
        SwaggerUi::new("/docs")
            .config(Config::default().validator_url("none"))
            .external_url_unchecked("/api/openapi.json", tidy(document))
            .into();
    pages.layer(map_response(async |page: Response| match page.status() {
        StatusCode::NOT_FOUND => not_found(),
        _ => page,
    }))
}

fn not_found() -> Response {
    ApiError::nothing_here().into_response()
}
