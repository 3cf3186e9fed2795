//! Who gets which case, in which order, for how long.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::*;
use crate::moderation::cases::{LEASE, Status};

async fn queue(world: &World, filter: Filter) -> Vec<String> {
    let page = world.banter.moderation().queue(Staff::OPERATOR, &filter, &ALL).await.unwrap();
    page.items.into_iter().map(|case| case.user.username.unwrap()).collect()
}

#[tokio::test]
async fn the_most_pressing_comes_first() {
    let world = World::with_memory().await;
    let names = ["spammer", "hater", "danger"];
    for (name, reason) in names.into_iter().zip([Reason::Spam, Reason::Hate, Reason::SelfHarm]) {
        let person = world.user(name).await;
        case_about(&world, &person, reason).await;
    }
    assert_eq!(queue(&world, Filter::default()).await, ["danger", "hater", "spammer"]);
    let hate = Filter { reason: Some(Reason::Hate), ..Filter::default() };
    assert_eq!(queue(&world, hate).await, ["hater"]);
    // Self-harm is to be decided within a day; what is late comes before all else.
    world.advance(TimeDelta::hours(23));
    let (_, judge) = staffer(&world, "judge", Role::Moderator).await;
    let moderation = world.banter.moderation();
    for case in moderation.queue(judge, &Filter::default(), &ALL).await.unwrap().items {
        moderation.claim(judge, case.id).await.unwrap();
    }
    assert!(queue(&world, Filter { overdue: true, ..Filter::default() }).await.is_empty());
    world.sql("update cases set opened_at = opened_at - interval '9 days' where reason = 'spam'").await;
    world.sql("update cases set reporters = 90 where reason = 'spam'").await;
    assert_eq!(queue(&world, Filter::default()).await, ["spammer", "danger", "hater"]);
    world.advance(TimeDelta::hours(1));
    assert_eq!(queue(&world, Filter::default()).await, ["danger", "spammer", "hater"]);
    assert_eq!(queue(&world, Filter { overdue: true, ..Filter::default() }).await, ["danger"]);
}

#[tokio::test]
async fn pages_go_on_where_they_ended_though_time_does() {
    let world = World::with_memory().await;
    for n in 0..7 {
        let person = world.user(&format!("user_{n}")).await;
        let reason = if n % 2 == 0 { Reason::Spam } else { Reason::Hate };
        case_about(&world, &person, reason).await;
        world.advance(TimeDelta::minutes(n));
    }
    let whole = queue(&world, Filter::default()).await;
    let mut request = PageRequest { limit: 2, cursor: None };
    let mut seen = Vec::new();
    loop {
        let page =
            world.banter.moderation().queue(Staff::OPERATOR, &Filter::default(), &request).await.unwrap();
        seen.extend(page.items.into_iter().map(|case| case.user.username.unwrap()));
        world.advance(TimeDelta::hours(5));
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn a_claim_is_one_person_s_and_ends_by_itself() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let case = case_about(&world, &asha, Reason::Hate).await;
    let (first, one) = staffer(&world, "one", Role::Moderator).await;
    let (_, two) = staffer(&world, "two", Role::Moderator).await;
    let moderation = world.banter.moderation();
    let claimed = moderation.claim(one, case).await.unwrap();
    assert_eq!(claimed.claimed_by.unwrap().id, first.id);
    assert_eq!(claimed.claimed_until, Some(world.now() + LEASE));
    assert_eq!(code(moderation.claim(two, case).await), "CASE_CLAIMED");
    assert_eq!(code(moderation.resolve(two, case, &dismiss()).await), "CASE_CLAIMED");
    assert_eq!(code(moderation.release(two, case).await), "CASE_CLAIMED");
    moderation.claim(one, case).await.expect("prolonged");
    moderation.release(one, case).await.unwrap();
    moderation.claim(two, case).await.unwrap();
    world.advance(LEASE);
    assert_eq!(moderation.claim(one, case).await.unwrap().claimed_by.unwrap().id, first.id);
    assert_eq!(code(moderation.claim(Staff::OPERATOR, case).await), "NAME_NEEDED");
    assert_eq!(code(moderation.claim(one, CaseId(uuid::Uuid::nil())).await), "CASE_NOT_FOUND");
    moderation.resolve(one, case, &dismiss()).await.unwrap();
    assert_eq!(code(moderation.claim(one, case).await), "CASE_RESOLVED");
    assert_eq!(
        audited(&world).await,
        ["case.claim", "case.release", "case.claim", "case.claim", "case.dismiss"],
        "to prolong is no act"
    );
}

#[tokio::test]
async fn two_claimants_never_hold_one_case() {
    let world = World::with_memory().await;
    world.open_connections().await;
    let moderation = world.banter.moderation();
    let mut staff = Vec::new();
    for n in 0..6 {
        staff.push(staffer(&world, &format!("judge_{n}"), Role::Moderator).await.1);
    }
    let mut cases = Vec::new();
    for n in 0..4 {
        let person = world.user(&format!("user_{n}")).await;
        cases.push(case_about(&world, &person, Reason::Hate).await);
    }
    for case in &cases[..2] {
        let claims = join_all(staff.iter().map(|one| moderation.claim(*one, *case))).await;
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
    }
    // Who asks for any at once gets different ones, and two of six get none.
    world.sql("update cases set claimed_by = null, claimed_until = null").await;
    let next = join_all(staff.iter().map(|one| moderation.claim_next(*one))).await;
    let mut got: Vec<CaseId> =
        next.into_iter().filter_map(|next| next.unwrap().map(|case| case.id)).collect();
    got.sort();
    cases.sort();
    assert_eq!(got, cases);
}

#[tokio::test]
async fn nobody_judges_their_own_case() {
    let world = World::with_memory().await;
    let (moderator, staff) = staffer(&world, "judge", Role::Senior).await;
    let (_, other) = staffer(&world, "other", Role::Admin).await;
    let asha = world.user("asha").await;
    let moderation = world.banter.moderation();
    report(&world, &asha, About::User(moderator.id), Reason::Hate).await;
    let about_me = only_case(&world).await.id;
    assert_eq!(code(moderation.claim(staff, about_me).await), "OWN_CASE");
    assert_eq!(code(moderation.resolve(staff, about_me, &dismiss()).await), "OWN_CASE");
    assert_eq!(code(moderation.dossier(staff, about_me).await), "OWN_CASE");
    assert_eq!(code(moderation.note(staff, about_me, "it was not me").await), "OWN_CASE");
    assert!(moderation.claim_next(staff).await.unwrap().is_none());
    moderation.resolve(other, about_me, &dismiss()).await.unwrap();
    report(&world, &moderator, About::User(asha.id), Reason::Hate).await;
    let by_me = only_case(&world).await.id;
    assert_eq!(code(moderation.resolve(staff, by_me, &dismiss()).await), "OWN_CASE");
    assert!(moderation.claim_next(staff).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_handed_up_is_for_a_senior() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let case = case_about(&world, &asha, Reason::Hate).await;
    let (_, moderator) = staffer(&world, "one", Role::Moderator).await;
    let (_, senior) = staffer(&world, "two", Role::Senior).await;
    let moderation = world.banter.moderation();
    moderation.claim(moderator, case).await.unwrap();
    let up = moderation.escalate(moderator, case, "too much for me").await.unwrap();
    assert!(up.is_escalated && up.claimed_by.is_none());
    assert_eq!(code(moderation.claim(moderator, case).await), "ROLE_FORBIDS");
    assert!(moderation.claim_next(moderator).await.unwrap().is_none());
    assert_eq!(code(moderation.escalate(senior, case, "again").await), "ALREADY_ESCALATED");
    assert_eq!(moderation.claim_next(senior).await.unwrap().unwrap().id, case);
    let dossier = moderation.dossier(senior, case).await.unwrap();
    assert_eq!(dossier.notes[0].words, "too much for me");
    assert_eq!(moderation.resolve(senior, case, &dismiss()).await.unwrap().status, Status::Resolved);
}

/// The first page of ten thousand open cases, beside a hundred thousand decided ones.
#[tokio::test]
async fn the_queue_s_first_page_is_found_at_once() {
    let world = World::builder().memory().config(|config| config.database.max_connections = 1).build().await;
    let asha = world.user("asha").await;
    world
        .sql(&format!(
            "insert into cases (id, subject_kind, subject_id, user_id, reason, severity, reporters, acknowledge_by,
                 resolve_by, opened_at, status, outcome, resolved_at)
             select gen_random_uuid(), 'message', gen_random_uuid(), '{}', 'hate', 1 + n % 5, 1 + n % 7,
                 now() + n * interval '1 s', now() + n * interval '1 min', now() - n * interval '1 min',
                 case when n <= 10000 then 'open' else 'resolved' end,
                 case when n > 10000 then 'dismissed' end, case when n > 10000 then now() end
             from generate_series(1, 110000) n",
            asha.id
        ))
        .await;
    world.sql("analyze cases").await;
    let first = PageRequest { limit: 50, cursor: None };
    let page = world.banter.moderation().queue(Staff::OPERATOR, &Filter::default(), &first).await.unwrap();
    assert_eq!(page.items.len(), 50);
    // The very statement, on the one connection that knows it.
    let name: String = sqlx::query_scalar(
        "select name from pg_prepared_statements where statement like '%ranked as%' and name <> ''",
    )
    .fetch_one(world.banter.pool())
    .await
    .unwrap();
    let explain = format!(
        "explain (analyze, format json) execute {name}
         (now(), now(), null, 'open', null, null, null, null, null, null, false, false, null, null, null, 51)"
    );
    let mut times = Vec::new();
    for _ in 0..5 {
        let row =
            sqlx::raw_sql(sqlx::AssertSqlSafe(explain.clone())).fetch_one(world.banter.pool()).await.unwrap();
        let plan: serde_json::Value = sqlx::Row::get(&row, 0);
        times.push(plan[0]["Execution Time"].as_f64().unwrap());
    }
    times.sort_by(f64::total_cmp);
    assert!(times[0] < 20.0, "{times:?} ms");
}
