//! Finding people by name. In this order: the username itself; usernames that begin so; names that begin so; names with a
//! later word that begins so; names that look alike, for those who mistype.
//!
//! The work is bounded: each kind gives at most [`MOST`] candidates, in the order of an index, and pages are cut from
//! them. Who types more finds more. What looks alike is asked for only when there are fewer than that otherwise.

use super::{Accounts, Caller, Error, PersonSummary};
use crate::error::Problems;
use crate::friends::relationship::Relationship;
use crate::ids::UserId;
use crate::limits::Act;
use crate::page::{Page, PageRequest};
use crate::text;

/// Somebody who was found.
#[derive(Debug)]
pub struct Found {
    pub user: PersonSummary,
    pub is_verified: bool,
    pub relationship: Relationship,
    rank: i32,
    key: String,
}

/// How many candidates of a kind.
const MOST: i64 = 100;
const LIST: &str = "people";

impl Accounts<'_> {
    /// People whom this may mean, likeliest first. Left out: the caller, who cannot meet the caller, and every account that
    /// is not active.
    pub async fn search(
        &self,
        caller: &Caller,
        query: &str,
        page: &PageRequest,
    ) -> Result<Page<Found>, Error> {
        let mut problems = Problems::default();
        let typed = problems.take("q", text::clean(query.trim().trim_start_matches('@'), 2..=50));
        let after: Option<Option<(i32, String, UserId)>> = problems.take("cursor", page.after(LIST));
        problems.check(
            "cursor",
            !matches!(&after, Some(Some((_, key, _))) if key.contains('\0')),
            "is not one of ours",
        );
        problems.none()?;
        let after = after.flatten();
        self.0.limits().take(Act::Search, &caller.user_id.to_string()).await?;
        let found = sqlx::query!(
            r#"
            with typed as materialized (
                -- What begins so lies between it and it with the last of all characters behind it, byte by byte.
                select lower($2) as least, lower($2) || chr(1114111) as most
            ),
            near as materialized (
                (
                    select u.id, 0 as rank, '' as key
                    from users u
                    where u.status = 'active' and lower(u.username) = (select least from typed)
                )
                union all
                (
                    select u.id, 1, lower(u.username)
                    from users u
                    where u.status = 'active'
                      and lower(u.username) ~>=~ (select least from typed)
                      and lower(u.username) ~<~ (select most from typed)
                    order by lower(u.username) using ~<~
                    limit $3
                )
                union all
                (
                    select u.id, 2, lower(u.full_name)
                    from users u
                    where u.status = 'active'
                      and lower(u.full_name) ~>=~ (select least from typed)
                      and lower(u.full_name) ~<~ (select most from typed)
                    order by lower(u.full_name) using ~<~
                    limit $3
                )
                union all
                (
                    select u.id, 3, lower(split_part(u.full_name, ' ', -1))
                    from users u
                    where u.status = 'active'
                      and lower(split_part(u.full_name, ' ', -1)) ~>=~ (select least from typed)
                      and lower(split_part(u.full_name, ' ', -1)) ~<~ (select most from typed)
                    order by lower(split_part(u.full_name, ' ', -1)) using ~<~
                    limit $3
                )
            ),
            alike as (
                select user_id, rank, key
                from people_alike((select least from typed), $3::integer)
                -- Half of the world has two letters in common.
                where char_length($2) > 2 and (select count(*) from near) < $3
            ),
            candidates as (
                select distinct on (id) id, rank, key collate "C" as key
                from (select id, rank, key from near union all select user_id, rank, key from alike) each
                order by id, rank, key
            )
            select
                u.id as "id: UserId",
                u.username,
                u.full_name,
                u.avatar,
                u.is_verified,
                relationship($1, u.id) as "relationship!: Relationship",
                c.rank as "rank!",
                c.key as "key!"
            from candidates c
            join users u on u.id = c.id
            where u.id <> $1
              and not exists (select from blocked_pairs b where b.one = $1 and b.other = u.id)
              and ($4::integer is null or (c.rank, c.key, u.id) > ($4, $5::text collate "C", $6))
            order by c.rank, c.key, u.id
            limit $7
            "#,
            caller.user_id.0,
            typed.expect("no problem"),
            MOST,
            after.as_ref().map(|(rank, ..)| *rank),
            after.as_ref().map(|(_, key, _)| key.as_str()),
            after.as_ref().map(|(.., user)| user.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let found = found.into_iter().map(|row| Found {
            user: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            is_verified: row.is_verified,
            relationship: row.relationship,
            rank: row.rank,
            key: row.key,
        });
        Ok(Page::cut(found.collect(), page, LIST, |one| (one.rank, one.key.clone(), one.user.id)))
    }
}
