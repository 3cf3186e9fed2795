//! What production refuses: stand-ins, emulators, secrets that are none, and what travels in the clear.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;

use super::reader::{Reader, declared};
use super::{Config, Razorpay, Storage};

impl Config {
    pub(super) fn refuse_stand_ins(&self, read: &mut Reader<'_>) {
        if self.firebase.emulator_host.is_some() {
            read.problem("FIREBASE_AUTH_EMULATOR_HOST is set: production never accepts unsigned tokens");
        }
        if self.firebase.project_id == "banter-dev" {
            read.problem("FIREBASE_PROJECT_ID is the stand-in `banter-dev`: set your project's");
        }
        if !self.firebase.certs_url.starts_with("https://") {
            read.problem("GOOGLE_CERTS_URL is not https: whoever answers it decides who signs in");
        }
        if read.optional("FIREBASE_CLIENT_EMAIL").or(read.optional("FIREBASE_PRIVATE_KEY")).is_none() {
            read.problem(
                "FIREBASE_CLIENT_EMAIL and FIREBASE_PRIVATE_KEY are not set: without a service account no phone is pushed to",
            );
        }
        for (name, url) in [("FCM_API_URL", &self.fcm.api_url), ("GOOGLE_TOKEN_URL", &self.fcm.token_url)] {
            if !url.starts_with("https://") {
                read.problem(format!(
                    "{name} is not https: what is pushed, and the right to push, would go in the clear"
                ));
            }
        }
        if self.redis.is_none() {
            read.problem("REDIS_URL is not set: the memory of one process is for development only");
        }
        match &self.storage {
            Storage::Disk { .. } => read.problem(
                "AZURE_STORAGE_CONNECTION_STRING is not set: the local disk of one server is for development only",
            ),
            Storage::Azure(azure) if !azure.endpoint.starts_with("https://") => {
                read.problem("AZURE_STORAGE_CONNECTION_STRING names an endpoint that is not https");
            }
            Storage::Azure(_) => {}
        }
        match &self.livekit {
            None if read.optional("LIVEKIT_API_SECRET").is_none() => {
                read.problem("LIVEKIT_API_SECRET is not set: there would be no calls and no voice rooms");
            }
            None => {} // told already
            Some(livekit) => {
                if livekit.api_key == "devkey" {
                    read.problem(
                        "LIVEKIT_API_KEY is the stand-in `devkey`: `banter livekit keys` makes a pair",
                    );
                }
                if !livekit.server_url.starts_with("wss://") {
                    read.problem(
                        "LIVEKIT_SERVER_URL is not wss: the tokens that calls are entered with would go in the clear",
                    );
                }
            }
        }
        if self.turn.is_none() && read.optional("TURN_URLS").or(read.optional("TURN_SECRET")).is_none() {
            read.problem(
                "TURN_URLS and TURN_SECRET are not set: phones whose network lets nothing else through could not talk",
            );
        }
        match &self.razorpay {
            None if read.optional("RAZORPAY_KEY_ID").is_none() => {
                read.problem("RAZORPAY_KEY_ID is not set: nothing could be bought");
            }
            None => {} // told already
            Some(razorpay) => {
                if let Some(problem) = stand_in(razorpay) {
                    read.problem(problem);
                }
            }
        }
        if self.seller.gstin.is_none() && read.optional("SELLER_GSTIN").is_none() {
            read.problem("SELLER_GSTIN is not set: receipts must say under which number the tax is paid");
        }
        if read.optional("TRUSTED_PROXIES").is_none() {
            read.problem(
                "TRUSTED_PROXIES is not set: behind a load balancer everybody would count as one address; 0 if there is none",
            );
        }
        if self.limits.multiplier != 1 {
            read.problem("RATE_LIMIT_MULTIPLIER is for load tests only: leave it unset");
        }
        for (name, secret) in
            [("JWT_SECRET", &self.tokens.access_secret), ("JWT_REFRESH_SECRET", &self.tokens.refresh_secret)]
        {
            let text = secret.expose_secret();
            if text.is_empty() {
                continue; // told already
            }
            let distinct = text.bytes().collect::<BTreeSet<_>>().len();
            if ["change", "default", "example", "generate-random", "banter", "secret"]
                .iter()
                .any(|w| text.contains(w))
                || distinct < 10
            {
                read.problem(format!("{name} looks like a placeholder: generate one, for instance with `openssl rand -base64 48`"));
            }
        }
    }
}

/// Whoever is asked instead of Razorpay could have coins credited, and so could whoever knows the cards of its test mode.
pub(super) fn stand_in(razorpay: &Razorpay) -> Option<&'static str> {
    if razorpay.key_id.starts_with("rzp_test_") {
        return Some("RAZORPAY_KEY_ID is of test mode: its cards are published, and pay with nothing");
    }
    let known = declared("RAZORPAY_API_URL").default;
    (razorpay.api_url != known)
        .then_some("RAZORPAY_API_URL is a stand-in: whoever answers it decides what is paid")
}
