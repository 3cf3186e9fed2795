use crate::harness::Api;
#[tokio::test]
async fn zz() {
    let api = Api::new().await;
    let asha = api.world.user("asha").await;
    for t in ["-200000-01-01T00:00:00Z", "+200000-01-01T00:00:00Z","+262142-01-01T00:00:00Z", "-004800-01-01T00:00:00Z", "+294277-01-01T00:00:00Z"] {
        use base64::Engine as _;
        let c = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(serde_json::json!([t, asha.id]).to_string());
        let a = api.get(&format!("/conversations?cursor={c}"), &asha).await;
        println!("{t} {} {}", a.status, a.json);
    }
}
