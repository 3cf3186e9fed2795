use chrono::TimeDelta;
use futures_util::future::join_all;

use crate::error::Coded as _;
use crate::events::Event;
use crate::ids::NotificationId;
use crate::notifications::inbox::Inbox;
use crate::notifications::{Error, Kind, News};
use crate::page::PageRequest;
use crate::testing::{Person, World};

async fn inbox(world: &World, person: &Person) -> Inbox {
    let page = PageRequest { limit: 100, cursor: None };
    world.banter.notifications().list(&person.caller, &page).await.unwrap()
}

/// The ids listed, and how many are unread.
async fn listed(world: &World, person: &Person) -> (Vec<NotificationId>, i64) {
    let inbox = inbox(world, person).await;
    (inbox.page.items.iter().map(|n| n.id).collect(), inbox.unread)
}

async fn read(world: &World, person: &Person, id: NotificationId) -> Result<i64, Error> {
    world.banter.notifications().read(&person.caller, id).await
}

async fn people(world: &World) -> (Person, Person) {
    (world.user("asha").await, world.user("ravi").await)
}

#[tokio::test]
async fn what_it_says_is_made_when_it_is_read() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    let id = world.friend_news(&asha, &ravi).await;
    world.coin_news(&asha, 50).await;
    world.sql("update users set full_name = 'Ravi Menon' where username = 'ravi'").await;
    let items = inbox(&world, &asha).await.page.items;
    assert_eq!(items[0].body, "You received 50 coins");
    assert_eq!((items[1].id, items[1].kind, items[1].is_read), (id, Kind::FriendRequest, false));
    assert_eq!(items[1].body, "Ravi Menon wants to be your friend");
    let actor = items[1].actor.as_ref().unwrap();
    assert_eq!((actor.id, actor.username.as_deref()), (ravi.id, Some("ravi")));
    world.sql("update users set language = 'hi' where username = 'asha'").await;
    assert_eq!(inbox(&world, &asha).await.page.items[1].body, "Ravi Menon आपसे दोस्ती करना चाहते हैं");
    assert_eq!(listed(&world, &ravi).await, (vec![], 0));
}

#[tokio::test]
async fn a_notification_comes_and_goes_with_the_transaction_that_causes_it() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let (asha, ravi) = people(&world).await;
    let device = (&asha.caller, "phone", crate::accounts::devices::Platform::Android);
    world.banter.accounts().put_device(device.0, device.1, device.2).await.unwrap();
    let mut transaction = world.banter.pool().begin().await.unwrap();
    let news = News { to: asha.id, kind: Kind::CoinsCredited, actor: Some(ravi.id), subject: None };
    let added = world.banter.notifications().add(&mut transaction, news).await.unwrap();
    transaction.rollback().await.unwrap();
    world.banter.notifications().tell(added).await;
    assert_eq!(world.events_for(&asha), [], "there is nothing to tell");
    assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 0);
    world.coin_news(&asha, 5).await;
    assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 1);
}

#[tokio::test]
async fn sockets_are_told_as_the_inbox_has_it() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    world.coin_news(&asha, 5).await;
    world.notices().clear();
    world.friend_news(&asha, &ravi).await;
    let told = world.expect_event(&asha, |event| event.name() == "notification:new").await;
    let Event::NotificationNew(new) = told else { unreachable!() };
    assert_eq!((new.notification, new.unread_count), (inbox(&world, &asha).await.page.items[0].clone(), 2));
    assert!(world.events_for(&ravi).iter().all(|event| event.name() != "notification:new"));
}

#[tokio::test]
async fn whoever_cannot_be_met_or_is_gone_is_not_there_and_does_not_count() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    let id = world.friend_news(&asha, &ravi).await;
    let coins = world.coin_news(&asha, 5).await;
    assert_eq!(listed(&world, &asha).await, (vec![coins, id], 2));

    for (one, other) in [(&asha, &ravi), (&ravi, &asha)] {
        world.block(one, other).await;
        assert_eq!(listed(&world, &asha).await, (vec![coins], 1));
        assert!(matches!(read(&world, &asha, id).await, Err(Error::NotFound)));
        world.notices().clear();
        world.banter.safety().unblock(&one.caller, other.id).await.unwrap();
    }
    // The block ended the request as well.
    world.sql("update friend_requests set status = 'pending', decided_at = null").await;
    for (gone, back) in [
        ("update users set status = 'deleted'", "update users set status = 'active'"),
        ("update users set status = 'banned'", "update users set status = 'active'"),
        (
            "update friend_requests set status = 'cancelled', decided_at = now()",
            "update friend_requests set status = 'accepted', decided_at = now()",
        ),
    ] {
        world
            .sql(&format!("{gone}{}", if gone.contains("users") { " where username = 'ravi'" } else { "" }))
            .await;
        assert_eq!(listed(&world, &asha).await, (vec![coins], 1), "{gone}");
        world.sql(back).await;
        assert_eq!(listed(&world, &asha).await, (vec![coins, id], 2), "{back}");
    }
    world.block(&asha, &ravi).await;
    world.notices().clear();
    let request = "select subject_id from notifications where id = $1";
    let request = sqlx::query_scalar(request).bind(id).fetch_one(world.banter.pool()).await.unwrap();
    let news = News { to: asha.id, kind: Kind::FriendRequest, actor: Some(ravi.id), subject: request };
    world.news(news).await;
    assert_eq!(world.events_for(&asha), [], "blocked while it was written");
}

#[tokio::test]
async fn a_group_s_name_is_for_its_members() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    let group = uuid::Uuid::from_u128(7);
    world
        .sql(&format!(
            "insert into conversations (id, kind, name, last_message_at, created_at) values ('{group}', 'group', 'Goa 2027', now(), now());
             insert into conversation_members (conversation_id, user_id, last_message_at, joined_at) values ('{group}', '{}', now(), now())",
            asha.id
        ))
        .await;
    let news = News { to: asha.id, kind: Kind::GroupAdded, actor: Some(ravi.id), subject: Some(group) };
    world.news(news).await;
    assert_eq!(inbox(&world, &asha).await.page.items[0].body, "ravi Kumar added you to Goa 2027");
    world.sql("delete from conversation_members").await;
    assert_eq!(listed(&world, &asha).await, (vec![], 0));
}

#[tokio::test]
async fn what_was_read_stays_read() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    let (one, two) = (world.coin_news(&asha, 1).await, world.coin_news(&asha, 2).await);
    assert_eq!(read(&world, &asha, one).await.unwrap(), 1);
    let at: Vec<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select read_at from notifications where read_at is not null")
            .fetch_all(world.banter.pool())
            .await
            .unwrap();
    assert_eq!(at, [world.now()]);
    world.advance(TimeDelta::minutes(1));
    assert_eq!(read(&world, &asha, one).await.unwrap(), 1, "a repeat changes nothing");
    let unchanged = format!("select from notifications where read_at = '{}'", at[0].to_rfc3339());
    assert_eq!(world.sql(&unchanged).await, 1);
    for stranger in
        [read(&world, &ravi, two).await, read(&world, &asha, NotificationId(uuid::Uuid::nil())).await]
    {
        assert_eq!(stranger.unwrap_err().coded().1, "NOTIFICATION_NOT_FOUND");
    }
    let marks: Vec<bool> = inbox(&world, &asha).await.page.items.iter().map(|n| n.is_read).collect();
    assert_eq!(marks, [false, true]);
}

#[tokio::test]
async fn all_are_read_at_once_but_what_came_since() {
    let world = World::with_memory().await;
    let (asha, ravi) = people(&world).await;
    let shown = world.coin_news(&asha, 1).await;
    world.advance(TimeDelta::milliseconds(1));
    let since = world.coin_news(&asha, 2).await;
    let his = world.coin_news(&ravi, 3).await;
    let read_all = async |person: &Person, up_to| {
        world.banter.notifications().read_all(&person.caller, up_to).await.unwrap()
    };
    assert_eq!(read_all(&ravi, Some(shown)).await, 1, "others' ids are only places");
    world.open_connections().await;
    for unread in join_all((0..5).map(|_| read_all(&asha, Some(shown)))).await {
        assert_eq!(unread, 1);
    }
    assert_eq!(read(&world, &asha, since).await.unwrap(), 0);
    world.coin_news(&asha, 4).await;
    assert_eq!(read_all(&asha, None).await, 0);
    assert_eq!(listed(&world, &ravi).await, (vec![his], 1));
}

#[tokio::test]
async fn pages_go_on_where_the_last_ended() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for coins in 1..=5 {
        world.coin_news(&asha, coins).await;
        world.advance(TimeDelta::milliseconds(1));
    }
    let all = listed(&world, &asha).await.0;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 2, cursor };
        let inbox = world.banter.notifications().list(&asha.caller, &page).await.unwrap();
        assert_eq!(inbox.unread, 5, "of the whole inbox");
        paged.extend(inbox.page.items.iter().map(|n| n.id));
        cursor = inbox.page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, all);
    let foreign = PageRequest { limit: 2, cursor: Some("bm9uZQ".into()) };
    let refused = world.banter.notifications().list(&asha.caller, &foreign).await.unwrap_err();
    assert!(refused.problems().is_some());
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_out() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.coin_news(&asha, 1).await;
    world.sql("update notifications set kind = 'moon_landing'").await;
    assert_eq!(listed(&world, &asha).await, (vec![], 0));
}

#[tokio::test]
async fn after_ninety_days_it_is_pruned() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.coin_news(&asha, 1).await;
    world.advance(TimeDelta::days(1));
    let younger = world.coin_news(&asha, 2).await;
    world.advance(TimeDelta::days(89) + TimeDelta::seconds(1));
    let prune = crate::jobs::Job::Prune {};
    world.banter.jobs().queue(world.banter.pool(), &prune, world.now()).await.unwrap();
    crate::jobs::worker::round(&world.banter).await.unwrap();
    assert_eq!(listed(&world, &asha).await.0, [younger]);
}
