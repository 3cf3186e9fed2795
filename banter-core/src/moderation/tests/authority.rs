//! Whatever anybody tries, in whatever order: nothing stands that their role may not do.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::ids::{AppealId, SanctionId, UserId};
use crate::moderation::MODERATORS_LONGEST;

/// One try of somebody's: who, what, and to which of the things there are.
#[derive(Clone, Copy, Debug)]
struct Try {
    who: usize,
    what: usize,
    which: usize,
    action: usize,
    days: u16,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (0..8_usize, 0..12_usize, 0..64_usize, 0..9_usize, 1..90_u16)
        .prop_map(|(who, what, which, action, days)| Try { who, what, which, action, days });
    proptest::collection::vec(one, 60)
}

#[test]
fn no_sequence_of_acts_reaches_beyond_a_role() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner.run(&tries(), |tries| runtime.block_on(play(&tries)).map_err(TestCaseError::fail)).unwrap();
}

async fn play(tries: &[Try]) -> Result<(), String> {
    let world = World::with_memory().await;
    world.may_leave_jobs();
    let roles = [
        Role::User,
        Role::Viewer,
        Role::Moderator,
        Role::Moderator,
        Role::Senior,
        Role::Senior,
        Role::Admin,
        Role::Admin,
    ];
    let mut people = Vec::new();
    for (n, role) in roles.into_iter().enumerate() {
        let person = world.user(&format!("person_{n}")).await;
        world.sql(&format!("update users set role = '{}' where id = '{}'", role.name(), person.id)).await;
        people.push(person);
    }
    let targets = [world.user("target_one").await, world.user("target_two").await];
    for by in &targets {
        for about in people.iter().chain(&targets).filter(|about| about.id != by.id) {
            let reason = if about.id == people[2].id { Reason::Spam } else { Reason::Hate };
            report(&world, by, About::User(about.id), reason).await;
        }
    }
    for one in tries {
        step(&world, &people, &targets, *one).await;
    }
    check(&world).await
}

async fn pick(world: &World, table: &str, which: usize) -> Option<uuid::Uuid> {
    let all: Vec<uuid::Uuid> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select id from {table} order by id")))
            .fetch_all(world.banter.pool())
            .await
            .unwrap();
    (!all.is_empty()).then(|| all[which % all.len()])
}

/// Whatever it comes to.
async fn step(world: &World, people: &[Person], targets: &[Person], one: Try) {
    let moderation = world.banter.moderation();
    let me = &people[one.who];
    let action = Action::ALL[one.action];
    let order = order(action, action.has_days().then_some(one.days));
    let everybody: Vec<UserId> = people.iter().chain(targets).map(|person| person.id).collect();
    let user = everybody[one.which % everybody.len()];
    let sanction = pick(world, "sanctions", one.which).await.map(SanctionId);
    let appeal = pick(world, "appeals", one.which).await.map(AppealId);
    let case = CaseId(pick(world, "cases", one.which).await.expect("there are some"));
    // Whoever is no staff, or none any more, is told so here.
    let Ok(staff) = moderation.staff(&me.caller).await else { return };
    let _ = match (one.what, sanction, appeal) {
        (0, ..) => moderation.claim(staff, case).await.map(drop),
        (1, ..) => moderation.release(staff, case).await.map(drop),
        (2, ..) => moderation.escalate(staff, case, "up").await.map(drop),
        (3, ..) => moderation.resolve(staff, case, &dismiss()).await.map(drop),
        (4 | 5, ..) => moderation.resolve(staff, case, &Decision::Act(order)).await.map(drop),
        (6, ..) => moderation.sanction(staff, user, &order).await.map(drop),
        (7, Some(sanction), _) => moderation.confirm(staff, sanction).await.map(drop),
        (8, Some(sanction), _) => moderation.reverse(staff, sanction, "back").await.map(drop),
        (9, Some(sanction), _) => {
            let owner: UserId = sqlx::query_scalar("select user_id from sanctions where id = $1")
                .bind(sanction)
                .fetch_one(world.banter.pool())
                .await
                .unwrap();
            let owner = people.iter().chain(targets).find(|person| person.id == owner).unwrap();
            moderation.appeal(&owner.caller, sanction, "no").await.map(drop)
        }
        (10, _, Some(appeal)) => {
            moderation.decide_appeal(staff, appeal, one.days.is_multiple_of(2), "so").await.map(drop)
        }
        (11, Some(sanction), _) => moderation.refuse(staff, sanction, "no").await.map(drop),
        _ => Ok(()),
    };
    world.advance(chrono::TimeDelta::minutes(7));
}

/// What must not stand, whoever did it. Roles never change here, so they are what they were.
async fn check(world: &World) -> Result<(), String> {
    let longest = MODERATORS_LONGEST.num_days();
    let rules = [
        ("an act by somebody without the role", "select count(*) from sanctions s join users a on a.id = s.actor_id where a.role in ('user', 'viewer')".to_owned()),
        (
            "a long suspension by a moderator",
            format!(
                "select count(*) from sanctions s join users a on a.id = s.actor_id
                 where s.kind = 'suspend' and a.role = 'moderator' and s.until > s.created_at + interval '{longest} days'"
            ),
        ),
        (
            "for good by one, or by a second without the role",
            "select count(*) from sanctions s left join users d on d.id = s.decided_by
             where s.kind in ('ban', 'freeze_wallet') and s.state in ('in_force', 'reversed')
               and (d.id is null or d.id = s.actor_id or d.id = s.user_id or d.role not in ('senior', 'admin'))".into(),
        ),
        (
            "another's act taken back by a moderator",
            "select count(*) from sanctions s join users r on r.id = s.reversed_by
             where s.reversed_by <> s.actor_id and r.role not in ('senior', 'admin')".into(),
        ),
        (
            "staff judged by less than an admin",
            "select count(*) from sanctions s join users u on u.id = s.user_id join users a on a.id = s.actor_id
             where u.role <> 'user' and a.role <> 'admin'".into(),
        ),
        (
            "a case decided by its subject, its reporter, or without the role",
            "select count(*) from cases c join users r on r.id = c.resolved_by
             where r.role in ('user', 'viewer') or c.user_id = r.id
                or exists (select from reports p where p.case_id = c.id and p.reporter_id = r.id)
                or c.is_escalated and r.role = 'moderator' and not exists (
                    select from sanctions s where s.case_id = c.id and s.created_at <= c.resolved_at and s.decided_by is not null
                )".into(),
        ),
        (
            "an appeal decided by somebody with a hand in it, or without the role",
            "select count(*) from appeals p join sanctions s on s.id = p.sanction_id join users d on d.id = p.decided_by
             where d.role not in ('senior', 'admin') or d.id in (s.actor_id, s.user_id) or d.id = s.decided_by".into(),
        ),
        (
            "somebody banned without a ban in force",
            "select count(*) from users u where status = 'banned' and not exists (
                 select from sanctions s where s.user_id = u.id and s.kind = 'ban' and s.state = 'in_force'
             )".into(),
        ),
        (
            "somebody not banned with a ban in force",
            "select count(*) from users u where status <> 'banned' and exists (
                 select from sanctions s where s.user_id = u.id and s.kind = 'ban' and s.state = 'in_force'
             )".into(),
        ),
        (
            "a wallet frozen without a freeze in force, or the other way round",
            "select count(*) from users u where (wallet_frozen_at is not null) <> exists (
                 select from sanctions s where s.user_id = u.id and s.kind = 'freeze_wallet' and s.state = 'in_force'
             )".into(),
        ),
    ];
    for (what, sql) in rules {
        let found: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(world.banter.pool()).await.unwrap();
        if found > 0 {
            return Err(format!("{what}: {found}"));
        }
    }
    let verified = world.banter.moderation().verify_audit(Staff::OPERATOR, None).await.unwrap();
    verified.fault.map_or(Ok(()), |fault| Err(fault.to_string()))
}
