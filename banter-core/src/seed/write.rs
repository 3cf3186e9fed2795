//! Many rows by one statement: arrays go in, `unnest` makes rows of them. Messages, of which there are most, are copied. One
//! batch is one transaction.

use std::collections::HashSet;
use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::people::Person;
use super::talk::Talk;
use super::{Outcome, Talked};
use crate::Banter;
use crate::accounts::Gender;
use crate::accounts::sign_in::WELCOME_COINS;
use crate::payments::ledger;

pub(super) async fn people(banter: &Banter, people: &[Person]) -> Result<Outcome, sqlx::Error> {
    let ids: Vec<Uuid> = people.iter().map(|p| p.id.0).collect();
    let phone_numbers: Vec<String> = people.iter().map(|p| p.phone_number.clone()).collect();
    let usernames: Vec<String> = people.iter().map(|p| p.username.clone()).collect();
    let full_names: Vec<String> = people.iter().map(|p| p.full_name.clone()).collect();
    let genders: Vec<String> = people.iter().map(|p| name(p.gender).to_owned()).collect();
    let births: Vec<NaiveDate> = people.iter().map(|p| p.date_of_birth).collect();
    let languages: Vec<String> = people.iter().map(|p| p.language.to_owned()).collect();
    let bios: Vec<Option<String>> = people.iter().map(|p| p.bio.map(str::to_owned)).collect();
    // Arrays of arrays must be rectangular in PostgreSQL: lists travel as text.
    let interests: Vec<String> = people.iter().map(|p| p.interests.join(",")).collect();
    let looking_for: Vec<String> = people.iter().map(|p| p.looking_for.join(",")).collect();
    let created: Vec<DateTime<Utc>> = people.iter().map(|p| p.created_at).collect();
    let seen: Vec<Option<DateTime<Utc>>> = people.iter().map(|p| p.last_seen).collect();
    let counts = sqlx::query!(
        r#"
        with present as (select count(*) from users where id = any($1)),
        added as (
            insert into users
                (id, phone_number, username, full_name, gender, date_of_birth, language, bio, interests, looking_for,
                 created_at, updated_at, last_seen, is_verified, coins)
            select
                p.id, p.phone_number, p.username, p.full_name, p.gender, p.date_of_birth, p.language, p.bio,
                string_to_array(p.interests, ','), string_to_array(p.looking_for, ','),
                p.created_at, p.created_at, p.last_seen, true, $13
            from unnest(
                $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[]
            ) as p (id, phone_number, username, full_name, gender, date_of_birth, language, bio, interests, looking_for,
                    created_at, last_seen)
            on conflict do nothing
            returning id, created_at
        ),
        bonus as (
            insert into coin_ledger (id, user_id, kind, amount, balance_after, reference, created_at)
            select id, id, $14, $13, $13, 'signup:' || id, created_at from added
        )
        select (select count(*) from added) as "added!", (select count from present) as "present!"
        "#,
        &ids,
        &phone_numbers,
        &usernames,
        &full_names,
        &genders,
        &births,
        &languages,
        &bios as &[Option<String>],
        &interests,
        &looking_for,
        &created,
        &seen as &[Option<DateTime<Utc>>],
        WELCOME_COINS,
        ledger::Kind::SignupBonus as ledger::Kind,
    )
    .fetch_one(banter.pool())
    .await?;
    Ok(outcome(people.len(), counts.added, counts.present))
}

/// A conversation that is there keeps what it has: none of its messages is written.
pub(super) async fn talks(banter: &Banter, talks: &[Talk]) -> Result<Talked, sqlx::Error> {
    let all = || talks.iter().filter_map(|t| Some((t, t.messages.first()?, t.messages.last()?)));
    let ids: Vec<Uuid> = all().map(|(t, ..)| t.id.0).collect();
    let los: Vec<Uuid> = all().map(|(t, ..)| t.people[0].0).collect();
    let his: Vec<Uuid> = all().map(|(t, ..)| t.people[1].0).collect();
    let last_seqs: Vec<i64> = all().map(|(t, ..)| seq(t.messages.len())).collect();
    let last_senders: Vec<Uuid> = all().map(|(t, _, last)| t.people[last.sender].0).collect();
    let last_times: Vec<DateTime<Utc>> = all().map(|(_, _, last)| last.at).collect();
    let created: Vec<DateTime<Utc>> = all().map(|(_, first, _)| first.at).collect();
    let lo_reads: Vec<i64> = all().map(|(t, ..)| t.read[0].seq).collect();
    let lo_unread: Vec<i64> = all().map(|(t, ..)| t.read[0].unread).collect();
    let hi_reads: Vec<i64> = all().map(|(t, ..)| t.read[1].seq).collect();
    let hi_unread: Vec<i64> = all().map(|(t, ..)| t.read[1].unread).collect();

    let mut transaction = banter.pool().begin().await?;
    let counts = sqlx::query!(
        r#"
        with wanted as (
            select *
            from unnest(
                $1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::timestamptz[],
                $7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]
            ) as c (id, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at,
                    lo_read, lo_unread, hi_read, hi_unread)
        ),
        present as (
            select count(*)
            from wanted w join conversations c on c.user_lo = w.user_lo and c.user_hi = w.user_hi
        ),
        conversation as (
            insert into conversations
                (id, kind, user_lo, user_hi, last_seq, last_sender_id, last_message_at, created_at)
            select w.id, 'direct', user_lo, user_hi, last_seq, last_sender_id, last_message_at, w.created_at
            from wanted w
            join users lo on lo.id = user_lo and lo.status <> 'deleted'
            join users hi on hi.id = user_hi and hi.status <> 'deleted'
            where can_interact(user_lo, user_hi)
            on conflict do nothing
            returning id
        ),
        membership as (
            insert into conversation_members
                (conversation_id, user_id, last_read_seq, unread, last_seq, last_message_at, joined_at)
            select w.id, m.user_id, m.last_read_seq, m.unread, w.last_seq, w.last_message_at, w.created_at
            from wanted w
            join conversation c on c.id = w.id
            cross join lateral (values (user_lo, lo_read, lo_unread), (user_hi, hi_read, hi_unread))
                as m (user_id, last_read_seq, unread)
        )
        select
            array(select id from conversation) as "added!: Vec<Uuid>",
            (select count from present) as "present!"
        "#,
        &ids,
        &los,
        &his,
        &last_seqs,
        &last_senders,
        &last_times,
        &created,
        &lo_reads,
        &lo_unread,
        &hi_reads,
        &hi_unread,
    )
    .fetch_one(&mut *transaction)
    .await?;
    let added: HashSet<Uuid> = counts.added.iter().copied().collect();
    let lines = talks.iter().filter(|talk| added.contains(&talk.id.0)).flat_map(|talk| {
        (1..).zip(&talk.messages).map(|(seq, line)| Line {
            id: line.id,
            conversation: talk.id.0,
            seq,
            sender: talk.people[line.sender].0,
            content: line.content,
            at: line.at,
        })
    });
    let messages = copy(&mut transaction, lines).await?;
    transaction.commit().await?;
    let conversations = outcome(talks.len(), counts.added.len() as i64, counts.present);
    Ok(Talked { conversations, messages })
}

/// A message as it is copied.
pub(super) struct Line<'a> {
    pub id: Uuid,
    pub conversation: Uuid,
    pub seq: i64,
    pub sender: Uuid,
    pub content: &'a str,
    pub at: DateTime<Utc>,
}

/// Copies texts, whose conversations are there; how many.
pub(super) async fn copy<'a>(
    db: &mut PgConnection,
    lines: impl Iterator<Item = Line<'a>>,
) -> Result<u64, sqlx::Error> {
    let mut rows = String::new();
    for Line { id, conversation, seq, sender, content, at } in lines {
        let (content, at) = (escaped(content), at.to_rfc3339());
        let _ = writeln!(rows, "{id}\t{conversation}\t{seq}\t{sender}\ttext\t{content}\t{at}");
    }
    // Text is the default format, and NULL is `\N`, which an escaped text never is.
    let columns = "id, conversation_id, seq, sender_id, message_type, content, created_at";
    let mut copy = db.copy_in_raw(&format!("copy messages ({columns}) from stdin")).await?;
    copy.send(rows.as_bytes()).await?;
    copy.finish().await
}

/// As COPY's text format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

pub(super) fn outcome(wanted: usize, added: i64, present: i64) -> Outcome {
    let (added, present) = (added.unsigned_abs(), present.unsigned_abs());
    Outcome { added, present, refused: (wanted as u64).saturating_sub(added + present) }
}

fn seq(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// As the column holds it.
fn name(gender: Gender) -> &'static str {
    match gender {
        Gender::Male => "male",
        Gender::Female => "female",
        Gender::Other => "other",
        Gender::PreferNotToSay => "prefer_not_to_say",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn copied_texts_arrive_as_they_are() {
        let world = World::with_memory().await;
        let (asha, ravi) = (world.user("asha").await, world.user("ravi").await);
        let conversation = world.acquaint(&asha, &ravi).await.0;
        let contents = ["\\N", "\\.", "a\tb\nc\rd\\e", "नमस्ते 🙏", "\\n", ""];
        let lines = (3..).zip(contents).map(|(seq, content)| Line {
            id: world.banter.ids().uuid(world.now()),
            conversation,
            seq,
            sender: asha.id.0,
            content,
            at: world.now(),
        });
        let mut db = world.banter.pool().acquire().await.unwrap();
        assert_eq!(copy(&mut db, lines).await.unwrap(), contents.len() as u64);
        let found: Vec<(String, DateTime<Utc>)> =
            sqlx::query_as("select content, created_at from messages where seq > 2 order by seq")
                .fetch_all(&mut *db)
                .await
                .unwrap();
        assert_eq!(found, contents.map(|content| (content.to_owned(), world.now())));
    }

    #[tokio::test]
    async fn a_batch_whose_messages_fail_leaves_nothing() {
        let world = World::with_memory().await;
        let plan = crate::seed::Plan { seed: 7, users: 10, messages: 100, groups: 0, friends: 0 };
        world.banter.seed().people(plan, |_| {}).await.unwrap();
        let refuse = "alter table messages add constraint refused check (seq < 2)";
        world.sql(refuse).await;
        assert!(world.banter.seed().talk(plan, |_| {}).await.is_err());
        assert_eq!(world.sql("select from conversations").await, 0);
        world.sql("alter table messages drop constraint refused").await;
        assert_eq!(world.banter.seed().talk(plan, |_| {}).await.unwrap().messages, 100);
    }
}
