//! Uploads from their first byte until they are collected.

use std::convert::Infallible;
use std::fs;

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::stream;

use crate::config::Storage;
use crate::error::Coded as _;
use crate::ids::UploadId;
use crate::jobs::{Job, worker};
use crate::media::{Error, Media, Purpose, avatar};
use crate::testing::{Person, World, files};

async fn upload(world: &World, who: &Person, purpose: Purpose, bytes: Vec<u8>) -> Result<Media, Error> {
    let pieces: Vec<_> =
        bytes.chunks(1000).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece))).collect();
    world.banter.media().admit(&who.caller, purpose).await?.take(stream::iter(pieces)).await
}

fn stored(world: &World) -> usize {
    let folders = Purpose::ALL.map(|purpose| world.media_dir().join(purpose.slug()));
    folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().count()
}

async fn rows(world: &World) -> i64 {
    let mut db = world.database().connect().await;
    sqlx::query_scalar("select count(*) from uploads").fetch_one(&mut db).await.unwrap()
}

async fn doomed(world: &World) -> Vec<UploadId> {
    let mut db = world.database().connect().await;
    sqlx::query_scalar("select id from uploads where doomed_at is not null").fetch_all(&mut db).await.unwrap()
}

/// Runs the collector once, as a worker does.
async fn collect(world: &World) {
    let jobs = world.banter.jobs();
    jobs.queue(world.banter.pool(), &Job::Collect {}, world.now()).await.unwrap();
    // It waits already where it ran before.
    world.sql(&format!("update jobs set run_at = '{}' where unique_name = 'collect'", world.now())).await;
    worker::round(&world.banter).await.unwrap();
}

#[tokio::test]
async fn what_nothing_uses_is_collected_after_a_day() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap();
    let face = upload(&world, &asha, Purpose::Avatar, files::jpeg(8, 8)).await.unwrap();
    world.banter.media().set_avatar(&asha.caller, face.id).await.unwrap();
    world.advance(TimeDelta::hours(24));
    collect(&world).await;
    assert_eq!((stored(&world), rows(&world).await), (4, 2), "a day is not over");
    world.advance(TimeDelta::seconds(1));
    collect(&world).await;
    assert_eq!((stored(&world), rows(&world).await), (2, 1), "the face stays");
    world.banter.media().clear_avatar(&asha.caller).await.unwrap();
    collect(&world).await;
    assert_eq!((stored(&world), rows(&world).await), (0, 0));
}

#[tokio::test]
async fn a_face_is_collected_when_another_takes_its_place() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let face = upload(&world, &asha, Purpose::Avatar, files::jpeg(8, 8)).await.unwrap();
        world.banter.media().set_avatar(&asha.caller, face.id).await.unwrap();
        ids.push(face.id);
    }
    collect(&world).await;
    let link = world.banter.accounts().profile(asha.id).await.unwrap().avatar.unwrap();
    assert_eq!(crate::media::named_by(&link), Some(ids[1]));
    assert_eq!((stored(&world), rows(&world).await), (2, 1));
}

#[tokio::test]
async fn an_upload_whose_server_died_is_collected_with_what_there_is_of_it() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let whole = upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap();
    // As it stands before its second object is stored.
    let chat = world.media_dir().join("chat");
    fs::remove_file(chat.join(format!("{}_thumb.jpg", whole.id))).unwrap();
    let soon = world.now() + TimeDelta::hours(1);
    world.sql(&format!("update uploads set doomed_at = '{soon}'")).await;
    assert!(matches!(world.banter.media().one(&asha.caller, whole.id).await, Err(Error::NotFound)));
    collect(&world).await;
    assert_eq!((stored(&world), rows(&world).await), (1, 1), "it may still be on its way");
    world.advance(TimeDelta::hours(1));
    collect(&world).await;
    assert_eq!((stored(&world), rows(&world).await), (0, 0), "a missing object is no hindrance");
}

#[tokio::test]
async fn more_than_one_batch_is_collected() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let insert = format!(
        "insert into uploads (id, user_id, purpose, kind, content_type, bytes, object_key, created_at, doomed_at)
         select gen_random_uuid(), '{}', 'chat', 'audio', 'audio/ogg', 1, n || '.ogg', '{now}', '{now}'
         from generate_series(1, 250) n",
        asha.id,
        now = world.now(),
    );
    world.sql(&insert).await;
    collect(&world).await;
    assert_eq!(rows(&world).await, 0);
}

#[tokio::test]
async fn a_collector_that_cannot_delete_keeps_the_row_and_comes_again() {
    let world = World::new().await;
    world.may_leave_jobs();
    let asha = world.user("asha").await;
    let upload = upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap();
    world.sql("update uploads set doomed_at = created_at").await;
    // A directory where the file was cannot be deleted like one.
    let object = world.media_dir().join("chat").join(format!("{}.jpg", upload.id));
    fs::remove_file(&object).unwrap();
    fs::create_dir_all(object.join("deeper")).unwrap();
    collect(&world).await;
    assert_eq!(rows(&world).await, 1);
    assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 1);
    fs::remove_dir_all(&object).unwrap();
    world.advance(TimeDelta::minutes(1));
    worker::round(&world.banter).await.unwrap();
    assert_eq!((stored(&world), rows(&world).await), (0, 0));
}

#[tokio::test]
async fn an_object_that_cannot_be_stored_leaves_no_row() {
    let world = World::builder()
        .config(|config| config.storage = Storage::Disk { dir: "/dev/null/media".into() })
        .build()
        .await;
    let asha = world.user("asha").await;
    let refused = upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap_err();
    assert_eq!(refused.coded().1, "STORAGE_UNAVAILABLE");
    let mut db = world.database().connect().await;
    let open = "select count(*) from uploads where doomed_at is null";
    assert_eq!(sqlx::query_scalar::<_, i64>(open).fetch_one(&mut db).await.unwrap(), 0);
}

#[tokio::test]
async fn two_at_once_do_not_both_slip_under_the_quota() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let one = upload(&world, &asha, Purpose::Voice, files::wav(60)).await.unwrap();
    let left = i64::try_from(super::super::uploads::DAILY_BYTES).unwrap() - one.bytes * 3 / 2;
    world.sql(&format!("update uploads set bytes = {left}")).await;
    world.open_connections().await;
    let (first, second) = tokio::join!(
        upload(&world, &asha, Purpose::Voice, files::wav(60)),
        upload(&world, &asha, Purpose::Voice, files::wav(60)),
    );
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|done| **done).count(), 1);
    let refused = first.err().or(second.err()).unwrap();
    assert_eq!(refused.coded().1, "UPLOAD_QUOTA_EXCEEDED");
}

#[tokio::test]
async fn uploading_too_often_is_refused() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    for _ in 0..60 {
        upload(&world, &asha, Purpose::Chat, Vec::new()).await.unwrap_err();
    }
    let refused = upload(&world, &asha, Purpose::Chat, Vec::new()).await.unwrap_err();
    assert_eq!(refused.coded().1, "RATE_LIMITED");
}

#[tokio::test]
async fn one_person_has_three_uploads_under_way() {
    let world = World::new().await;
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(world.banter.media().admit(&asha.caller, Purpose::Chat).await.unwrap());
    }
    let refused = upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap_err();
    assert_eq!(refused.coded().1, "UPLOADS_BUSY");
    upload(&world, &ravi, Purpose::Chat, files::jpeg(8, 8)).await.unwrap();
    drop(held);
    upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_uploaded_for_an_account_that_has_ended_meanwhile() {
    let world = World::new().await;
    world.may_leave_jobs();
    let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
    let admitted = world.banter.media().admit(&asha.caller, Purpose::Avatar).await.unwrap();
    let face = upload(&world, &asha, Purpose::Avatar, files::jpeg(8, 8)).await.unwrap();
    world.banter.accounts().delete_for(asha.id, "asked for it").await.unwrap();
    let pieces = [Ok::<_, Infallible>(Bytes::from(files::jpeg(8, 8)))];
    let refused = admitted.take(stream::iter(pieces)).await.unwrap_err();
    assert_eq!(refused.coded().1, "SESSION_REVOKED");
    assert_eq!(rows(&world).await, 1, "nothing is added");
    let media = world.banter.media();
    assert!(matches!(media.set_avatar(&asha.caller, face.id).await, Err(Error::AccountGone)));
    assert!(matches!(media.clear_avatar(&asha.caller).await, Err(Error::AccountGone)));
    upload(&world, &ravi, Purpose::Avatar, files::jpeg(8, 8)).await.unwrap();
}

/// The account ends while its object is on the way into storage: after the row is written, before the doom is lifted.
#[tokio::test]
async fn the_doom_of_a_deleted_account_s_upload_is_not_lifted() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    world
        .sql(
            "create function end_account() returns trigger language plpgsql as $$ begin
                 update users set status = 'deleted' where id = new.user_id;
                 return new;
             end $$;
             create trigger end_account after insert on uploads for each row execute function end_account()",
        )
        .await;
    let refused = upload(&world, &asha, Purpose::Chat, files::jpeg(8, 8)).await.unwrap_err();
    assert_eq!(refused.coded().1, "SESSION_REVOKED");
    assert_eq!((stored(&world), rows(&world).await), (0, 0), "it is given up at once");
}

#[tokio::test]
async fn avatars_that_change_while_an_account_ends_do_not_lock_each_other_out() {
    let world = World::new().await;
    world.may_leave_jobs();
    world.open_connections().await;
    for round in 0..5 {
        let asha = world.user(&format!("asha{round}")).await;
        let mut faces = Vec::new();
        for _ in 0..2 {
            faces.push(upload(&world, &asha, Purpose::Avatar, files::jpeg(8, 8)).await.unwrap().id);
        }
        let (media, accounts) = (world.banter.media(), world.banter.accounts());
        media.set_avatar(&asha.caller, faces[0]).await.unwrap();
        let (set, cleared, ended) = tokio::join!(
            media.set_avatar(&asha.caller, faces[1]),
            media.clear_avatar(&asha.caller),
            accounts.delete_for(asha.id, "asked for it"),
        );
        ended.unwrap();
        for outcome in [set, cleared] {
            assert!(matches!(outcome, Ok(()) | Err(Error::AccountGone)), "{outcome:?}");
        }
        let mut db = world.database().connect().await;
        let kept = "select count(*) from uploads where doomed_at is null";
        assert_eq!(sqlx::query_scalar::<_, i64>(kept).fetch_one(&mut db).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_a_rejected_verification_showed_goes_when_another_is_asked_for() {
    let world = World::new().await;
    let asha = world.user("asha").await;
    let mut shown = Vec::new();
    for _ in 0..3 {
        shown.push(upload(&world, &asha, Purpose::Verification, files::jpeg(8, 8)).await.unwrap().id);
    }
    let media = world.banter.media();
    let ask = async |document: UploadId, selfie: UploadId| {
        let [document, selfie] = [document, selfie].map(|id| id.to_string());
        media.ask_verification(&asha.caller, &document, &selfie).await
    };
    ask(shown[0], shown[1]).await.unwrap();
    world.sql("update verifications set status = 'rejected', decided_at = now()").await;
    assert_eq!(doomed(&world).await, [], "it may be shown again");
    ask(shown[0], shown[2]).await.unwrap();
    assert_eq!(doomed(&world).await, [shown[1]]);
    collect(&world).await;
    assert_eq!(rows(&world).await, 2, "the document that is shown again stays");
}

#[test]
fn an_upload_is_named_by_id_or_link() {
    let id: UploadId = "0190b2c4-0000-7000-8000-000000000000".parse().unwrap();
    let link = format!("https://b.example/avatars/{id}.jpg");
    assert_eq!(avatar::named(Some(id), None).unwrap(), id);
    assert_eq!(avatar::named(None, Some(&link)).unwrap(), id);
    avatar::named(None, Some("nonsense")).unwrap_err();
    avatar::named(None, None).unwrap_err();
}
