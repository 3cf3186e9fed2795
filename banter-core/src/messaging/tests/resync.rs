//! What a client missed.

use chrono::TimeDelta;

use super::*;
use crate::messaging::resync::{Changes, OVERLAP};
use crate::page::PageRequest;

async fn changes(world: &World, person: &Person, since: DateTime<Utc>, cursor: Option<String>) -> Changes {
    let page = PageRequest { limit: 2, cursor };
    world.banter.messaging().changes(&person.caller, since, &page).await.unwrap()
}

/// Time enough that what was before is not looked at again.
fn pass(world: &World) -> DateTime<Utc> {
    let now = world.now();
    world.advance(OVERLAP + TimeDelta::seconds(1));
    now + OVERLAP + TimeDelta::seconds(1)
}

#[tokio::test]
async fn it_tells_what_is_new_edited_and_deleted_and_nothing_else() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let old = world.send(&ravi, &asha, "old").await;
    let edited = world.send(&ravi, &asha, "to be edted").await;
    let deleted = world.send(&ravi, &asha, "to be deleted").await;
    world.send(&meera, &asha, "quiet since").await;
    let since = pass(&world);
    assert!(changes(&world, &asha, since, None).await.page.items.is_empty());

    let messaging = world.banter.messaging();
    messaging.edit(&ravi.caller, edited.id, "to be edited").await.unwrap();
    messaging.delete(&ravi.caller, deleted.id).await.unwrap();
    let new = world.send(&ravi, &asha, "new").await;
    let told = changes(&world, &asha, since, None).await;
    assert_eq!((told.synced_at, &told.page.next_cursor), (world.now(), &None));
    let [change] = &told.page.items[..] else { panic!("one conversation: {told:?}") };
    assert_eq!(
        (change.conversation.id, change.conversation.last_seq, change.has_more),
        (old.conversation_id, 4, false)
    );
    assert_eq!(change.messages, [new]);
    let mut changed: Vec<_> =
        change.changed.iter().map(|m| (m.seq, m.content.as_str(), m.is_deleted)).collect();
    changed.sort_unstable();
    assert_eq!(changed, [(2, "to be edited", false), (3, "", true)]);
    // Asked again from then on, a moment later: what lay within the overlap comes again, and does no harm.
    let again = changes(&world, &asha, told.synced_at, None).await;
    assert_eq!(again.page.items.len(), 1);
    pass(&world);
    assert!(changes(&world, &asha, world.now(), None).await.page.items.is_empty());
}

#[tokio::test]
async fn many_conversations_come_page_by_page_and_long_ones_in_part() {
    let world = without_limits().await;
    let asha = world.user("asha").await;
    let since = pass(&world);
    let mut expected = Vec::new();
    for i in 0..5 {
        let other = world.user(&format!("other{i}")).await;
        expected.push(world.send(&other, &asha, "hello").await.conversation_id);
        for n in 0..if i == 3 { 60 } else { 0 } {
            world.send(&other, &asha, &n.to_string()).await;
        }
    }
    let (mut found, mut cursor, mut times) = (Vec::new(), None, Vec::new());
    loop {
        let some = changes(&world, &asha, since, cursor).await;
        world.advance(TimeDelta::seconds(1));
        times.push(some.synced_at);
        found.extend(some.page.items);
        cursor = some.page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(times.len(), 3);
    assert!(times.iter().all(|time| *time == times[0]), "the pages of one question share its time");
    let mut ids: Vec<_> = found.iter().map(|change| change.conversation.id).collect();
    assert!(ids.is_sorted());
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let long = found.iter().find(|change| change.has_more).unwrap();
    let seqs: Vec<_> = long.messages.iter().map(|m| m.seq).collect();
    assert_eq!(seqs, (12..=61).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_comes_of_whom_one_cannot_meet_nor_of_others_conversations() {
    let world = World::new().await;
    let (asha, ravi, meera) = (world.user("asha").await, world.user("ravi").await, world.user("meera").await);
    let since = pass(&world);
    world.send(&ravi, &asha, "hello").await;
    world.send(&ravi, &meera, "hello").await;
    world.block(&ravi, &asha).await;
    assert!(changes(&world, &asha, since, None).await.page.items.is_empty());
    assert_eq!(changes(&world, &ravi, since, None).await.page.items.len(), 1);
}
