//! Other people: their profiles, and finding them.

use axum::extract::State;
use banter_core::Banter;
use banter_core::accounts::public::{Details, PublicProfile};
use banter_core::accounts::search::Found;
use banter_core::accounts::{Gender, PersonSummary};
use banter_core::friends::relationship::Relationship;
use banter_core::ids::{FriendRequestId, UserId};
use banter_core::page::PageRequest;
use banter_core::presence::Presence;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Path, Query, limit};
use super::openapi::Refusal;
use super::{Answer, Outcome, answer};

/// Somebody's profile as the caller sees it. Of somebody whom the caller blocked there are the name, the picture and
/// `blocked_by_me`; the rest is null, empty or false.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonView {
    id: UserId,
    username: Option<String>,
    full_name: String,
    avatar: Option<String>,
    relationship: Relationship,
    /// The request that waits between the two.
    request_id: Option<FriendRequestId>,
    bio: Option<String>,
    gender: Option<Gender>,
    /// Years.
    age: Option<u32>,
    language: Option<String>,
    is_verified: bool,
    /// The badge: the staff has seen who they are.
    is_identity_verified: bool,
    is_premium: bool,
    interests: Vec<String>,
    looking_for: Vec<String>,
    member_since: Option<NaiveDate>,
    mutual_friends: i64,
    can_message: bool,
    can_call: bool,
    /// Null: the caller may not see it.
    presence: Option<Presence>,
}

impl From<PublicProfile> for PersonView {
    fn from(profile: PublicProfile) -> Self {
        let PersonSummary { id, username, full_name, avatar } = profile.user;
        let reduced = Self {
            id,
            username,
            full_name,
            avatar,
            relationship: profile.relationship,
            request_id: profile.request_id,
            bio: None,
            gender: None,
            age: None,
            language: None,
            is_verified: false,
            is_identity_verified: false,
            is_premium: false,
            interests: Vec::new(),
            looking_for: Vec::new(),
            member_since: None,
            mutual_friends: 0,
            can_message: false,
            can_call: false,
            presence: None,
        };
        match profile.details {
            None => reduced,
            Some(Details {
                bio,
                gender,
                age,
                language,
                is_verified,
                is_identity_verified,
                is_premium,
                interests,
                looking_for,
                member_since,
                mutual_friends,
                can_message,
                can_call,
                presence,
            }) => Self {
                bio,
                gender,
                age,
                language: Some(language),
                is_verified,
                is_identity_verified,
                is_premium,
                interests,
                looking_for,
                member_since: Some(member_since),
                mutual_friends,
                can_message,
                can_call,
                presence,
                ..reduced
            },
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct PersonAnswer {
    user: PersonView,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// 2 to 50 characters of a username or a name.
    #[param(min_length = 2, max_length = 50)]
    q: String,
    /// How many, 1 to 100; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundView {
    user: PersonSummary,
    is_verified: bool,
    relationship: Relationship,
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        Self { user: found.user, is_verified: found.is_verified, relationship: found.relationship }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundPeople {
    people: Vec<FoundView>,
    next_cursor: Option<String>,
}

/// Somebody's profile
#[utoipa::path(get, path = "/users/{userId}", operation_id = "getPerson", tag = "Accounts", params(("userId" = UserId, Path, description = "Anybody")),
    security(("bearer" = [])), responses((status = OK, body = Answer<PersonAnswer>), Refusal))]
pub async fn person(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
) -> Outcome<PersonAnswer> {
    answer(PersonAnswer { user: banter.accounts().public_profile(&caller, user).await?.into() })
}

/// Find people by name
///
/// By username first, then by how names begin, then by what looks alike. Who types more finds more.
#[utoipa::path(get, path = "/users/search", operation_id = "searchPeople", tag = "Accounts", params(SearchQuery), security(("bearer" = [])),
    responses((status = OK, body = Answer<FoundPeople>), Refusal))]
pub async fn search(
    State(banter): State<Banter>,
    Caller(caller): Caller,
    Query(query): Query<SearchQuery>,
) -> Outcome<FoundPeople> {
    let page = PageRequest { limit: limit(query.limit)?, cursor: query.cursor };
    let page = banter.accounts().search(&caller, &query.q, &page).await?;
    let people = page.items.into_iter().map(FoundView::from);
    answer(FoundPeople { people: people.collect(), next_cursor: page.next_cursor })
}
