//! The record, and that no row of it can be touched unseen.

use serde_json::json;

use crate::error::Coded as _;
use crate::moderation::audit::{self, Entry, Fault, Filter, Head, Subject};
use crate::moderation::{Error, Staff};
use crate::page::PageRequest;
use crate::testing::World;

async fn write(world: &World, act: &'static str) {
    let mut transaction = world.banter.pool().begin().await.unwrap();
    let entry = Entry { actor: None, act, subject: Subject::Rule("links"), details: json!({ "words": 3 }) };
    audit::write(&mut transaction, world.now(), &entry).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn record(rows: usize) -> World {
    let world = World::with_memory().await;
    for _ in 0..rows {
        write(&world, "rule.add").await;
    }
    world
}

async fn fault(world: &World, noted: Option<&Head>) -> Option<Fault> {
    world.banter.moderation().verify_audit(Staff::OPERATOR, noted).await.unwrap().fault
}

/// By somebody who may write to the database at will.
async fn tamper(world: &World, sql: &str) {
    world.sql("alter table audit_log disable trigger audit_log_append_only").await;
    assert!(world.sql(sql).await > 0, "{sql}");
}

#[tokio::test]
async fn an_empty_record_and_a_whole_one_hold() {
    let world = record(0).await;
    assert_eq!(fault(&world, None).await, None);
    for _ in 0..5 {
        write(&world, "rule.add").await;
    }
    let verified = world.banter.moderation().verify_audit(Staff::OPERATOR, None).await.unwrap();
    assert_eq!((verified.rows, &verified.fault), (5, &None));
    assert_eq!(verified.head.to_string().parse(), Ok(verified.head.clone()));
    assert_eq!(fault(&world, Some(&verified.head)).await, None);
}

#[tokio::test]
async fn the_database_refuses_changes() {
    let world = record(2).await;
    for sql in [
        "update audit_log set act = 'a.b' where seq = 1",
        "delete from audit_log where seq = 2",
        "truncate audit_log",
    ] {
        let refused = sqlx::raw_sql(sql).execute(world.banter.pool()).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn every_touched_row_is_found() {
    for (sql, found) in [
        ("update audit_log set act = 'rule.drop' where seq = 3", Fault::Changed { seq: 3 }),
        ("update audit_log set at = at + interval '1 microsecond' where seq = 1", Fault::Changed { seq: 1 }),
        ("update audit_log set details = '{\"words\":4}' where seq = 5", Fault::Changed { seq: 5 }),
        ("update audit_log set details = '{\"words\": 3}' where seq = 2", Fault::Changed { seq: 2 }),
        ("update audit_log set subject = 'rule:link' where seq = 2", Fault::Changed { seq: 2 }),
        ("delete from audit_log where seq = 3", Fault::Missing { seq: 3 }),
        ("delete from audit_log where seq = 1", Fault::Missing { seq: 1 }),
        ("delete from audit_log where seq = 5", Fault::Cut { last: 4, expected: 5 }),
        ("delete from audit_log", Fault::Cut { last: 0, expected: 5 }),
        (
            "update audit_log set seq = 9 where seq = 2;
             update audit_log set seq = 2 where seq = 3;
             update audit_log set seq = 3 where seq = 9",
            Fault::Changed { seq: 2 },
        ),
        (
            "insert into audit_log select 6, at, actor_id, act, subject, details, digest from audit_log where seq = 5",
            Fault::Changed { seq: 6 },
        ),
    ] {
        let world = record(5).await;
        tamper(&world, sql).await;
        assert_eq!(fault(&world, None).await, Some(found), "{sql}");
    }
}

/// Whoever also moves the head is found by one that was noted.
#[tokio::test]
async fn a_record_made_anew_is_another() {
    let world = record(3).await;
    let noted = world.banter.moderation().verify_audit(Staff::OPERATOR, None).await.unwrap().head;
    tamper(&world, "delete from audit_log").await;
    world.sql("update audit_head set seq = 0, digest = decode(repeat('00', 32), 'hex')").await;
    assert_eq!(fault(&world, Some(&noted)).await, Some(Fault::Cut { last: 0, expected: 3 }));
    for _ in 0..4 {
        write(&world, "rule.drop").await;
    }
    assert_eq!(fault(&world, None).await, None);
    assert_eq!(fault(&world, Some(&noted)).await, Some(Fault::Rewritten { seq: 3 }));
}

#[tokio::test]
async fn many_at_once_write_one_chain() {
    let world = World::with_memory().await;
    world.open_connections().await;
    futures_util::future::join_all((0..40).map(|_| write(&world, "rule.add"))).await;
    let verified = world.banter.moderation().verify_audit(Staff::OPERATOR, None).await.unwrap();
    assert_eq!((verified.rows, verified.fault), (40, None));
}

#[tokio::test]
async fn the_record_is_read_by_those_who_may() {
    let world = World::with_memory().await;
    let asha = world.user("asha").await;
    let moderation = world.banter.moderation();
    assert!(matches!(moderation.staff(&asha.caller).await, Err(Error::NotStaff)));
    world.sql("update users set role = 'moderator'").await;
    let staff = moderation.staff(&asha.caller).await.unwrap();
    let page = PageRequest { limit: 2, cursor: None };
    let refused = moderation.audit(staff, &Filter::default(), &page).await.unwrap_err();
    assert_eq!(refused.coded().1, "ROLE_FORBIDS");
    world.sql("update users set role = 'senior'").await;
    let staff = moderation.staff(&asha.caller).await.unwrap();
    for act in ["rule.add", "case.claim", "rule.drop"] {
        write(&world, act).await;
    }
    let first = moderation.audit(staff, &Filter::default(), &page).await.unwrap();
    assert_eq!(first.items.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 2]);
    let next = PageRequest { cursor: first.next_cursor, ..page.clone() };
    let last = moderation.audit(staff, &Filter::default(), &next).await.unwrap();
    assert_eq!((last.items.len(), last.next_cursor), (1, None));
    let rules = Filter { act: Some("rule".into()), ..Filter::default() };
    let rules = moderation.audit(staff, &rules, &page).await.unwrap();
    assert_eq!(rules.items.iter().map(|row| row.act.as_str()).collect::<Vec<_>>(), ["rule.drop", "rule.add"]);
    let mut lines = Vec::new();
    let refused = moderation.export_audit(staff, &Filter::default(), |_| Ok(())).await.unwrap_err();
    assert_eq!(refused.coded().1, "ROLE_FORBIDS");
    let exported = moderation
        .export_audit(Staff::OPERATOR, &Filter::default(), |row| {
            lines.push(serde_json::to_value(row).unwrap());
            Ok(())
        })
        .await;
    assert_eq!(exported.unwrap().unwrap(), 4);
    assert_eq!(lines[0]["act"], "audit.export");
    assert_eq!(lines[1]["details"], json!({ "words": 3 }));
    world.sql("update users set status = 'suspended'").await;
    assert!(
        matches!(moderation.staff(&asha.caller).await, Err(Error::NotStaff)),
        "suspended staff is no staff"
    );
}
