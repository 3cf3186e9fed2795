use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::*;

fn sign(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

fn part(token: &str, index: usize) -> Value {
    let json = URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn unsigned(claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.", encode(&json!({ "alg": "none", "typ": "JWT" })), encode(claims))
}

#[tokio::test]
async fn only_our_own_access_tokens_are_believed() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let secret = world.banter.config().tokens.access_secret.expose_secret().to_owned();
    let claims = part(&asha.access_token, 1);
    let mut admin = claims.clone();
    admin["role"] = json!("admin");
    let parts: Vec<_> = asha.access_token.split('.').collect();
    let swapped = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(admin.to_string()), parts[2]);
    let accounts = world.banter.accounts();
    for forged in [
        "",
        "nonsense",
        "a.b.c",
        &sign(Algorithm::HS256, "another secret of thirty-two bytes", &claims),
        &sign(Algorithm::HS512, &secret, &claims),
        &sign(Algorithm::HS256, &secret, &json!({ "sub": asha.id, "exp": 9_999_999_999_i64 })),
        &unsigned(&claims),
        &swapped,
        &format!("{}.{}.", parts[0], parts[1]),
        &asha.refresh_token,
    ] {
        assert_eq!(code(accounts.authenticate(forged).map(|_| ())), "TOKEN_INVALID", "{forged}");
    }
    let genuine = sign(Algorithm::HS256, &secret, &claims);
    assert_eq!(
        accounts.authenticate(&genuine).unwrap(),
        asha.caller,
        "the others failed by what was changed"
    );
}

#[tokio::test]
async fn only_our_own_refresh_tokens_are_believed() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let claims = part(&asha.refresh_token, 1);
    for forged in [
        "nonsense",
        &sign(Algorithm::HS256, "another secret of thirty-two bytes", &claims),
        &unsigned(&claims),
        &asha.access_token,
    ] {
        assert_eq!(code(world.banter.accounts().refresh(forged, false).await), "REFRESH_TOKEN_INVALID");
    }
    // Signed by us, but the login is not there (any more).
    let mut gone = claims;
    gone["sid"] = json!(uuid::Uuid::nil());
    let secret = world.banter.config().tokens.refresh_secret.expose_secret().to_owned();
    let gone = sign(Algorithm::HS256, &secret, &gone);
    assert_eq!(code(world.banter.accounts().refresh(&gone, false).await), "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn an_access_token_dies_to_the_second() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    world.advance(TimeDelta::seconds(15 * 60 - 1));
    assert!(world.banter.accounts().authenticate(&asha.access_token).is_ok());
    world.advance(TimeDelta::seconds(1));
    assert_eq!(code(world.banter.accounts().authenticate(&asha.access_token).map(|_| ())), "TOKEN_EXPIRED");
}
