//! [`shapes`] what is answered and told · [`rules`] what is refused · [`events`] the way of an event ·
//! [`lives`] from one end to the other

mod events;
mod lives;
mod rules;
mod shapes;

use serde_json::{Value, json};

use super::{Keys, Options, Sandbox};
use crate::ids::Ids;
use crate::providers::http_client;
use crate::testing::noon;

/// A merchant's program.
struct Merchant {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Merchant {
    async fn new() -> Self {
        let mut options = Options::new(noon());
        options.ids = Ids::seeded(1);
        options.backoff = std::time::Duration::from_millis(1);
        Self::of(options).await
    }

    async fn of(options: Options) -> Self {
        Self { sandbox: Sandbox::start(options).await.unwrap(), http: http_client() }
    }

    fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let Keys { key_id, key_secret, .. } = self.sandbox.keys();
        let url = format!("{}/v1/{path}", self.sandbox.url());
        self.http.request(method.parse().unwrap(), url).basic_auth(key_id, Some(key_secret))
    }

    async fn get(&self, path: &str) -> Value {
        answer(self.ask("GET", path)).await.1
    }

    /// What is done.
    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.try_post(path, body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn try_post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.ask("POST", path).json(&body)).await
    }

    /// Why this is refused.
    async fn refused(&self, path: &str, body: Value) -> String {
        let (status, answer) = self.try_post(path, body).await;
        assert_eq!(status, 400, "{answer}");
        answer["error"]["description"].as_str().unwrap().to_owned()
    }

    /// Its id.
    async fn order(&self, amount: i64) -> String {
        id(&self.post("orders", json!({ "amount": amount, "currency": "INR" })).await)
    }

    /// Its id: twelve months.
    async fn subscription(&self) -> String {
        let plan = self.sandbox.plan_id(crate::payments::catalogue::Plan::Monthly);
        id(&self.post("subscriptions", json!({ "plan_id": plan, "total_count": 12 })).await)
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn id(entity: &Value) -> String {
    entity["id"].as_str().unwrap().to_owned()
}

/// The events' names, in order.
fn names(merchant: &Merchant) -> Vec<String> {
    merchant.sandbox.events().into_iter().map(|sent| sent.name).collect()
}
