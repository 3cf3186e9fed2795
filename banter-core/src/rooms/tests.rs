mod chat;
mod coming;
mod finding;
mod going;
mod inviting;
mod media;
mod order;

use super::open::{NewRoom, RoomChange};
use super::policy::Role;
use super::*;
use crate::error::Coded;
use crate::events::Event;
use crate::ids::UserId;
use crate::jobs::worker;
use crate::page::PageRequest;
use crate::testing::{Person, World};

const ALL: PageRequest = PageRequest { limit: 100, cursor: None };

fn described(name: &str, room_type: RoomType) -> NewRoom {
    NewRoom {
        name: name.into(),
        description: None,
        category: None,
        language: None,
        room_type,
        max_members: None,
        is_public: true,
        cover_image: None,
    }
}

/// Where nothing is spoken, so that no media server is needed.
async fn text_room(world: &World, host: &Person) -> RoomId {
    made(world, host, described("Chai", RoomType::Text)).await
}

async fn private_room(world: &World, host: &Person) -> RoomId {
    made(world, host, NewRoom { is_public: false, ..described("Chai", RoomType::Text) }).await
}

async fn made(world: &World, host: &Person, new: NewRoom) -> RoomId {
    let made = world.banter.rooms().create(&host.caller, new).await.expect("a room").room.id;
    world.advance(TimeDelta::seconds(1)); // whoever comes next came later
    made
}

async fn join(world: &World, room: RoomId, who: &Person) -> Room {
    let joined = world.banter.rooms().join(&who.caller, room).await.expect("in").room;
    world.advance(TimeDelta::seconds(1));
    joined
}

/// As the one who asks sees it: who is in, as what.
async fn inside(world: &World, room: RoomId, reader: &Person) -> Vec<(UserId, Role)> {
    let members = world.banter.rooms().members(&reader.caller, room, &ALL).await.expect("members");
    members.items.into_iter().map(|member| (member.user.id, member.role)).collect()
}

/// What the database holds of a room: how many it counts, and how many rows there are of them, here and in its
/// conversation.
async fn counted(world: &World, room: RoomId) -> (i32, i64, i64) {
    sqlx::query_as(
        "select member_count,
                (select count(*) from chat_room_members where room_id = r.id),
                (select count(*) from conversation_members where conversation_id = r.id)
         from chat_rooms r where id = $1",
    )
    .bind(room)
    .fetch_one(world.banter.pool())
    .await
    .expect("a room")
}

async fn jobs(world: &World) {
    while worker::round(&world.banter).await.expect("jobs run") > 0 {}
}

/// The stable code of a refusal.
#[track_caller]
fn code<T: std::fmt::Debug, E: Coded>(outcome: Result<T, E>) -> &'static str {
    outcome.expect_err("a refusal").coded().1
}

/// A picture for a room as media leaves it behind; its link, and its id.
async fn picture(world: &World, owner: &Person) -> (String, uuid::Uuid) {
    let id = world.banter.ids().uuid(world.now());
    world
        .sql(&format!(
            "insert into uploads (id, user_id, purpose, kind, content_type, bytes, width, height, object_key, created_at)
             values ('{id}', '{}', 'room-cover', 'image', 'image/jpeg', 5000, 640, 480, '{id}.jpg', '{}')",
            owner.id,
            world.now()
        ))
        .await;
    (format!("https://media.example/room-cover/{id}.jpg"), id)
}

async fn doomed(world: &World, upload: uuid::Uuid) -> bool {
    sqlx::query_scalar("select doomed_at is not null from uploads where id = $1")
        .bind(upload)
        .fetch_one(world.banter.pool())
        .await
        .expect("an upload")
}
