//! Access tokens that nobody should believe, and some that are past their time.

use banter_core::testing::{Person, World};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// What an access token of this person's says, good for another `minutes`.
pub(crate) fn claims(world: &World, person: &Person, minutes: i64) -> Value {
    let now = world.now();
    json!({
        "sub": person.id,
        "sid": person.caller.session_id,
        "role": "user",
        "iat": (now - TimeDelta::hours(1)).timestamp(),
        "exp": (now + TimeDelta::minutes(minutes)).timestamp(),
    })
}

pub(crate) fn signed(world: &World, claims: &Value) -> String {
    let secret = world.banter.config().tokens.access_secret.expose_secret().to_owned();
    signed_with(&secret, Algorithm::HS256, claims)
}

pub(crate) fn signed_with(secret: &str, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("HMAC over plain data")
}

/// With `alg: none`, in this spelling.
pub(crate) fn unsigned(none: &str, claims: &Value) -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", part(json!({ "alg": none, "typ": "JWT" })), part(claims.clone()))
}
