//! Random graphs of friends and blocks: nothing of either of two who cannot interact reaches the other, on any surface.
//!
//! What may hold an id of theirs, and why: the caller's own list of blocks, and the profile of somebody the caller blocked,
//! which shows no more than that list; an export, where the caller's own records say whom they were about (but not what
//! they are called now); a hidden message, which shows its own id and number, and not whose it is.

use proptest::prelude::*;
use uuid::Uuid;

use super::graph::{Graph, any_graph};
use super::scene::Scene;
use super::surfaces::{self, ALL};
use crate::calls::CallType;
use crate::calls::initiate::Whom;
use crate::error::Coded;
use crate::friends::relationship::Relationship;
use crate::ids::{CallId, ConversationId, FriendRequestId, MessageId, UploadId, UserId};
use crate::messaging::history::{Direction, Of};
use crate::messaging::send::{Draft, Target};

#[test]
fn nothing_of_the_blocked_reaches_the_other() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config =
        ProptestConfig { cases: 8, max_shrink_iters: 30, failure_persistence: None, ..Default::default() };
    proptest!(config, |(graph in any_graph())| runtime.block_on(check(&graph)));
}

async fn check(graph: &Graph) {
    let scene = Box::pin(Scene::of(graph)).await;
    for reader in 0..scene.people.len() {
        let seen = surfaces::of(&scene, reader).await;
        let export = surfaces::export(&scene, &scene.people[reader]).await;
        counts_are_of_what_is_shown(&scene, reader).await;
        blocks_are_one_s_own(&scene, reader).await;
        for other in (0..scene.people.len()).filter(|other| *other != reader) {
            let (name, id) = (&scene.people[other].name, scene.people[other].id.to_string());
            if scene.apart(reader, other) {
                for (surface, text) in &seen {
                    let passes = text.contains(name.as_str()) || text.contains(&id);
                    assert!(
                        !passes,
                        "{surface} shows {} something of {name}: {text}",
                        scene.people[reader].name
                    );
                }
                assert!(!export.contains(name.as_str()), "the export shows something of {name}: {export}");
                acts_find_nobody(&scene, reader, other).await;
            } else {
                // Otherwise it would prove nothing that the others are not there.
                for surface in ["search", "a profile"] {
                    let shown = |(at, text): &(String, String)| at == surface && text.contains(&id);
                    assert!(seen.iter().any(shown), "{surface} does not show {name}");
                }
            }
        }
    }
}

/// Unread messages, and how far all others have read, by the histories and members that the reader is shown.
async fn counts_are_of_what_is_shown(scene: &Scene, reader: usize) {
    let (messaging, reader) = (scene.world.banter.messaging(), &scene.people[reader]);
    let mut total = 0;
    for conversation in messaging.conversations(&reader.caller, &ALL).await.expect("a list").items {
        let (of, read) = (Of::Conversation(conversation.id), conversation.last_read_seq);
        let rest = messaging.history(&reader.caller, of, Direction::After(read), 100).await.expect("a page");
        let unread = rest.messages.iter().filter(|message| {
            !message.is_hidden && !message.is_deleted && message.sender_id != Some(reader.id)
        });
        let unread = i64::try_from(unread.count()).expect("a few");
        assert_eq!(conversation.unread_count, unread, "{} in {:?}", reader.name, rest.messages);
        total += unread;
        let opened = messaging.conversation(&reader.caller, conversation.id).await.expect("it is there");
        let others = opened.members.iter().filter(|member| member.user.id != reader.id);
        let read = others.map(|member| member.last_read_seq).min().unwrap_or(0);
        assert_eq!(opened.conversation.peer_read_seq, read, "{} of {:?}", reader.name, opened.members);
    }
    assert_eq!(messaging.unread(&reader.caller).await.expect("a count"), total);
    let inbox = scene.world.banter.notifications().list(&reader.caller, &ALL).await.expect("a list");
    let unread = inbox.page.items.iter().filter(|notification| !notification.is_read).count();
    assert_eq!(usize::try_from(inbox.unread), Ok(unread), "{}", reader.name);
}

async fn blocks_are_one_s_own(scene: &Scene, reader: usize) {
    let listed =
        scene.world.banter.safety().blocks(&scene.people[reader].caller, &ALL).await.expect("a list");
    let mut listed: Vec<UserId> = listed.items.iter().map(|block| block.user.id).collect();
    let own = scene.blocks.iter().filter(|(who, _)| *who == reader).map(|(_, whom)| scene.people[*whom].id);
    let mut own: Vec<UserId> = own.collect();
    listed.sort();
    own.sort();
    assert_eq!(listed, own);
}

/// What came of an act: nothing but this may tell somebody who is blocked from somebody who is not there.
fn outcome<T, E: Coded + std::fmt::Display>(result: Result<T, E>) -> String {
    result.map_or_else(|error| format!("{}: {error}", error.coded().1), |_| "done".into())
}

/// Each act on `other` comes to what it comes to on nobody.
async fn acts_find_nobody(scene: &Scene, reader: usize, other: usize) {
    let (banter, caller) = (&scene.world.banter, &scene.people[reader].caller);
    let (messaging, friends) = (banter.messaging(), banter.friends());
    let (they, nobody) = (scene.people[other].id, UserId(Uuid::nil()));
    macro_rules! alike {
        ($of:ident in $them:expr, $nothing:expr => $act:expr) => {{
            let ($of, them) = ($them, $them);
            let real = outcome($act.await);
            let $of = $nothing;
            assert_eq!(real, outcome($act.await), "{} of {them:?}", stringify!($act));
        }};
    }
    let profile = banter.accounts().public_profile(caller, they).await;
    if scene.blocks.contains(&(reader, other)) {
        let profile = profile.expect("whom one blocked is shown as on the list of blocks");
        assert!(
            profile.relationship == Relationship::BlockedByMe && profile.details.is_none(),
            "{profile:?}"
        );
        assert!(profile.request_id.is_none());
    } else {
        assert_eq!(outcome(profile), outcome(banter.accounts().public_profile(caller, nobody).await));
    }
    alike!(user in they, nobody => friends.mutual(caller, user, &ALL));
    alike!(user in they, nobody => friends.ask(caller, user, Some("hello")));
    alike!(user in they, nobody => friends.remove(caller, user));
    alike!(user in they, nobody => messaging.history(caller, Of::User(user), Direction::After(0), 10));
    alike!(user in they, nobody => messaging.send(caller, Draft::text(Target::User(user), "hello"), None));
    let third = scene.people.iter().map(|person| person.id).find(|id| *id != they && *id != caller.user_id);
    let third = third.expect("there are more");
    alike!(user in they, nobody => messaging.create_group(caller, "Us", &[user, third]));
    for (_, _, request) in scene
        .requests
        .iter()
        .filter(|(from, to, _)| (*from, *to) == (reader, other) || (*from, *to) == (other, reader))
    {
        let none = FriendRequestId(Uuid::nil());
        alike!(id in *request, none => friends.accept(caller, id));
        alike!(id in *request, none => friends.reject(caller, id));
        alike!(id in *request, none => friends.cancel(caller, id));
    }
    let calls = banter.calls();
    let call = |whom| calls.initiate(caller, whom, CallType::Audio);
    alike!(user in they, nobody => call(Whom::User(user)));
    let between = |from: usize, to: Option<usize>| {
        (from, to) == (reader, Some(other)) || (from, to) == (other, Some(reader))
    };
    for (.., id) in scene.calls.iter().filter(|(from, to, _)| between(*from, *to)) {
        let none = CallId(Uuid::nil());
        alike!(id in *id, none => banter.calls().one(caller, id));
        alike!(id in *id, none => banter.calls().answer(caller, id));
        alike!(id in *id, none => banter.calls().reject(caller, id));
        alike!(id in *id, none => banter.calls().cancel(caller, id));
        alike!(id in *id, none => banter.calls().end(caller, id));
    }
    for (_, upload) in scene.uploads.iter().filter(|(by, _)| *by == other) {
        alike!(id in *upload, UploadId(Uuid::nil()) => banter.media().one(caller, id));
    }
    let direct: Option<ConversationId> = sqlx::query_scalar(
        "select id from conversations where user_lo = least($1, $2) and user_hi = greatest($1, $2)",
    )
    .bind(they)
    .bind(caller.user_id)
    .fetch_optional(banter.pool())
    .await
    .expect("an answer");
    if let Some(direct) = direct {
        let none = ConversationId(Uuid::nil());
        alike!(id in direct, none => messaging.conversation(caller, id));
        alike!(id in direct, none => messaging.history(caller, Of::Conversation(id), Direction::Before(9), 10));
        alike!(id in direct, none => messaging.mark_read(caller, id, 1));
        alike!(id in direct, none => messaging.typing_audience(caller, id));
        alike!(id in direct, none => messaging.send(caller, Draft::text(Target::Conversation(id), "hello"), None));
        alike!(id in direct, none => messaging.rename_group(caller, id, "Ours"));
        alike!(id in direct, none => messaging.leave_group(caller, id));
    }
    // Theirs anywhere, and the reader's own between the two.
    let between = |conversation| Some(conversation) == direct;
    for message in scene.posted.iter().filter(|m| m.by == other || m.by == reader && between(m.conversation))
    {
        let none = MessageId(Uuid::nil());
        alike!(id in message.id, none => messaging.edit(caller, id, "mine now"));
        alike!(id in message.id, none => messaging.delete(caller, id));
        let answer = |reply_to| {
            let text = Draft::text(Target::Conversation(message.conversation), "yes");
            messaging.send(caller, Draft { reply_to: Some(reply_to), ..text }, None)
        };
        alike!(id in message.id, none => answer(id));
    }
}
