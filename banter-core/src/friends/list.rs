//! Who somebody's friends are, and which of them two people share.

use chrono::{DateTime, Utc};

use super::{Error, Friends};
use crate::accounts::{Caller, PersonSummary};
use crate::error::Problems;
use crate::ids::UserId;
use crate::page::{At, Page, PageRequest};
use crate::presence::Presence;

/// A friend of the caller's.
#[derive(Debug)]
pub struct Friend {
    pub user: PersonSummary,
    pub since: DateTime<Utc>,
    /// `None`: they show it to nobody.
    pub presence: Option<Presence>,
}

const LIST: &str = "friends";
const MUTUAL: &str = "mutual-friends";

impl Friends<'_> {
    /// The caller's friends, newest first; with `online` those who are here and show it. One question about presence,
    /// whatever their number. [`Error::PresenceUnknown`] where only those online are asked for and nobody can tell.
    pub async fn friends(
        &self,
        caller: &Caller,
        online: bool,
        page: &PageRequest,
    ) -> Result<Page<Friend>, Error> {
        let after: Option<(At, UserId)> =
            page.after(LIST).map_err(|problem| Problems::one("cursor", problem))?;
        let only = if online { Some(self.online(caller, after, page.fetch()).await?) } else { None };
        let only_ids: Option<Vec<_>> = only.as_ref().map(|ids| ids.iter().map(|id| id.0).collect());
        let rows = sqlx::query!(
            r#"
            select
                f.other as "id!: UserId",
                f.created_at as "since!",
                u.username,
                u.full_name,
                u.avatar,
                u.last_seen,
                not exists (select from hidden_presences h where h.user_id = u.id) as "shows!"
            from friend_pairs f
            join users u on u.id = f.other
            where f.one = $1
              and u.status not in ('deleted', 'banned')
              and not exists (select from blocked_pairs b where b.one = $1 and b.other = u.id)
              and ($2::timestamptz is null or (f.created_at, f.other) < ($2, $3))
              and ($4::uuid[] is null or f.other = any($4))
            order by f.created_at desc, f.other desc
            limit $5
            "#,
            caller.user_id.0,
            after.map(|(time, _)| time.0),
            after.map(|(_, user)| user.0),
            only_ids.as_deref(),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        let visible: Vec<UserId> = rows.iter().filter(|row| row.shows).map(|row| row.id).collect();
        let here = match only {
            Some(_) => Some(vec![true; visible.len()]),
            None => self.0.presences().online(&visible, self.0.clock().now()).await,
        };
        let mut here = here.map(Vec::into_iter);
        let friends = rows.into_iter().map(|row| Friend {
            presence: row.shows.then(|| {
                let online = here.as_mut().map(|here| here.next().expect("one answer for each"));
                Presence::of(row.id, online, row.last_seen)
            }),
            user: PersonSummary {
                id: row.id,
                username: row.username,
                full_name: row.full_name,
                avatar: row.avatar,
            },
            since: row.since,
        });
        Ok(Page::cut(friends.collect(), page, LIST, |friend| (At(friend.since), friend.user.id)))
    }

    /// The first so many friends after this place who are here and show it.
    async fn online(
        &self,
        caller: &Caller,
        after: Option<(At, UserId)>,
        most: i64,
    ) -> Result<Vec<UserId>, Error> {
        let all: Vec<UserId> = sqlx::query_scalar!(
            r#"
            select f.other as "id!: UserId"
            from friend_pairs f
            join users u on u.id = f.other
            where f.one = $1
              and u.status not in ('deleted', 'banned')
              and not exists (select from hidden_presences h where h.user_id = u.id)
              and not exists (select from blocked_pairs b where b.one = $1 and b.other = u.id)
              and ($2::timestamptz is null or (f.created_at, f.other) < ($2, $3))
            order by f.created_at desc, f.other desc
            "#,
            caller.user_id.0,
            after.map(|(time, _)| time.0),
            after.map(|(_, user)| user.0),
        )
        .fetch_all(self.0.pool())
        .await?;
        let here = self.0.presences().online(&all, self.0.clock().now()).await;
        let here = here.ok_or(Error::PresenceUnknown)?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(all.into_iter().zip(here).filter(|(_, here)| *here).map(|(user, _)| user).take(most).collect())
    }

    /// Friends of the caller's who are friends of this person's as well, in the order of their accounts' age.
    pub async fn mutual(
        &self,
        caller: &Caller,
        user: UserId,
        page: &PageRequest,
    ) -> Result<Page<PersonSummary>, Error> {
        let after: Option<UserId> = page.after(MUTUAL).map_err(|problem| Problems::one("cursor", problem))?;
        let there = sqlx::query_scalar!(
            r#"
            select exists (
                select from users u
                where u.id = $2 and u.status not in ('deleted', 'banned') and can_interact($1, u.id)
            ) as "there!"
            "#,
            caller.user_id.0,
            user.0,
        )
        .fetch_one(self.0.pool())
        .await?;
        if !there {
            return Err(Error::UserNotFound);
        }
        let people = sqlx::query_as!(
            PersonSummary,
            r#"
            select u.id as "id: UserId", u.username, u.full_name, u.avatar
            from mutual_friends($1, $2) m
            join users u on u.id = m.user_id
            where $3::uuid is null or u.id > $3
            order by u.id
            limit $4
            "#,
            caller.user_id.0,
            user.0,
            after.map(|id| id.0),
            page.fetch(),
        )
        .fetch_all(self.0.pool())
        .await?;
        Ok(Page::cut(people, page, MUTUAL, |person| person.id))
    }
}
