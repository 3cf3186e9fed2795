use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::providers::http_client;
use crate::testing::PROJECT;
use crate::testing::fcm::{AuthFault, Fault, Fcm as Stub, TOKEN_TTL};

async fn fcm() -> (Fcm, Stub, Clock) {
    let clock = crate::testing::noon();
    let stub = Stub::start(clock.clone()).await;
    (Fcm::new(&stub.config(), PROJECT, http_client(), clock.clone()), stub, clock)
}

fn message() -> Message {
    Message {
        title: "Asha Kulkarni".into(),
        body: "Kya haal hai?".into(),
        data: BTreeMap::from([("type", "message".into()), ("messageId", "m1".into())]),
        urgency: Urgency::Prompt,
        collapse: "c1".into(),
        channel: "messages",
        badge: Some(3),
        silent: false,
    }
}

async fn at_once(fcm: &Fcm, times: u32) -> Vec<Result<String, Error>> {
    let message = message();
    join_all((0..times).map(|_| fcm.send("phone", &message))).await
}

#[tokio::test]
async fn a_message_is_what_the_service_documents() {
    let (fcm, stub, _) = fcm().await;
    let name = fcm.send("phone", &message()).await.unwrap();
    assert!(name.starts_with("projects/banter-dev/messages/"), "{name}");
    insta::assert_json_snapshot!(stub.sent(), @r#"
    [
      {
        "android": {
          "collapse_key": "c1",
          "notification": {
            "channel_id": "messages",
            "sound": "default",
            "tag": "c1"
          },
          "priority": "HIGH",
          "ttl": "86400s"
        },
        "apns": {
          "headers": {
            "apns-collapse-id": "c1",
            "apns-expiration": "1795415400",
            "apns-priority": "10",
            "apns-push-type": "alert"
          },
          "payload": {
            "aps": {
              "badge": 3,
              "sound": "default",
              "thread-id": "c1"
            }
          }
        },
        "data": {
          "messageId": "m1",
          "type": "message"
        },
        "notification": {
          "body": "Kya haal hai?",
          "title": "Asha Kulkarni"
        },
        "token": "phone"
      }
    ]
    "#);
    let ring = Message { urgency: Urgency::Ring(Duration::from_secs(30)), badge: None, ..message() };
    let wire = ring.to("phone", "2026-11-22T06:30:00Z".parse().unwrap());
    assert_eq!((&wire["android"]["ttl"], &wire["android"]["priority"]), (&json!("30s"), &json!("HIGH")));
    assert_eq!(wire["apns"]["headers"]["apns-expiration"], "1795329030");
    assert_eq!(wire["apns"]["payload"]["aps"].get("badge"), None);
}

#[tokio::test]
async fn what_is_only_checked_tells_nobody() {
    let (fcm, stub, _) = fcm().await;
    fcm.validate("phone", &message()).await.unwrap();
    assert_eq!((stub.sent().len(), stub.validated().len()), (0, 1));
    stub.fail(Fault::Unregistered);
    assert_eq!(fcm.validate("phone", &message()).await, Err(Error::DeadToken("unregistered")));
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_again_shortly_before_its_end() {
    let (fcm, stub, clock) = fcm().await;
    for sent in at_once(&fcm, 20).await {
        sent.unwrap();
    }
    assert_eq!(stub.grants(), 1);
    clock.advance(TOKEN_TTL - TimeDelta::seconds(61));
    fcm.send("phone", &message()).await.unwrap();
    assert_eq!(stub.grants(), 1);
    clock.advance(TimeDelta::seconds(1));
    for sent in at_once(&fcm, 20).await {
        sent.unwrap();
    }
    assert_eq!(stub.grants(), 2, "once for all who came at once");
    assert!(stub.connections() <= 22, "connections are kept: {}", stub.connections());
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced_once() {
    let (fcm, stub, _) = fcm().await;
    fcm.send("phone", &message()).await.unwrap();
    stub.revoke_tokens();
    for sent in at_once(&fcm, 10).await {
        sent.unwrap();
    }
    assert_eq!((stub.grants(), stub.sent().len()), (2, 11));
}

#[tokio::test]
async fn each_failure_means_what_is_to_be_done() {
    let (fcm, stub, _) = fcm().await;
    for (fault, expected) in [
        (Fault::Unregistered, Error::DeadToken("unregistered")),
        (Fault::SenderIdMismatch, Error::DeadToken("sender_id_mismatch")),
        (Fault::InvalidToken, Error::DeadToken("invalid_token")),
        (Fault::InvalidArgument, Error::BadMessage("Invalid value at 'message.android.ttl'".into())),
        (
            Fault::ThirdPartyAuth,
            Error::ThirdPartyAuth("Request is missing required authentication credential.".into()),
        ),
        (Fault::QuotaExceeded(Some(7)), Error::Throttled { after: TimeDelta::seconds(7) }),
        (Fault::QuotaExceeded(None), Error::Throttled { after: TimeDelta::seconds(60) }),
        (
            Fault::PermissionDenied,
            Error::Refused("PERMISSION_DENIED: Permission 'cloudmessaging.messages.create' denied".into()),
        ),
        (
            Fault::Unavailable(Some(9)),
            Error::Away {
                why: "503 The service is currently unavailable.".into(),
                after: Some(TimeDelta::seconds(9)),
            },
        ),
        (Fault::Internal, Error::Away { why: "500 Internal error encountered.".into(), after: None }),
        (Fault::Garbage, Error::Away { why: "502 ".into(), after: None }),
    ] {
        stub.fail(fault);
        assert_eq!(fcm.send("phone", &message()).await, Err(expected), "{fault:?}");
    }
    stub.fail(Fault::BreakOff);
    assert!(matches!(fcm.send("phone", &message()).await, Err(Error::Away { .. })));
    assert_eq!((stub.grants(), stub.sent().len()), (1, 0), "none of them was about our token");
}

#[tokio::test]
async fn a_bad_account_is_told_from_a_google_that_is_away() {
    let (fcm, stub, clock) = fcm().await;
    stub.fail_auth(AuthFault::InvalidGrant);
    let refused = google_auth::Error::Refused("invalid_grant (Invalid JWT Signature.)".into());
    assert_eq!(fcm.send("phone", &message()).await, Err(Error::Auth(refused.clone())));
    stub.fail_auth(AuthFault::Unavailable);
    assert_eq!(fcm.send("phone", &message()).await, Err(Error::Auth(refused)), "left alone for a while");
    clock.advance(TimeDelta::seconds(5));
    let away = google_auth::Error::Away("status 503".into());
    assert_eq!(fcm.send("phone", &message()).await, Err(Error::Auth(away)));
    assert_eq!((stub.grants(), stub.asked()), (2, 0));
    stub.recover();
    clock.advance(TimeDelta::seconds(5));
    fcm.send("phone", &message()).await.unwrap();
}

#[tokio::test]
async fn another_key_than_the_account_s_is_refused() {
    let (_, stub, clock) = fcm().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let mut config = stub.config();
    config.account.as_mut().unwrap().private_key = pair.serialize_pem().into();
    let fcm = Fcm::new(&config, PROJECT, http_client(), clock);
    assert!(matches!(fcm.send("phone", &message()).await, Err(Error::Auth(google_auth::Error::Refused(_)))));
    assert_eq!(stub.take_refused(), ["token: Invalid JWT Signature."]);
}

#[tokio::test]
async fn fcm_that_stalls_is_left_alone_until_it_answers_one() {
    let (_, stub, clock) = fcm().await;
    let config = config::Fcm { patience: Duration::from_millis(300), ..stub.config() };
    let fcm = Fcm::new(&config, PROJECT, http_client(), clock.clone());
    fcm.send("phone", &message()).await.unwrap();
    stub.fail(Fault::Stall);
    for late in at_once(&fcm, PATIENT_WITH).await {
        assert!(matches!(late, Err(Error::Away { after: None, .. })), "{late:?}");
    }
    let asked = stub.asked();
    let alone = fcm.send("phone", &message()).await;
    assert!(matches!(alone, Err(Error::Away { after: Some(after), .. }) if after == REST), "{alone:?}");
    assert_eq!(stub.asked(), asked, "nobody asked it");

    clock.advance(REST);
    assert!(at_once(&fcm, 2).await.iter().all(Result::is_err));
    assert_eq!(stub.asked(), asked + 1, "one looks, the others wait");

    clock.advance(REST);
    stub.recover();
    fcm.send("phone", &message()).await.unwrap();
    fcm.send("phone", &message()).await.unwrap();
}

#[tokio::test]
async fn without_an_account_nothing_is_asked() {
    let (_, stub, clock) = fcm().await;
    let fcm = Fcm::new(&config::Fcm { account: None, ..stub.config() }, PROJECT, http_client(), clock);
    assert!(!fcm.is_configured());
    assert_eq!(fcm.send("phone", &message()).await, Err(Error::NotConfigured));
    assert_eq!(stub.grants(), 0);
}

#[tokio::test]
async fn the_stub_refuses_what_the_service_would() {
    let (fcm, stub, clock) = fcm().await;
    let reserved = Message { data: BTreeMap::from([("from", "x".into())]), ..message() };
    let long = Message { body: "x".repeat(LARGEST), ..message() };
    let patient = Message { urgency: Urgency::Ring(Duration::from_secs(2_419_201)), ..message() };
    let nameless = Message { collapse: "x".repeat(65), ..message() };
    for bad in [reserved, long, patient, nameless] {
        assert!(matches!(fcm.send("phone", &bad).await, Err(Error::BadMessage(_))), "{bad:?}");
    }
    assert_eq!(stub.take_refused().len(), 4);
    let elsewhere = Fcm::new(&stub.config(), "another-project", http_client(), clock);
    assert!(matches!(elsewhere.send("phone", &message()).await, Err(Error::Refused(_))));
    assert_eq!(stub.take_refused().len(), 1);
}

#[test]
fn a_code_of_the_future_goes_by_its_status() {
    let body = |code: &str| {
        let detail =
            json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code });
        json!({ "error": { "message": "m", "details": [detail] } }).to_string()
    };
    let said = |status: u16| read(StatusCode::from_u16(status).unwrap(), None, body("NOVEL").as_bytes());
    assert_eq!(said(400), Said::Other(Error::BadMessage("NOVEL: m".into())));
    assert_eq!(said(429), Said::Other(Error::Throttled { after: THROTTLED }));
    assert_eq!(said(500), Said::Other(Error::Away { why: "500 m".into(), after: None }));
}
