//! What each act does to somebody, and what is left of it when it is taken back.

use chrono::TimeDelta;

use super::*;
use crate::accounts::devices::Platform;
use crate::accounts::sign_in::{Registration, SignIn};
use crate::accounts::{Gender, Status as AccountStatus};
use crate::events::Event;
use crate::gifts::Gift;
use crate::ids::{CallId, RoomId, SanctionId};
use crate::media::Purpose;
use crate::moderation::cases::Status;
use crate::moderation::sanctions::State;
use crate::rooms::RoomType;
use crate::rooms::open::NewRoom;
use crate::testing::files;

/// A moderator, a senior one and another.
async fn bench(world: &World) -> [Staff; 3] {
    [
        staffer(world, "mira", Role::Moderator).await.1,
        staffer(world, "sana", Role::Senior).await.1,
        staffer(world, "omar", Role::Senior).await.1,
    ]
}

async fn status(world: &World, person: &Person) -> AccountStatus {
    world.banter.accounts().overview(person.id).await.unwrap().status
}

async fn signs_in(world: &World, person: &Person) -> Result<(), &'static str> {
    let token = world.firebase_token(&person.firebase_uid, &person.phone);
    match world.banter.accounts().sign_in(&token, None, &person.client).await {
        Ok(SignIn::Known(_)) => Ok(()),
        Ok(SignIn::Stranger(_)) => panic!("a stranger"),
        Err(error) => Err(error.coded().1),
    }
}

async fn room(world: &World, host: &Person) -> RoomId {
    let new = NewRoom {
        name: "Chai".into(),
        description: None,
        category: None,
        language: None,
        room_type: RoomType::Text,
        max_members: None,
        is_public: true,
        cover_image: None,
    };
    world.banter.rooms().create(&host.caller, new).await.expect("a room").room.id
}

#[tokio::test]
async fn a_warning_is_told_in_the_person_s_language() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    world.sql("update users set language = 'hi' where username = 'asha'").await;
    let [moderator, ..] = bench(&world).await;
    let moderation = world.banter.moderation();
    let sanction = moderation.sanction(moderator, asha.id, &order(Action::Warn, None)).await.unwrap();
    assert!(sanction.notice.starts_with("यह एक चेतावनी है"), "{}", sanction.notice);
    assert_eq!((sanction.state, sanction.strikes), (State::InForce, 1));
    let Event::ModerationNotice(notice) =
        world.expect_event(&asha, |event| matches!(event, Event::ModerationNotice(_))).await
    else {
        unreachable!()
    };
    assert_eq!((notice.sanction_id, &notice.notice), (sanction.id, &sanction.notice));
    let inbox = world.banter.notifications().list(&asha.caller, &ALL).await.unwrap();
    assert_eq!(inbox.page.items[0].body, sanction.notice);
    let mine = moderation.my_sanctions(&asha.caller, &ALL).await.unwrap().items;
    assert!(mine[0].can_appeal);
    jobs(&world).await;
}

#[tokio::test]
async fn a_suspension_ends_by_itself() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let [moderator, senior, _] = bench(&world).await;
    let moderation = world.banter.moderation();
    assert_eq!(
        code(moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(31))).await),
        "ROLE_FORBIDS"
    );
    for days in [None, Some(0), Some(366)] {
        let refused = moderation.sanction(senior, asha.id, &order(Action::Suspend, days)).await;
        assert_eq!(code(refused), "VALIDATION_FAILED", "{days:?}");
    }
    moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(3))).await.unwrap();
    world.expect_event(&asha, |event| matches!(event, Event::ModerationNotice(_))).await;
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    assert!(world.banter.accounts().authenticate(&asha.access_token).is_err(), "at once");
    // A shorter one does not shorten it.
    moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(1))).await.unwrap();
    world.advance(TimeDelta::days(3) - TimeDelta::seconds(1));
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    world.advance(TimeDelta::seconds(1));
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_reversal_ends_only_its_own() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let [moderator, senior, _] = bench(&world).await;
    let moderation = world.banter.moderation();
    let short = moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(1))).await.unwrap();
    let long = moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(9))).await.unwrap();
    assert_eq!(code(moderation.reverse(moderator, SanctionId(asha.id.0), "x").await), "SANCTION_NOT_FOUND");
    let reversed = moderation.reverse(senior, long.id, "too much").await.unwrap();
    assert_eq!((reversed.state, reversed.reversal.as_deref()), (State::Reversed, Some("too much")));
    assert_eq!(code(moderation.reverse(senior, long.id, "again").await), "NOT_IN_FORCE");
    world.advance(TimeDelta::hours(23));
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"), "the shorter one holds");
    moderation.reverse(moderator, short.id, "mine").await.unwrap();
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    assert_eq!(moderation.person(senior, asha.id).await.unwrap().strikes, 0);
    // What an operator did by hand is not a sanction's to end.
    let third = moderation.sanction(moderator, asha.id, &order(Action::Suspend, Some(1))).await.unwrap();
    world.banter.accounts().suspend(asha.id, None, "by hand").await.unwrap();
    moderation.reverse(moderator, third.id, "mine").await.unwrap();
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_ban_takes_two_and_holds_from_the_first() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let case = case_about(&world, &asha, Reason::Scam).await;
    let [moderator, senior, other] = bench(&world).await;
    let moderation = world.banter.moderation();
    let waiting = moderation.resolve(moderator, case, &act(Action::Ban, None)).await.unwrap();
    assert_eq!(waiting.status, Status::Awaiting);
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    let proposed = moderation.sanctions(senior, Some(asha.id), Some(State::Proposed), &ALL).await.unwrap();
    let id = proposed.items[0].id;
    assert_eq!(code(moderation.confirm(moderator, id).await), "ROLE_FORBIDS");
    assert_eq!(code(moderation.resolve(senior, case, &dismiss()).await), "CASE_AWAITS");
    assert_eq!(code(moderation.reverse(senior, id, "x").await), "NOT_CONFIRMED");
    assert_eq!(
        code(moderation.sanction(senior, asha.id, &order(Action::Ban, None)).await),
        "ALREADY_PROPOSED"
    );
    world.open_connections().await;
    let (one, two) = tokio::join!(moderation.confirm(senior, id), moderation.refuse(other, id, "no"));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "one word counts");
    if two.is_ok() {
        assert_eq!(status(&world, &asha).await, AccountStatus::Active);
        moderation.resolve(moderator, case, &act(Action::Ban, None)).await.unwrap();
        let again = moderation.sanctions(senior, Some(asha.id), Some(State::Proposed), &ALL).await.unwrap();
        moderation.confirm(senior, again.items[0].id).await.unwrap();
    }
    assert_eq!(status(&world, &asha).await, AccountStatus::Banned);
    assert_eq!(moderation.dossier(senior, case).await.unwrap().case.status, Status::Resolved);
    world.advance(TimeDelta::days(400));
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    let ban = moderation.sanctions(senior, Some(asha.id), Some(State::InForce), &ALL).await.unwrap();
    moderation.reverse(other, ban.items[0].id, "mistaken for another").await.unwrap();
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_ban_that_nobody_confirms_lapses() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let [_, senior, other] = bench(&world).await;
    let moderation = world.banter.moderation();
    let ban = moderation.sanction(senior, asha.id, &order(Action::Ban, None)).await.unwrap();
    assert_eq!(code(moderation.confirm(senior, ban.id).await), "SECOND_PERSON_NEEDED");
    assert_eq!(code(moderation.refuse(senior, ban.id, "x").await), "SECOND_PERSON_NEEDED");
    world.advance(crate::moderation::sanctions::INTERIM);
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    moderation.refuse(other, ban.id, "no").await.unwrap();
    assert_eq!(code(moderation.refuse(other, ban.id, "no").await), "NOT_PROPOSED");
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_proposed_ban_shortens_no_suspension() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let [_, senior, other] = bench(&world).await;
    let moderation = world.banter.moderation();
    moderation.sanction(senior, asha.id, &order(Action::Suspend, Some(30))).await.unwrap();
    let ban = moderation.sanction(senior, asha.id, &order(Action::Ban, None)).await.unwrap();
    world.advance(crate::moderation::sanctions::INTERIM);
    assert_eq!(
        signs_in(&world, &asha).await,
        Err("ACCOUNT_SUSPENDED"),
        "the ban has lapsed, the suspension not"
    );
    moderation.refuse(other, ban.id, "no").await.unwrap();
    assert_eq!(signs_in(&world, &asha).await, Err("ACCOUNT_SUSPENDED"));
    world.advance(TimeDelta::days(27));
    assert_eq!(signs_in(&world, &asha).await, Ok(()));
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_banned_person_s_phone_opens_no_account() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let accounts = world.banter.accounts();
    accounts.put_device(&asha.caller, "phone-of-asha", Platform::Android).await.unwrap();
    let [_, senior, other] = bench(&world).await;
    let moderation = world.banter.moderation();
    let ban = moderation.sanction(senior, asha.id, &order(Action::Ban, None)).await.unwrap();
    moderation.confirm(other, ban.id).await.unwrap();
    let registration = |fcm_token: &str| Registration {
        firebase_token: world.firebase_token("uid-new", "+919800000099"),
        full_name: "New Face".into(),
        username: "newface".into(),
        date_of_birth: "1998-04-23".into(),
        gender: Gender::Other,
        fcm_token: Some(fcm_token.into()),
    };
    let refused = accounts.register(registration("phone-of-asha"), &asha.client).await.unwrap_err();
    assert_eq!(refused.coded().1, "DEVICE_BANNED");
    let ravi = world.user("ravi").await;
    let refused = accounts.put_device(&ravi.caller, "phone-of-asha", Platform::Android).await.unwrap_err();
    assert_eq!(refused.coded().1, "DEVICE_BANNED");
    moderation.reverse(other, ban.id, "another's phone").await.unwrap();
    accounts.register(registration("phone-of-asha"), &asha.client).await.expect("free again");
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_frozen_wallet_spends_nothing_and_still_receives() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let case = case_about(&world, &asha, Reason::Scam).await;
    let [moderator, senior, _] = bench(&world).await;
    let moderation = world.banter.moderation();
    let give = async |from: &Person, to: &Person| {
        let draft = crate::gifts::give::Draft {
            gift: Gift::ALL[0],
            receiver: to.id,
            conversation: None,
            client_gift_id: None,
        };
        world.banter.gifts().give(&from.caller, &draft).await.map(drop).map_err(|error| error.coded().1)
    };
    for person in [&asha, &ravi] {
        world.grant_coins(person, 1_000).await;
    }
    moderation.resolve(moderator, case, &act(Action::FreezeWallet, None)).await.unwrap();
    give(&asha, &ravi).await.expect("not frozen before the second person");
    assert!(moderation.my_sanctions(&asha.caller, &ALL).await.unwrap().items.is_empty());
    let proposed = moderation.sanctions(senior, None, Some(State::Proposed), &ALL).await.unwrap().items;
    moderation.confirm(senior, proposed[0].id).await.unwrap();
    assert_eq!(give(&asha, &ravi).await, Err("WALLET_FROZEN"));
    give(&ravi, &asha).await.expect("what comes in is booked");
    moderation.reverse(senior, proposed[0].id, "cleared").await.unwrap();
    give(&asha, &ravi).await.expect("free again");
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_message_is_removed_and_its_evidence_stays() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    world.acquaint(&asha, &ravi).await;
    let picture = {
        let pieces = [Ok::<_, std::convert::Infallible>(bytes::Bytes::from(files::jpeg(8, 8)))];
        let admitted = world.banter.media().admit(&asha.caller, Purpose::Chat).await.unwrap();
        admitted.take(futures_util::stream::iter(pieces)).await.unwrap()
    };
    let mut draft =
        crate::messaging::send::Draft::text(crate::messaging::send::Target::User(ravi.id), "look");
    draft.message_type = crate::messaging::MessageType::Image;
    draft.media = Some(picture.id.to_string());
    let message = world.banter.messaging().send(&asha.caller, draft, None).await.unwrap().message;
    report(&world, &ravi, About::Message(message.id), Reason::IntimateImagery).await;
    let [moderator, ..] = bench(&world).await;
    let case = only_case(&world).await;
    let moderation = world.banter.moderation();
    assert_eq!(
        code(moderation.resolve(moderator, case.id, &act(Action::CloseRoom, None)).await),
        "VALIDATION_FAILED"
    );
    moderation.resolve(moderator, case.id, &act(Action::RemoveMessage, None)).await.unwrap();
    world
        .expect_event(&ravi, |event| matches!(event, Event::MessageDeleted(gone) if gone.id == message.id))
        .await;
    let stored = async || {
        let found: i64 = sqlx::query_scalar("select count(*) from uploads where doomed_at is not null")
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
        found
    };
    let collect = async || {
        let job = crate::jobs::Job::Collect {};
        world.banter.jobs().queue(world.banter.pool(), &job, world.now()).await.unwrap();
        world.sql(&format!("update jobs set run_at = '{}' where unique_name = 'collect'", world.now())).await;
        jobs(&world).await;
    };
    world.advance(TimeDelta::days(1));
    collect().await;
    assert_eq!(stored().await, 1, "kept as evidence");
    // Half a year after the case's end it goes.
    world.advance(TimeDelta::days(180));
    world.banter.jobs().queue(world.banter.pool(), &crate::jobs::Job::Prune {}, world.now()).await.unwrap();
    world.sql(&format!("update jobs set run_at = '{}' where unique_name = 'prune'", world.now())).await;
    jobs(&world).await;
    collect().await;
    assert_eq!(stored().await, 0);
    let evidence: Option<serde_json::Value> =
        sqlx::query_scalar("select evidence from reports").fetch_one(world.banter.pool()).await.unwrap();
    assert_eq!(evidence, None, "and so does what was written");
    world.may_leave_jobs();
}

#[tokio::test]
async fn the_muted_listen() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let [moderator, ..] = bench(&world).await;
    let ashas = room(&world, &asha).await;
    let ravis = room(&world, &ravi).await;
    let rooms = world.banter.rooms();
    rooms.join(&asha.caller, ravis).await.unwrap();
    let moderation = world.banter.moderation();
    let sanction = moderation.sanction(moderator, asha.id, &order(Action::Mute, Some(1))).await.unwrap();
    assert!(world.banter.rooms().members(&ravi.caller, ravis, &ALL).await.unwrap().items.len() == 1);
    let refused = rooms.join(&asha.caller, ashas).await.unwrap_err();
    assert_eq!(refused.coded().1, "MUTED_BY_STAFF", "she would host it");
    let back = rooms.join(&asha.caller, ravis).await.unwrap();
    let me = rooms.members(&asha.caller, ravis, &ALL).await.unwrap().items;
    assert!(me.iter().any(|member| member.user.id == asha.id && member.is_muted));
    drop(back);
    let unmute = rooms.mute(&ravi.caller, ravis, asha.id, false).await.unwrap_err();
    assert_eq!(unmute.coded().1, "MUTED_BY_STAFF");
    let promote = rooms.set_role(&ravi.caller, ravis, asha.id, crate::rooms::policy::Role::Moderator).await;
    assert_eq!(promote.unwrap_err().coded().1, "MUTED_BY_STAFF");
    moderation.reverse(moderator, sanction.id, "enough").await.unwrap();
    rooms.mute(&ravi.caller, ravis, asha.id, false).await.unwrap();
    world.may_leave_jobs();
}

#[tokio::test]
async fn a_room_is_closed_and_its_host_told() {
    let world = World::with_memory().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let [moderator, ..] = bench(&world).await;
    let room = room(&world, &asha).await;
    report(&world, &ravi, About::Room(room, None), Reason::Hate).await;
    let case = only_case(&world).await;
    assert_eq!(case.user.id, asha.id);
    let dossier = world.banter.moderation().dossier(moderator, case.id).await.unwrap();
    assert_eq!(dossier.reports[0].evidence.as_ref().unwrap()["room"]["name"], "Chai");
    world.banter.moderation().resolve(moderator, case.id, &act(Action::CloseRoom, None)).await.unwrap();
    world.expect_event(&asha, |event| matches!(event, Event::RoomClosed(_))).await;
    world.expect_event(&asha, |event| matches!(event, Event::ModerationNotice(_))).await;
    let calls = world.banter.moderation();
    let refused = calls.report(&ravi.caller, About::Call(CallId(room.0), None), Reason::Hate, None).await;
    assert_eq!(code(refused), "SUBJECT_NOT_FOUND");
    world.may_leave_jobs();
}

#[tokio::test]
async fn staff_is_judged_by_an_admin() {
    let world = World::with_memory().await;
    let [moderator, senior, _] = bench(&world).await;
    let (_, admin) = staffer(&world, "adil", Role::Admin).await;
    let moderation = world.banter.moderation();
    let target = moderator.id().unwrap();
    assert_eq!(
        code(moderation.sanction(senior, target, &order(Action::Warn, None)).await),
        "STAFF_PROTECTED"
    );
    assert_eq!(
        code(moderation.sanction(admin, admin.id().unwrap(), &order(Action::Warn, None)).await),
        "OWN_CASE"
    );
    assert_eq!(
        code(moderation.sanction(Staff::OPERATOR, target, &order(Action::Warn, None)).await),
        "NAME_NEEDED"
    );
    moderation.sanction(admin, target, &order(Action::Warn, None)).await.unwrap();
    let nobody = crate::ids::UserId(uuid::Uuid::nil());
    assert_eq!(code(moderation.sanction(admin, nobody, &order(Action::Warn, None)).await), "USER_NOT_FOUND");
    world.may_leave_jobs();
}
