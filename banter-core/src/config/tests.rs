use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("DATABASE_URL".into(), "postgres://u@localhost/banter".into()),
        ("JWT_SECRET".into(), "k3J9x0qPZr7vT1mW5yB8nL2dF6hG4sAa".into()),
        ("JWT_REFRESH_SECRET".into(), "Q8wE2rT6yU1iO5pA9sD3fG7hJ4kL0zXc".into()),
    ]);
    all.extend(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    all
}

#[test]
fn defaults_are_the_documented_ones() {
    let config = Config::load(&env(&[])).unwrap();
    assert_eq!(config.http.public_url, "http://127.0.0.1:5000");
    assert_eq!(config.tokens.access_ttl, Duration::from_secs(900));
    assert_eq!(config.tokens.refresh_ttl, Duration::from_secs(30 * 86_400));
    assert_eq!(config.limits.max_requests, 1000);
    assert!(config.redis.is_none() && !config.log.json);
}

#[test]
fn all_problems_come_at_once() {
    let problems = Config::load(&BTreeMap::from([
        ("PORT".into(), "99999".into()),
        ("DATABASE_URL".into(), "mysql://x".into()),
        ("JWT_SECRET".into(), "short".into()),
        ("JWT_EXPIRES_IN".into(), "soon".into()),
        ("BANTER_LOG_FORMAT".into(), "xml".into()),
    ]))
    .unwrap_err();
    insta::assert_snapshot!(problems, @r"
    the configuration has 6 problems:
      - PORT is `99999`: expected a number, such as 5000
      - DATABASE_URL does not start with postgres:// or postgresql://
      - JWT_SECRET has 5 bytes: 32 or more are needed
      - JWT_REFRESH_SECRET is not set: Signs refresh tokens; 32 bytes or more, another than JWT_SECRET; required
      - JWT_EXPIRES_IN is `soon`: expected a duration such as 15m
      - BANTER_LOG_FORMAT is `xml`: expected `text` or `json`
    ");
}

#[test]
fn production_refuses_every_stand_in() {
    let problems = Config::load(&env(&[
        ("NODE_ENV", "production"),
        ("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"),
        ("GOOGLE_CERTS_URL", "http://127.0.0.1:1"),
        ("RATE_LIMIT_MULTIPLIER", "100"),
        ("JWT_SECRET", "change-me-change-me-change-me-change-me"),
    ]))
    .unwrap_err();
    assert_eq!(problems.iter().count(), 13, "{problems}");
    let key = crate::testing::fcm::private_key().replace('\n', "\\n");
    let good = [
        ("FIREBASE_CLIENT_EMAIL", "pusher@banter-live.iam.gserviceaccount.com"),
        ("FIREBASE_PRIVATE_KEY", key.as_str()),
        ("BANTER_ENV", "production"),
        ("REDIS_URL", "rediss://x:6380"),
        ("FIREBASE_PROJECT_ID", "banter-live"),
        ("TRUSTED_PROXIES", "1"),
        ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=banter;AccountKey=c2VjcmV0"),
        ("LIVEKIT_API_KEY", "APIx7"),
        ("LIVEKIT_API_SECRET", MEDIA_SECRET),
        ("LIVEKIT_SERVER_URL", "wss://live.banter.example"),
        ("TURN_URLS", "turn:turn.banter.example:3478?transport=udp"),
        ("TURN_SECRET", "0123456789abcdef"),
        RAZORPAY[0],
        RAZORPAY[1],
        RAZORPAY[2],
        ("SELLER_GSTIN", "29ABCDE1234F1Z5"),
    ];
    assert!(Config::load(&env(&good)).unwrap().log.json);

    let clear = [("FCM_API_URL", "http://fcm.example"), ("GOOGLE_TOKEN_URL", "http://oauth2.example/token")];
    let problems = Config::load(&env(&[&good[..], &clear].concat())).unwrap_err();
    assert_eq!(problems.iter().count(), 2, "{problems}");
    let stand_in = [&good[..], &[("RAZORPAY_API_URL", "http://127.0.0.1:20009")]].concat();
    let problems = Config::load(&env(&stand_in)).unwrap_err().to_string();
    assert!(problems.contains("RAZORPAY_API_URL is a stand-in"), "{problems}");
    for (bad, word) in [
        (("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"), "not https"),
        (("LIVEKIT_API_KEY", "devkey"), "stand-in `devkey`"),
        (("LIVEKIT_SERVER_URL", "ws://live.banter.example"), "not wss"),
        (("TURN_SECRET", ""), "TURN_SECRET is not set, and TURN_URLS is"),
    ] {
        let problems = Config::load(&env(&[&good[..], &[bad]].concat())).unwrap_err();
        assert_eq!(problems.iter().count(), 1, "{problems}");
        assert!(problems.to_string().contains(word), "{problems}");
    }
}

#[test]
fn a_service_account_is_whole_and_usable_or_none() {
    let key = crate::testing::fcm::private_key();
    let (email, key) = (("FIREBASE_CLIENT_EMAIL", "pusher@x"), ("FIREBASE_PRIVATE_KEY", key));
    let garbled =
        ("FIREBASE_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n");
    assert!(Config::load(&env(&[])).unwrap().fcm.account.is_none());
    assert_eq!(Config::load(&env(&[email, key])).unwrap().fcm.account.unwrap().client_email, "pusher@x");
    for (half, problems) in [(vec![email], 1), (vec![key], 1), (vec![email, garbled], 1), (vec![garbled], 2)]
    {
        let found = Config::load(&env(&half)).unwrap_err();
        assert_eq!(found.iter().count(), problems, "{found}");
        assert!(!found.to_string().contains("BEGIN"), "a key is never shown");
    }
}

#[test]
fn storage_is_a_directory_or_an_account() {
    let Storage::Disk { dir } = Config::load(&env(&[])).unwrap().storage else { panic!("an account") };
    assert_eq!(dir.to_str(), Some(".banter/media"));
    let account = ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=banter;AccountKey=c2VjcmV0");
    let named =
        [account, ("AZURE_STORAGE_ACCOUNT_NAME", "banter"), ("AZURE_STORAGE_CONTAINER_VOICE", "sounds")];
    let Storage::Azure(azure) = Config::load(&env(&named)).unwrap().storage else { panic!("a directory") };
    assert_eq!(azure.endpoint, "https://banter.blob.core.windows.net");
    assert_eq!(
        (azure.containers.of(Purpose::Voice), azure.containers.of(Purpose::Chat)),
        ("sounds", "chat-media")
    );
    for (wrong, problem) in [
        (vec![("AZURE_STORAGE_ACCOUNT_NAME", "banter")], "without AZURE_STORAGE_CONNECTION_STRING"),
        (vec![account, ("AZURE_STORAGE_ACCOUNT_NAME", "other")], "another account"),
        (vec![account, ("AZURE_STORAGE_CONTAINER_MEDIA", "Chat")], "AZURE_STORAGE_CONTAINER_MEDIA is `Chat`"),
        (vec![account, ("AZURE_STORAGE_CONTAINER_MEDIA", "avatars")], "one container twice"),
        (vec![("AZURE_STORAGE_CONNECTION_STRING", "AccountName=x")], "no AccountKey"),
    ] {
        let problems = Config::load(&env(&wrong)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
    }
}

const MEDIA_SECRET: &str = "nB4vC1xZ8aS5dF2gH9jK6lQ3wE0rT7yU";

#[test]
fn the_media_server_is_whole_or_not_there() {
    assert!(Config::load(&env(&[])).unwrap().livekit.is_none());
    let secret = ("LIVEKIT_API_SECRET", MEDIA_SECRET);
    let livekit = Config::load(&env(&[secret])).unwrap().livekit.unwrap();
    assert_eq!((livekit.api_key.as_str(), livekit.server_url.as_str()), ("devkey", "ws://localhost:7880"));
    assert_eq!(livekit.api_url, "http://localhost:7880");
    let apart = [secret, ("LIVEKIT_SERVER_URL", "wss://a/"), ("LIVEKIT_API_URL", "http://10.0.0.4:7880/")];
    let livekit = Config::load(&env(&apart)).unwrap().livekit.unwrap();
    assert_eq!((livekit.server_url.as_str(), livekit.api_url.as_str()), ("wss://a", "http://10.0.0.4:7880"));
    for (wrong, problem) in [
        (vec![("LIVEKIT_API_SECRET", "secret")], "LIVEKIT_API_SECRET has 6 bytes"),
        (vec![secret, ("LIVEKIT_SERVER_URL", "http://a")], "does not start with ws:// or wss://"),
        (vec![secret, ("LIVEKIT_SERVER_URL", "wsx://a")], "does not start with ws:// or wss://"),
        (vec![secret, ("LIVEKIT_API_URL", "ws://a")], "does not start with http:// or https://"),
    ] {
        let problems = Config::load(&env(&wrong)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
        assert!(!problems.to_string().contains(MEDIA_SECRET), "a secret is never shown");
    }
}

#[test]
fn the_relay_is_whole_or_not_there() {
    assert!(Config::load(&env(&[])).unwrap().turn.is_none());
    let (urls, secret) = (("TURN_URLS", "turn:t:3478?transport=udp, stun:t:3478"), ("TURN_SECRET", "x"));
    let turn = Config::load(&env(&[urls, secret])).unwrap().turn.unwrap();
    assert_eq!(turn.urls, ["turn:t:3478?transport=udp", "stun:t:3478"]);
    assert_eq!(turn.ttl, Duration::from_secs(3600));
    for (wrong, problem) in [
        (vec![urls], "TURN_SECRET is not set"),
        (vec![secret], "TURN_URLS is not set"),
        (vec![("TURN_URLS", "https://t"), secret], "TURN_URLS holds something"),
        (vec![urls, secret, ("TURN_TTL_SECONDS", "soon")], "TURN_TTL_SECONDS is `soon`"),
    ] {
        let problems = Config::load(&env(&wrong)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problems}");
    }
}

const RAZORPAY: [(&str, &str); 3] = [
    ("RAZORPAY_KEY_ID", "rzp_live_1234567890abcd"),
    ("RAZORPAY_KEY_SECRET", "abcdef1234567890abcdef12"),
    ("RAZORPAY_WEBHOOK_SECRET", "0123456789abcdef"),
];

#[test]
fn the_payment_provider_is_whole_or_not_there() {
    assert!(Config::load(&env(&[])).unwrap().razorpay.is_none());
    let razorpay = Config::load(&env(&RAZORPAY)).unwrap().razorpay.unwrap();
    assert_eq!((razorpay.api_url.as_str(), razorpay.plan_monthly), ("https://api.razorpay.com", None));
    let with = |more: (&'static str, &'static str)| [&RAZORPAY[..], &[more]].concat();
    for (wrong, problem) in [
        (RAZORPAY[..2].to_vec(), "RAZORPAY_WEBHOOK_SECRET is not set, and others"),
        (RAZORPAY[2..].to_vec(), "RAZORPAY_KEY_ID is not set, and others"),
        (with(("RAZORPAY_KEY_ID", "key")), "RAZORPAY_KEY_ID does not start with rzp_"),
        (with(("RAZORPAY_WEBHOOK_SECRET", "whsec")), "RAZORPAY_WEBHOOK_SECRET has 5 bytes"),
        (with(("RAZORPAY_PLAN_YEARLY", "yearly")), "RAZORPAY_PLAN_YEARLY does not start with plan_"),
        (with(("RAZORPAY_API_URL", "api.razorpay.com")), "RAZORPAY_API_URL does not start with http"),
        (vec![("GST_RATE_PERCENT", "18%")], "GST_RATE_PERCENT is `18%`"),
        (vec![("SELLER_GSTIN", "29abcde1234f1z5")], "SELLER_GSTIN is no GSTIN"),
    ] {
        let problems = Config::load(&env(&wrong)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problem}: {problems}");
    }
    for (wrong, problem) in [
        (("RAZORPAY_KEY_ID", "rzp_test_1234567890abcd"), "RAZORPAY_KEY_ID is of test mode"),
        (("RAZORPAY_API_URL", "http://127.0.0.1:9"), "RAZORPAY_API_URL is a stand-in"),
    ] {
        assert!(Config::load(&env(&with(wrong))).is_ok(), "development may");
        let mut production = with(wrong);
        production.push(("BANTER_ENV", "production"));
        let problems = Config::load(&env(&production)).unwrap_err();
        assert!(problems.to_string().contains(problem), "{problem}: {problems}");
    }
    for (rate, hundredths) in [("18", 1800), ("12.5", 1250), ("0", 0), ("100", 10_000)] {
        assert_eq!(Config::load(&env(&[("GST_RATE_PERCENT", rate)])).unwrap().seller.gst_rate, hundredths);
    }
}

#[test]
fn an_empty_name_does_not_hide_the_other() {
    let problems = Config::load(&env(&[("BANTER_ENV", ""), ("NODE_ENV", "production")])).unwrap_err();
    assert!(problems.to_string().contains("stand-in"), "{problems}");
}

#[test]
fn redis_parts_make_a_url() {
    let config = Config::load(&env(&[
        ("REDIS_HOST", "r.example"),
        ("REDIS_PORT", "6380"),
        ("REDIS_PASSWORD", "a/b=c"),
        ("REDIS_TLS", "true"),
    ]))
    .unwrap();
    assert_eq!(config.redis.unwrap().url.expose_secret(), "rediss://:a%2Fb%3Dc@r.example:6380");
}

#[test]
fn the_committed_example_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    assert_eq!(
        std::fs::read_to_string(path).unwrap_or_default(),
        variables::example(),
        "run `banter config example > .env.example`"
    );
}
