//! The SQL of [`super::circles`] and [`super::groups`], as in [`super::write`]: one statement a batch.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::circles::{Kind, Tie};
use super::groups::Group;
use super::{Circled, Outcome, Talked};
use crate::Banter;

/// Who is gone, or has another tie already, is left out.
pub(super) async fn circles(banter: &Banter, ties: &[Tie]) -> Result<Circled, sqlx::Error> {
    let ids: Vec<Uuid> = ties.iter().map(|tie| tie.id).collect();
    let froms: Vec<Uuid> = ties.iter().map(|tie| tie.people[0].0).collect();
    let tos: Vec<Uuid> = ties.iter().map(|tie| tie.people[1].0).collect();
    let kinds: Vec<String> = ties.iter().map(|tie| name(tie.kind).to_owned()).collect();
    let words: Vec<Option<String>> = ties
        .iter()
        .map(|tie| match tie.kind {
            Kind::Asked(words) => Some(words.to_owned()),
            Kind::Friends | Kind::Blocked => None,
        })
        .collect();
    let times: Vec<DateTime<Utc>> = ties.iter().map(|tie| tie.at).collect();
    let counts = sqlx::query!(
        r#"
        with wanted as (
            select t.*
            from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])
                as t (id, one, other, kind, words, at)
            join users a on a.id = t.one and a.status <> 'deleted'
            join users b on b.id = t.other and b.status <> 'deleted'
            where not exists (
                select from friendships f
                where f.user_lo = least(t.one, t.other) and f.user_hi = greatest(t.one, t.other)
            )
            and not exists (
                select from friend_requests r
                where least(r.sender_id, r.receiver_id) = least(t.one, t.other)
                  and greatest(r.sender_id, r.receiver_id) = greatest(t.one, t.other)
                  and r.status = 'pending'
            )
        ),
        friends as (
            insert into friendships (user_lo, user_hi, created_at)
            select least(one, other), greatest(one, other), at
            from wanted
            where kind = 'friends' and can_interact(one, other)
            on conflict do nothing
            returning 1
        ),
        asked as (
            insert into friend_requests (id, sender_id, receiver_id, message, created_at)
            select id, one, other, words, at
            from wanted
            where kind = 'asked' and can_interact(one, other)
            on conflict do nothing
            returning 1
        ),
        blocked as (
            insert into blocked_users (user_id, blocked_user_id, created_at)
            select one, other, at
            from wanted
            where kind = 'blocked'
            on conflict do nothing
            returning 1
        )
        select
            (select count(*) from friends) as "friendships!",
            (select count(*) from asked) as "requests!",
            (select count(*) from blocked) as "blocks!"
        "#,
        &ids,
        &froms,
        &tos,
        &kinds,
        &words as &[Option<String>],
        &times,
    )
    .fetch_one(banter.pool())
    .await?;
    Ok(Circled {
        friendships: counts.friendships.unsigned_abs(),
        requests: counts.requests.unsigned_abs(),
        blocks: counts.blocks.unsigned_abs(),
    })
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Friends => "friends",
        Kind::Asked(_) => "asked",
        Kind::Blocked => "blocked",
    }
}

/// A group is added whole, or not at all when one of its people is missing.
pub(super) async fn groups(banter: &Banter, groups: &[Group]) -> Result<Talked, sqlx::Error> {
    let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
    let names: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    let owners: Vec<Uuid> = groups.iter().map(|group| group.members[0].id.0).collect();
    let made: Vec<DateTime<Utc>> = groups.iter().map(|group| group.made_at).collect();
    let last_seqs: Vec<i64> = groups.iter().map(|group| group.lines.len() as i64).collect();
    let lasts = || groups.iter().filter_map(|group| Some((group, group.lines.last()?)));
    let last_senders: Vec<Uuid> = lasts().map(|(group, line)| group.members[line.sender].id.0).collect();
    let last_times: Vec<DateTime<Utc>> = lasts().map(|(_, line)| line.at).collect();

    let members = || groups.iter().flat_map(|group| group.members.iter().map(move |member| (group, member)));
    let member_groups: Vec<Uuid> = members().map(|(group, _)| group.id).collect();
    let member_ids: Vec<Uuid> = members().map(|(_, member)| member.id.0).collect();
    let roles: Vec<String> = members().map(|(_, member)| member.role.to_owned()).collect();
    let from_seqs: Vec<i64> = members().map(|(_, member)| member.from_seq).collect();
    let read_seqs: Vec<i64> = members().map(|(_, member)| member.read_seq).collect();
    let unread: Vec<i64> = members().map(|(_, member)| member.unread).collect();

    let lines =
        || groups.iter().flat_map(|group| (1..).zip(&group.lines).map(move |(seq, line)| (group, seq, line)));
    let line_ids: Vec<Uuid> = lines().map(|(.., line)| line.id).collect();
    let line_groups: Vec<Uuid> = lines().map(|(group, ..)| group.id).collect();
    let seqs: Vec<i64> = lines().map(|(_, seq, _)| seq).collect();
    let senders: Vec<Uuid> = lines().map(|(group, _, line)| group.members[line.sender].id.0).collect();
    let contents: Vec<String> = lines().map(|(.., line)| line.content.to_owned()).collect();
    let times: Vec<DateTime<Utc>> = lines().map(|(.., line)| line.at).collect();

    let counts = sqlx::query!(
        r#"
        with wanted as (
            select *
            from unnest(
                $1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::bigint[], $6::uuid[], $7::timestamptz[]
            ) as g (id, name, owner, made_at, last_seq, last_sender_id, last_message_at)
        ),
        member as (
            select *
            from unnest($8::uuid[], $9::uuid[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[])
                as m (group_id, user_id, role, from_seq, read_seq, unread)
        ),
        present as (select count(*) from wanted w join conversations c on c.id = w.id),
        conversation as (
            insert into conversations
                (id, kind, name, created_by, last_seq, last_sender_id, last_message_at, created_at)
            select w.id, 'group', w.name, w.owner, w.last_seq, w.last_sender_id, w.last_message_at, w.made_at
            from wanted w
            where not exists (
                select
                from member m left join users u on u.id = m.user_id and u.status <> 'deleted'
                where m.group_id = w.id and u.id is null
            )
            on conflict do nothing
            returning id
        ),
        membership as (
            insert into conversation_members
                (conversation_id, user_id, role, from_seq, last_read_seq, unread, last_seq, last_message_at, joined_at)
            select
                w.id, m.user_id, m.role, m.from_seq, m.read_seq, m.unread, w.last_seq, w.last_message_at, w.made_at
            from wanted w
            join conversation c on c.id = w.id
            join member m on m.group_id = w.id
        ),
        message as (
            insert into messages (id, conversation_id, seq, sender_id, message_type, content, created_at)
            select m.id, m.group_id, m.seq, m.sender_id, 'text', m.content, m.created_at
            from unnest($14::uuid[], $15::uuid[], $16::bigint[], $17::uuid[], $18::text[], $19::timestamptz[])
                as m (id, group_id, seq, sender_id, content, created_at)
            join conversation c on c.id = m.group_id
            returning 1
        )
        select
            (select count(*) from conversation) as "added!",
            (select count from present) as "present!",
            (select count(*) from message) as "messages!"
        "#,
        &ids,
        &names,
        &owners,
        &made,
        &last_seqs,
        &last_senders,
        &last_times,
        &member_groups,
        &member_ids,
        &roles,
        &from_seqs,
        &read_seqs,
        &unread,
        &line_ids,
        &line_groups,
        &seqs,
        &senders,
        &contents,
        &times,
    )
    .fetch_one(banter.pool())
    .await?;
    let (added, present) = (counts.added.unsigned_abs(), counts.present.unsigned_abs());
    let refused = (groups.len() as u64).saturating_sub(added + present);
    Ok(Talked {
        conversations: Outcome { added, present, refused },
        messages: counts.messages.unsigned_abs(),
    })
}
