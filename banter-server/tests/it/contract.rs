//! What apps are written against: a change here is a change of the contract, and shows in review.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Api, Who};

#[tokio::test]
async fn the_openapi_document() {
    let api = Api::new().await;
    let document = api.get("/api/openapi.json", Who::Nobody).await.is(200);
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!("openapi", document) });
}

#[test]
fn the_socket_s_events() {
    let events: BTreeMap<&str, Value> = banter_core::events::schemas()
        .into_iter()
        .map(|(name, about, schema)| (name, json!({ "about": about, "payload": schema })))
        .collect();
    insta::assert_json_snapshot!("events", events);
}
