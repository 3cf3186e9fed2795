//! The SQL of [`super::circles`] and [`super::groups`], as in [`super::write`]: one transaction a batch.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::circles::{Kind, Tie};
use super::groups::Group;
use super::{Circled, Talked, write};
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

    let mut transaction = banter.pool().begin().await?;
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
        )
        select
            array(select id from conversation) as "added!: Vec<Uuid>",
            (select count from present) as "present!"
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
    )
    .fetch_one(&mut *transaction)
    .await?;
    let added: HashSet<Uuid> = counts.added.iter().copied().collect();
    let lines = groups.iter().filter(|group| added.contains(&group.id)).flat_map(|group| {
        (1..).zip(&group.lines).map(|(seq, line)| write::Line {
            id: line.id,
            conversation: group.id,
            seq,
            sender: group.members[line.sender].id.0,
            content: line.content,
            at: line.at,
        })
    });
    let messages = write::copy(&mut transaction, lines).await?;
    transaction.commit().await?;
    let conversations = write::outcome(groups.len(), counts.added.len() as i64, counts.present);
    Ok(Talked { conversations, messages })
}
