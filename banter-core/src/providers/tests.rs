use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::firebase::{Error, Firebase, Identity};
use super::http_client;
use crate::clock::Clock;
use crate::config;
use crate::error::Coded as _;
use crate::testing::PROJECT;
use crate::testing::google::{Google, claims};

const PHONE: &str = "+919876543210";

fn start() -> DateTime<Utc> {
    "2026-11-22T06:30:00Z".parse().unwrap()
}

/// A verifier that asks the stub, and a clock.
fn verifier(google: &Google, emulator: bool) -> (Firebase, Clock) {
    let clock = Clock::manual(start());
    let config = config::Firebase {
        project_id: PROJECT.into(),
        emulator_host: emulator.then(|| "127.0.0.1:9099".into()),
        certs_url: google.url().into(),
    };
    (Firebase::new(&config, http_client(), clock.clone()), clock)
}

/// The usual claims with some of them replaced; `null` takes one away.
fn with(changes: &Value) -> Value {
    let mut claims = claims("uid-asha", PHONE, start());
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    use base64::Engine as _;
    let encode = |json: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{signature}", encode(header), encode(claims))
}

#[track_caller]
fn refused(verified: Result<Identity, Error>) -> &'static str {
    match verified {
        Err(Error::Invalid(why)) => why,
        other => panic!("expected a refusal, not {other:?}"),
    }
}

#[tokio::test]
async fn a_signed_token_names_uid_and_number() {
    let google = Google::start().await;
    let (firebase, _) = verifier(&google, false);
    let identity = firebase.verify(&google.sign(&with(&json!({})))).await.unwrap();
    assert_eq!((identity.uid.as_str(), identity.phone_number.as_str()), ("uid-asha", PHONE));
}

#[tokio::test]
async fn claims_are_checked_one_by_one() {
    let google = Google::start().await;
    let (firebase, _) = verifier(&google, false);
    let now = start().timestamp();
    for (changes, why) in [
        (json!({ "aud": "another" }), "another project's"),
        (json!({ "iss": "https://securetoken.google.com/another" }), "another project's"),
        (json!({ "iss": PROJECT }), "another project's"),
        (json!({ "iss": format!("https://evil.example/{PROJECT}") }), "another project's"),
        (json!({ "aud": [PROJECT, "another"] }), "signature"),
        (json!({ "exp": now - 60 }), "expired"),
        (json!({ "iat": now + 61 }), "from the future"),
        (json!({ "auth_time": now + 61 }), "from the future"),
        (json!({ "sub": "" }), "subject"),
        (json!({ "sub": "x".repeat(129) }), "subject"),
        (json!({ "sub": "a\nb" }), "subject"),
        (json!({ "exp": null }), "signature"),
        (json!({ "auth_time": null }), "signature"),
        (json!({ "sub": null }), "signature"),
    ] {
        assert_eq!(refused(firebase.verify(&google.sign(&with(&changes))).await), why, "{changes}");
    }
    let at_the_edge =
        with(&json!({ "exp": now - 59, "iat": now + 60, "auth_time": now + 60, "sub": "x".repeat(128) }));
    assert!(firebase.verify(&google.sign(&at_the_edge)).await.is_ok());
}

#[tokio::test]
async fn a_token_without_a_phone_number_is_genuine_but_no_use() {
    let google = Google::start().await;
    let (firebase, _) = verifier(&google, false);
    for number in [Value::Null, json!("12345"), json!("+0123456789")] {
        let error =
            firebase.verify(&google.sign(&with(&json!({ "phone_number": number })))).await.unwrap_err();
        assert_eq!(error.coded().1, "PHONE_NUMBER_REQUIRED");
    }
}

#[tokio::test]
async fn forgeries_are_refused() {
    let google = Google::start().await;
    let (firebase, _) = verifier(&google, false);
    let good = google.sign(&with(&json!({})));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let tampered = {
        let mut parts: Vec<_> = good.split('.').map(str::to_owned).collect();
        parts[1] =
            unsigned(&json!({}), &with(&json!({ "sub": "uid-ravi" })), "").split('.').nth(1).unwrap().into();
        parts.join(".")
    };
    let hmac = Header { kid: Some(google.kid()), ..Header::new(Algorithm::HS256) };
    let public = EncodingKey::from_secret(google.certificate().as_bytes());
    let hmac = jsonwebtoken::encode(&hmac, &with(&json!({})), &public).unwrap();
    for (token, why) in [
        (google.forge(&with(&json!({}))), "signature"),
        (tampered, "signature"),
        (format!("{head}."), "signature"),
        (format!("{head}.{signature}x"), "signature"),
        (hmac, "algorithm"),
        (google.sign_as("nobody's", &with(&json!({}))), "unknown key id"),
        (unsigned(&json!({ "alg": "RS256" }), &with(&json!({})), signature), "no key id"),
        (unsigned(&json!({ "alg": "none" }), &with(&json!({})), ""), "unsigned"),
        (unsigned(&json!({ "alg": "none" }), &with(&json!({})), signature), "unsigned"),
        (unsigned(&json!({ "alg": "None" }), &with(&json!({})), ""), "not a token"),
        (unsigned(&json!({ "alg": ["none"] }), &with(&json!({})), ""), "not a token"),
        ("".into(), "not a token"),
        ("....".into(), "not a token"),
        ("a.b.c".into(), "not a token"),
        ("नमस्ते".into(), "not a token"),
        (google.sign(&with(&json!({ "padding": "x".repeat(9000) }))), "too long"),
    ] {
        assert_eq!(refused(firebase.verify(&token).await), why, "{token}");
    }
}

#[tokio::test]
async fn beside_the_emulator_unsigned_tokens_are_believed_but_checked() {
    let google = Google::start().await;
    let (firebase, _) = verifier(&google, true);
    let none = json!({ "alg": "none", "typ": "JWT" });
    assert!(firebase.verify(&unsigned(&none, &with(&json!({})), "")).await.is_ok());
    for (token, why) in [
        (unsigned(&none, &with(&json!({})), "c2ln"), "an unsigned token with a signature"),
        (unsigned(&none, &with(&json!({ "aud": "another" })), ""), "another project's"),
        (unsigned(&none, &with(&json!({ "exp": 0 })), ""), "expired"),
        (unsigned(&none, &json!("text"), ""), "claims"),
    ] {
        assert_eq!(refused(firebase.verify(&token).await), why);
    }
    assert_eq!(google.asked(), 0);
    assert!(firebase.verify(&google.sign(&with(&json!({})))).await.is_ok());
    assert_eq!(refused(firebase.verify(&google.forge(&with(&json!({})))).await), "signature");
}

#[tokio::test]
async fn certificates_are_kept_as_long_as_google_says() {
    let google = Google::start().await;
    google.set_cache_control(Some("public, max-age=3000, must-revalidate"));
    let (firebase, clock) = verifier(&google, false);
    let token = google.sign(&with(&json!({})));
    for (seconds, asked) in [(0, 1), (2999, 1), (1, 2), (10, 2)] {
        clock.advance(TimeDelta::seconds(seconds));
        firebase.verify(&token).await.unwrap();
        assert_eq!(google.asked(), asked, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once() {
    let google = Google::start().await;
    let (firebase, clock) = verifier(&google, false);
    firebase.verify(&google.sign(&with(&json!({})))).await.unwrap();
    clock.advance(TimeDelta::seconds(61));
    google.rotate();
    for _ in 0..3 {
        firebase.verify(&google.sign(&with(&json!({})))).await.unwrap();
    }
    assert_eq!(google.asked(), 2);
}

#[tokio::test]
async fn forged_key_ids_make_us_ask_once_a_minute_at_most() {
    let google = Google::start().await;
    let (firebase, clock) = verifier(&google, false);
    for minute in 1..=3 {
        for i in 0..20 {
            let token = google.sign_as(&format!("forged-{i}"), &with(&json!({})));
            assert_eq!(refused(firebase.verify(&token).await), "unknown key id");
        }
        assert_eq!(google.asked(), minute);
        clock.advance(TimeDelta::seconds(60));
    }
}

#[tokio::test]
async fn two_at_once_fetch_once() {
    let google = Google::start().await;
    google.stall();
    let (firebase, _) = verifier(&google, false);
    let token = google.sign(&with(&json!({})));
    let go_on = async {
        google.was_asked(1).await;
        google.recover();
    };
    let (one, other, ()) = tokio::join!(firebase.verify(&token), firebase.verify(&token), go_on);
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(google.asked(), 1);
}

#[tokio::test]
async fn while_google_fails_old_certificates_serve_for_a_day() {
    let google = Google::start().await;
    google.set_cache_control(Some("max-age=3600"));
    let (firebase, clock) = verifier(&google, false);
    let token_at = |clock: &Clock| google.sign(&claims("uid-asha", PHONE, clock.now()));
    firebase.verify(&token_at(&clock)).await.unwrap();
    google.fail(503);
    clock.advance(TimeDelta::hours(1));
    firebase.verify(&token_at(&clock)).await.unwrap();
    google.babble();
    clock.advance(TimeDelta::hours(24) - TimeDelta::seconds(1));
    firebase.verify(&token_at(&clock)).await.unwrap();
    clock.advance(TimeDelta::seconds(1));
    let error = firebase.verify(&token_at(&clock)).await.unwrap_err();
    assert_eq!((error.coded().1, error.retry_after()), ("SIGN_IN_UNAVAILABLE", Some(5)));
    google.recover();
    clock.advance(TimeDelta::seconds(5));
    firebase.verify(&token_at(&clock)).await.unwrap();
}

#[tokio::test]
async fn while_google_fails_it_is_asked_now_and_then() {
    let google = Google::start().await;
    google.fail(500);
    let (firebase, clock) = verifier(&google, false);
    let token = google.sign(&with(&json!({})));
    for asked in 1..=2 {
        for _ in 0..10 {
            assert!(matches!(firebase.verify(&token).await, Err(Error::Away(_))));
        }
        assert_eq!(google.asked(), asked);
        clock.advance(TimeDelta::seconds(5));
    }
    google.recover();
    firebase.verify(&token).await.unwrap();
    google.fail(500);
    clock.advance(TimeDelta::seconds(60));
    for i in 0..10 {
        let token = google.sign_as(&format!("forged-{i}"), &with(&json!({})));
        assert!(matches!(firebase.verify(&token).await, Err(Error::Away(_))));
    }
    assert_eq!(google.asked(), 4);
}

#[tokio::test]
async fn nobody_waits_for_google_while_old_certificates_can_serve() {
    let google = Google::start().await;
    google.set_cache_control(Some("max-age=3600"));
    let (firebase, clock) = verifier(&google, false);
    firebase.verify(&google.sign(&with(&json!({})))).await.unwrap();
    clock.advance(TimeDelta::hours(1));
    google.stall();
    let token = google.sign(&claims("uid-asha", PHONE, clock.now()));
    let others = async {
        google.was_asked(2).await; // the first of them is asking
        for _ in 0..5 {
            firebase.verify(&token).await.unwrap();
        }
        google.recover();
    };
    let (first, ()) = tokio::join!(firebase.verify(&token), others);
    first.unwrap();
    assert_eq!(google.asked(), 2);
}
