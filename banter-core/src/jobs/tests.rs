use chrono::TimeDelta;
use futures_util::future::join_all;

use super::*;
use crate::notifications::push::{About, Push};
use crate::testing::World;

/// One that no worker understands, as a newer version may queue: it fails whenever it is run.
async fn queue_mystery(world: &World, max_attempts: i32) -> JobId {
    let id = JobId(world.banter.ids().uuid(world.now()));
    sqlx::query(
        "insert into jobs (id, kind, max_attempts, run_at, created_at) values ($1, 'mystery', $2, $3, $3)",
    )
    .bind(id)
    .bind(max_attempts)
    .bind(world.now())
    .execute(world.banter.pool())
    .await
    .unwrap();
    id
}

async fn queue(world: &World) {
    world.banter.jobs().queue(world.banter.pool(), &Job::Prune {}, world.now()).await.unwrap();
}

async fn round(world: &World) -> usize {
    worker::round(&world.banter).await.unwrap()
}

/// State, attempts, seconds until the next run.
async fn row(world: &World, id: JobId) -> (String, i32, f64) {
    let (state, attempts, run_at): (String, i32, DateTime<Utc>) =
        sqlx::query_as("select state, attempts, run_at from jobs where id = $1")
            .bind(id)
            .fetch_one(world.banter.pool())
            .await
            .unwrap();
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let wait = (run_at - world.now()).num_milliseconds() as f64 / 1000.0;
    (state, attempts, wait)
}

/// How many are in which state.
async fn states(world: &World) -> Vec<(String, i64)> {
    sqlx::query_as("select state, count(*) from jobs group by state order by state")
        .fetch_all(world.banter.pool())
        .await
        .unwrap()
}

fn state(name: &str, count: i64) -> (String, i64) {
    (name.to_owned(), count)
}

#[tokio::test]
async fn a_job_comes_and_goes_with_the_transaction_that_causes_it() {
    let world = World::with_memory().await;
    for (commits, left) in [(false, 0), (true, 1)] {
        let mut transaction = world.banter.pool().begin().await.unwrap();
        world.banter.jobs().queue(&mut *transaction, &Job::Prune {}, world.now()).await.unwrap();
        assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 0, "nobody sees it yet");
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        assert_eq!(world.banter.jobs().counts().await.unwrap().queued, left);
    }
}

#[tokio::test]
async fn a_due_job_runs_once_and_a_later_one_later() {
    let world = World::with_memory().await;
    world
        .banter
        .jobs()
        .queue(world.banter.pool(), &Job::Prune {}, world.now() + TimeDelta::seconds(1))
        .await
        .unwrap();
    assert_eq!(round(&world).await, 0);
    world.advance(TimeDelta::seconds(1));
    assert_eq!((round(&world).await, round(&world).await), (1, 0));
    assert_eq!(states(&world).await, [state("done", 1), state("queued", 1)], "it queued its next run");
    world.advance(TimeDelta::hours(1));
    assert_eq!(round(&world).await, 1);
}

#[tokio::test]
async fn a_periodic_job_waits_only_once() {
    let world = World::with_memory().await;
    world.open_connections().await;
    join_all((0..10).map(|_| queue(&world))).await;
    assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 1);
}

#[tokio::test]
async fn a_failure_waits_longer_each_time_and_is_given_up_at_last() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let id = queue_mystery(&world, 4).await;
    for (attempt, base) in [(1, 2.0), (2, 4.0), (3, 8.0)] {
        assert_eq!(round(&world).await, 1);
        let (state, attempts, wait) = row(&world, id).await;
        assert_eq!((state.as_str(), attempts), ("queued", attempt));
        assert!((base..base * 1.25).contains(&wait), "{wait} s after attempt {attempt}");
        world.advance(TimeDelta::milliseconds(1999 << (attempt - 1)));
        assert_eq!(round(&world).await, 0, "not yet");
        world.advance(TimeDelta::seconds(1 << attempt));
    }
    assert_eq!(round(&world).await, 1);
    assert_eq!(row(&world, id).await.0, "dead");
    let dead = world.banter.jobs().dead(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].attempts), (1, id, 4));
    assert_eq!(dead[0].finished_at, world.now());
    let why = dead[0].last_error.as_deref().unwrap();
    assert!(why.starts_with("not understood: unknown variant `mystery`"), "{why}");
    assert_eq!(world.banter.jobs().counts().await.unwrap(), Counts { queued: 0, running: 0, dead: 1 });
    world.advance(TimeDelta::days(365));
    assert_eq!(round(&world).await, 0);
}

#[tokio::test]
async fn the_wait_is_an_hour_at_most() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let id = queue_mystery(&world, 100).await;
    world.sql("update jobs set attempts = 60").await;
    assert_eq!(round(&world).await, 1);
    let (_, attempts, wait) = row(&world, id).await;
    assert!(attempts == 61 && (3600.0..4500.0).contains(&wait), "{wait} s");
}

#[tokio::test]
async fn a_dead_job_is_put_back_by_hand() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let id = queue_mystery(&world, 1).await;
    round(&world).await;
    assert!(world.banter.jobs().retry(id).await.unwrap());
    assert!(!world.banter.jobs().retry(id).await.unwrap(), "it is not dead any more");
    assert_eq!(row(&world, id).await, ("queued".into(), 0, 0.0));
    assert_eq!(round(&world).await, 1);
    assert_eq!(row(&world, id).await.0, "dead");
    assert!(!world.banter.jobs().retry(JobId(uuid::Uuid::nil())).await.unwrap());
}

#[tokio::test]
async fn workers_side_by_side_never_take_the_same_job() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    for _ in 0..40 {
        queue_mystery(&world, 1).await;
    }
    world.open_connections().await;
    let workers = join_all((0..8).map(|_| async {
        let mut taken = 0;
        loop {
            match round(&world).await {
                0 => return taken,
                some => taken += some,
            }
        }
    }));
    assert_eq!(workers.await.iter().sum::<usize>(), 40);
    let attempts: Vec<i32> = sqlx::query_scalar("select distinct attempts from jobs")
        .fetch_all(world.banter.pool())
        .await
        .unwrap();
    assert_eq!((attempts, states(&world).await), (vec![1], vec![state("dead", 40)]));
}

/// A worker took the job and died.
async fn abandon(world: &World) {
    let leased_until = world.now() + TimeDelta::minutes(5);
    sqlx::query("update jobs set state = 'running', attempts = attempts + 1, leased_until = $1 where state = 'queued'")
        .bind(leased_until)
        .execute(world.banter.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_abandoned_job_is_taken_when_its_lease_runs_out() {
    let world = World::with_memory().await;
    queue(&world).await;
    abandon(&world).await;
    world.advance(TimeDelta::minutes(5));
    assert_eq!(round(&world).await, 0);
    world.advance(TimeDelta::milliseconds(1));
    assert_eq!(round(&world).await, 1);
    assert_eq!(states(&world).await, [state("done", 1), state("queued", 1)]);
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up_too() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let id = queue_mystery(&world, 2).await;
    for _ in 0..2 {
        abandon(&world).await;
        world
            .sql("update jobs set state = 'queued', leased_until = null where attempts < max_attempts")
            .await;
    }
    world.advance(TimeDelta::minutes(6));
    assert_eq!(round(&world).await, 0);
    let (state, attempts, _) = row(&world, id).await;
    assert_eq!((state.as_str(), attempts), ("dead", 2));
    let dead = world.banter.jobs().dead(1).await.unwrap();
    assert_eq!(dead[0].last_error.as_deref(), Some("its worker died"));
}

#[tokio::test]
async fn a_worker_that_outlived_its_lease_writes_nothing() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let id = queue_mystery(&world, 10).await;
    let slow = worker::take(&world.banter, worker::Lane::Others, 8).await.unwrap();
    world.advance(TimeDelta::minutes(6));
    let quick = worker::take(&world.banter, worker::Lane::Others, 8).await.unwrap();
    assert_eq!((slow.len(), quick.len()), (1, 1));
    for late in slow {
        worker::finish(&world.banter, late).await;
    }
    assert_eq!(row(&world, id).await.0, "running", "it is the other's now");
    for taken in quick {
        worker::finish(&world.banter, taken).await;
    }
    let (state, attempts, _) = row(&world, id).await;
    assert_eq!((state.as_str(), attempts), ("queued", 2));
}

#[tokio::test]
async fn a_periodic_job_that_fails_does_not_stand_in_its_successor_s_way() {
    let world = World::with_memory().await;
    queue(&world).await;
    world.sql("update jobs set payload = '[]'").await; // not understood
    let taken = worker::take(&world.banter, worker::Lane::Others, 8).await.unwrap();
    queue(&world).await; // by a replica that starts
    for job in taken {
        worker::finish(&world.banter, job).await;
    }
    assert_eq!(states(&world).await, [state("done", 1), state("queued", 1)]);
    let failed: String = sqlx::query_scalar("select last_error from jobs where state = 'done'")
        .fetch_one(world.banter.pool())
        .await
        .unwrap();
    assert!(failed.starts_with("not understood"), "{failed}");

    world.sql("update jobs set state = 'dead' where state = 'done'").await;
    let dead = world.banter.jobs().dead(1).await.unwrap();
    assert!(!world.banter.jobs().retry(dead[0].id).await.unwrap(), "another of its name waits");
    world.sql("delete from jobs where state = 'dead'").await;
}

#[tokio::test]
async fn a_panic_is_a_failure_and_no_end_of_the_worker() {
    let failed = worker::guarded(async { panic!("a bug") }).await.unwrap_err();
    assert!(matches!(failed, Failure::Panicked));
    assert!(worker::guarded(async { Ok(()) }).await.is_ok());
}

#[tokio::test]
async fn pruning_drops_what_is_past_its_time_and_nothing_else() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let asha = world.user("asha").await;
    let [ended, expired, lately, long] = [
        world.sign_in(&asha).await,
        world.sign_in(&asha).await,
        world.sign_in(&asha).await,
        world.sign_in(&asha).await,
    ];
    for (person, change) in [
        (&ended, "revoked_at = now, revoked_because = 'logout'"),
        (&lately, "revoked_at = now + interval '2 days', revoked_because = 'logout'"),
        // A token for a machine: its end must be remembered for as long as it could be used.
        (&long, "revoked_at = now, revoked_because = 'logout', access_expires_at = now + interval '60 days'"),
        (&expired, "refresh_expires_at = now"),
        (&asha, "refresh_expires_at = now + interval '60 days'"),
    ] {
        let change = change.replace("now", &format!("timestamptz '{}'", world.now().to_rfc3339()));
        world.sql(&format!("update sessions set {change} where id = '{}'", person.caller.session_id)).await;
    }
    world
        .sql(&format!(
            "insert into devices (session_id, user_id, fcm_token, platform, updated_at)
             values ('{}', '{}', 'token', 'ios', now())",
            ended.caller.session_id, asha.id
        ))
        .await;
    let dead = queue_mystery(&world, 1).await;
    queue(&world).await;
    round(&world).await;
    world.banter.idempotency().begin(&asha.caller, "k1", b"x").await.unwrap();

    world.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
    round(&world).await;
    let mut left: Vec<crate::ids::SessionId> =
        sqlx::query_scalar("select id from sessions").fetch_all(world.banter.pool()).await.unwrap();
    left.sort();
    let mut expected = [&asha, &lately, &long].map(|person| person.caller.session_id);
    expected.sort();
    assert_eq!(left, expected);
    let others: (i64, i64, i64) = sqlx::query_as(
        "select (select count(*) from devices), (select count(*) from idempotency_keys),
                (select count(*) from jobs where state = 'done')",
    )
    .fetch_one(world.banter.pool())
    .await
    .unwrap();
    // The run itself is done by now; the one of a month ago is gone.
    assert_eq!(others, (0, 0, 1));
    assert_eq!(row(&world, dead).await.0, "dead", "somebody's to look at");
    assert_eq!(world.banter.jobs().counts().await.unwrap().queued, 1, "the next run");
}

#[tokio::test]
async fn of_a_push_that_is_done_nothing_stays_and_of_one_given_up_a_day() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let push = Job::Push(Push {
        session_id: crate::ids::SessionId(uuid::Uuid::nil()),
        about: About::Message(crate::ids::MessageId(uuid::Uuid::nil())),
    });
    world.banter.jobs().queue(world.banter.pool(), &push, world.now()).await.unwrap();
    assert_eq!(round(&world).await, 1);
    assert_eq!(states(&world).await, []);

    queue_mystery(&world, 1).await;
    world.sql("update jobs set kind = 'push'").await;
    queue(&world).await;
    assert_eq!(round(&world).await, 2);
    let dead = async || world.banter.jobs().counts().await.unwrap().dead;
    world.advance(TimeDelta::days(1));
    round(&world).await;
    assert_eq!(dead().await, 1);
    world.advance(TimeDelta::hours(1));
    round(&world).await;
    assert_eq!(dead().await, 0);
}

#[tokio::test]
async fn pruning_goes_on_at_once_when_much_is_left() {
    let world = World::with_memory().await;
    world
        .sql(
            "insert into jobs (id, kind, state, run_at, created_at, finished_at)
             select gen_random_uuid(), 'prune', 'done', '2026-01-01', '2026-01-01', '2026-01-01'
             from generate_series(1, 20001)",
        )
        .await;
    let old = "select from jobs where finished_at = '2026-01-01'";
    queue(&world).await;
    assert_eq!(round(&world).await, 1);
    assert_eq!(world.sql(old).await, 1);
    assert_eq!((round(&world).await, round(&world).await), (1, 0), "no hour between them");
    assert_eq!(world.sql(old).await, 0);
}

#[tokio::test]
async fn pushes_have_places_of_their_own() {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    for _ in 0..30 {
        queue_mystery(&world, 1).await;
    }
    world.sql("update jobs set kind = 'push'").await;
    queue_mystery(&world, 1).await;
    let [pushes, others] = [
        worker::take(&world.banter, worker::Lane::Pushes, 24).await.unwrap(),
        worker::take(&world.banter, worker::Lane::Others, 8).await.unwrap(),
    ];
    assert_eq!((pushes.len(), others.len()), (24, 1));
    assert_eq!(
        worker::take(&world.banter, worker::Lane::Pushes, 4).await.unwrap().len(),
        4,
        "as many as asked"
    );
    world.advance(TimeDelta::minutes(6));
    // The abandoned ones come with what waits, and together no more than asked.
    world.sql("update jobs set max_attempts = 9").await;
    assert_eq!(worker::take(&world.banter, worker::Lane::Pushes, 24).await.unwrap().len(), 24);
    assert_eq!(worker::take(&world.banter, worker::Lane::Others, 8).await.unwrap().len(), 1);
}
