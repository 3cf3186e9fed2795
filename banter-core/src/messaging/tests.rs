mod change;
mod conversations;
mod costs;
mod groups;
mod history;
mod receipts;
mod replies;
mod resync;
mod send;
mod wire;

use super::send::{Draft, Sent, Target};
use super::*;
use crate::error::Coded;
use crate::events::Event;
use crate::media;
use crate::testing::{Person, World};

fn draft(target: Target, content: &str, client_id: Option<&str>) -> Draft {
    Draft { client_message_id: client_id.map(str::to_owned), ..Draft::text(target, content) }
}

async fn send(world: &World, from: &Person, draft: Draft) -> Result<Sent, Error> {
    world.banter.messaging().send(&from.caller, draft, None).await
}

/// A limit on sending is tested where limits are.
async fn without_limits() -> World {
    let crowd = |config: &mut crate::config::Config| {
        config.limits.multiplier = 1000;
        config.database.patience = crate::testing::DEADLINE; // hundreds wait for a few connections
    };
    World::builder().config(crowd).build().await
}

/// The stable code of a refusal.
#[track_caller]
fn code<T: std::fmt::Debug, E: Coded>(outcome: Result<T, E>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

/// Every sequence number of a conversation that was handed out, and every one that is stored.
async fn sequence(world: &World, conversation: ConversationId) -> (i64, Vec<i64>) {
    let last: i64 = sqlx::query_scalar("select last_seq from conversations where id = $1")
        .bind(conversation)
        .fetch_one(world.banter.pool())
        .await
        .unwrap();
    let stored = sqlx::query_scalar("select seq from messages where conversation_id = $1 order by seq")
        .bind(conversation)
        .fetch_all(world.banter.pool())
        .await
        .unwrap();
    (last, stored)
}

#[track_caller]
fn assert_gapless((last, stored): (i64, Vec<i64>), expected: i64) {
    assert_eq!(last, expected);
    assert_eq!(stored, (1..=expected).collect::<Vec<_>>());
}

/// An upload as media leaves it behind; its link.
async fn upload(world: &World, owner: &Person, kind: &str, purpose: &str) -> String {
    let id = world.banter.ids().uuid(world.now());
    world
        .sql(&format!(
            "insert into uploads (id, user_id, purpose, kind, content_type, bytes, width, height, object_key, created_at)
             values ('{id}', '{}', '{purpose}', '{kind}', 'image/jpeg', 5000, 640, 480, '{id}.jpg', '{}')",
            owner.id,
            world.now()
        ))
        .await;
    format!("https://media.example/chat/{id}.jpg?sig=abc")
}

async fn history(world: &World, reader: &Person, conversation: ConversationId) -> Vec<Message> {
    let messaging = world.banter.messaging();
    let all = messaging.history(
        &reader.caller,
        super::history::Of::Conversation(conversation),
        super::history::Direction::After(0),
        100,
    );
    all.await.unwrap().messages
}
