//! The end of an account: nothing that says who it was stays behind, but what money and safety need.
//!
//! Promises: from the commit on the profile is anonymous, the phone number can register again, and every login is over;
//! what others wrote and read keeps its place. What goes and what stays is told table by table in [`super::retention`];
//! a test compares that with the schema, and another searches a whole dump for what must be gone.
//!
//! Rows are locked in the order that every rule keeps: rooms, calls, conversations, their members, messages, uploads, and
//! the account last, since a rule that adds to it at the same time has locked what it adds to. What slips in between is cleared away
//! by a job, two minutes later.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::administration::{Act, Record, decide};
use super::sessions::{Because, Revocation};
use super::{Accounts, Caller, Client, Error, Role, Status};
use crate::error::Problems;
use crate::events::{ConversationRef, Delivery, Event, FriendRemoved};
use crate::ids::{ConversationId, UserId};
use crate::jobs::{Failure, Job};
use crate::presence::{self, MOST_TOLD, Presence};
use crate::{idempotency, text};

/// How old a sign-in to Firebase may be: whoever finds an unlocked phone must not end an account.
pub const FRESH: TimeDelta = TimeDelta::minutes(10);
/// No request and no statement runs that long.
const STRAGGLERS: TimeDelta = TimeDelta::minutes(2);
/// Whom a deleted account is shown as.
pub const NAME: &str = "Deleted account";

impl Accounts<'_> {
    /// Ends the caller's account, who signs in to Firebase again for it. Somebody who asks twice is told the same.
    pub async fn delete(&self, caller: &Caller, firebase_token: &str, client: &Client) -> Result<(), Error> {
        let identity = self.identify(firebase_token, client).await?;
        let found = sqlx::query_scalar!(
            r#"
            select id as "id: UserId"
            from users
            where firebase_uid = $1 or phone_number = $2
            order by firebase_uid is not distinct from $1 desc
            limit 1
            "#,
            identity.uid,
            identity.phone_number.as_str(),
        )
        .fetch_optional(self.0.pool())
        .await?;
        if found != Some(caller.user_id) {
            return Err(Error::OtherIdentity);
        }
        if identity.signed_in_at < self.0.clock().now() - FRESH {
            return Err(Error::SignInTooOld);
        }
        match self.erase(caller.user_id, None).await {
            Ok(()) | Err(Error::AlreadyDeleted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends somebody's account, for an operator, who says why.
    pub async fn delete_for(&self, user: UserId, reason: &str) -> Result<(), Error> {
        let reason = text::clean(reason, 1..=500).map_err(|problem| Problems::one("reason", problem))?;
        self.erase(user, Some(&reason)).await
    }

    async fn erase(&self, user: UserId, reason: Option<&str>) -> Result<(), Error> {
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        let standing = self.standing(&mut transaction, user).await?;
        decide(standing.status, Act::Delete)?;
        if standing.role == Role::Admin {
            self.not_the_last_admin(&mut transaction, user).await?;
        }
        self.0.rooms().forget_covers(&mut transaction, user).await?;
        let silenced = self.0.voice().silence(&mut transaction, user).await?;
        let detached = detach(&mut transaction, user, now).await?;
        let ended = self.end_all(&mut *transaction, user, Because::Deleted).await?;
        if !anonymise(&mut transaction, user, now).await? {
            return Err(Error::AlreadyDeleted);
        }
        if let Some(reason) = reason {
            let record = Record { user, kind: "deleted", reason: Some(reason), until: None, actor: None };
            self.record(&mut transaction, record).await?;
        }
        self.0.payments().subscriptions().end_with_account(&mut transaction, user).await?;
        let job = Job::AfterDeletion { user_id: user };
        self.0.jobs().queue(&mut *transaction, &job, now + STRAGGLERS).await?;
        transaction.commit().await?;
        metrics::counter!("banter_accounts_deleted_total").increment(1);
        self.tell_gone(user, detached, ended);
        silenced.carry_out(self.0).await;
        Ok(())
    }

    /// Clears away what reached a deleted account while it was being deleted.
    pub(crate) async fn clear_away(&self, user: UserId) -> Result<(), Failure> {
        let now = self.0.clock().now();
        let mut transaction = self.0.pool().begin().await?;
        let silenced = self.0.voice().silence(&mut transaction, user).await?;
        let detached = detach(&mut transaction, user, now).await?;
        let ended = self.end_all(&mut *transaction, user, Because::Deleted).await?;
        sqlx::query!(
            r#"
            update users
            set last_seen = null, avatar = null, avatar_upload_id = null
            where id = $1 and status = 'deleted'
            "#,
            user.0,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.tell_gone(user, detached, ended);
        silenced.carry_out(self.0).await;
        Ok(())
    }

    fn tell_gone(&self, user: UserId, detached: Detached, ended: Vec<Revocation>) {
        self.tell_ended(ended);
        let Detached { mut friends, groups } = detached;
        friends.truncate(usize::try_from(MOST_TOLD).expect("a small number"));
        if !friends.is_empty() {
            let presence = Presence { user_id: user, status: presence::Status::Offline, last_seen: None };
            for event in
                [Event::PresenceChanged(presence), Event::FriendRemoved(FriendRemoved { user_id: user })]
            {
                self.0.bus().deliver(Delivery { to: friends.clone(), except_socket: None, event });
            }
        }
        for group in groups {
            let event = Event::ConversationUpdated(ConversationRef { conversation_id: group.id });
            self.0.bus().deliver(Delivery { to: group.members, except_socket: None, event });
        }
    }
}

/// Who is to be told.
struct Detached {
    friends: Vec<UserId>,
    groups: Vec<Left>,
}

/// A group, and who is still in it.
struct Left {
    id: ConversationId,
    members: Vec<UserId>,
}

/// Removes everything that hangs on the account.
async fn detach(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<Detached, sqlx::Error> {
    sqlx::query!("delete from friend_requests where sender_id = $1 or receiver_id = $1", user.0)
        .execute(&mut *db)
        .await?;
    let friends = sqlx::query_scalar!(
        r#"
        delete from friendships
        where user_lo = $1 or user_hi = $1
        returning case user_lo when $1 then user_hi else user_lo end as "friend!: UserId"
        "#,
        user.0,
    )
    .fetch_all(&mut *db)
    .await?;
    // What a block hid from either stays hidden.
    sqlx::query!(
        r#"
        update blocked_users
        set reason = null
        where (user_id = $1 or blocked_user_id = $1) and reason is not null
        "#,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("delete from notifications where user_id = $1 or actor_id = $1", user.0)
        .execute(&mut *db)
        .await?;
    let conversations = hold_conversations(db, user).await?;
    let groups = leave_groups(db, user, &conversations, now).await?;
    empty_messages(db, user, &conversations, now).await?;
    give_up_media(db, user, now).await?;
    idempotency::forget(db, user).await?;
    sqlx::query!(
        r#"
        with settings as (delete from user_settings where user_id = $1),
        location as (delete from user_locations where user_id = $1),
        devices as (delete from devices where user_id = $1)
        update sessions
        set user_agent = null, tool = null
        where user_id = $1 and (user_agent is not null or tool is not null)
        "#,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    Ok(Detached { friends, groups })
}

/// Holds what the following steps change: their groups, and wherever they sent a file.
async fn hold_conversations(db: &mut PgConnection, user: UserId) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from conversations
        where id in (
            select c.id
            from conversation_members m join conversations c on c.id = m.conversation_id
            where m.user_id = $1 and c.kind = 'group'
            union
            select m.conversation_id
            from uploads u join messages m on m.upload_id = u.id
            where u.user_id = $1
        )
        order by id
        for update
        "#,
        user.0,
    )
    .fetch_all(db)
    .await
}

/// Each group they owned goes to its longest-standing admin, or member; one that is left empty stays as it is, since
/// messages in it may be reported.
async fn leave_groups(
    db: &mut PgConnection,
    user: UserId,
    conversations: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<Left>, sqlx::Error> {
    let left = sqlx::query!(
        r#"
        with gone as (
            delete from conversation_members m
            using conversations c
            where m.user_id = $1 and m.conversation_id = any($2) and c.id = m.conversation_id and c.kind = 'group'
            returning m.conversation_id, m.role
        ),
        changed as (
            update conversation_members
            set changed_at = $3
            where user_id <> $1 and conversation_id in (select conversation_id from gone)
            returning conversation_id, user_id
        )
        select
            g.conversation_id as "id: ConversationId",
            g.role = 'owner' as "owned!",
            array(select user_id from changed c where c.conversation_id = g.conversation_id) as "members!: Vec<UserId>"
        from gone g
        "#,
        user.0,
        conversations,
        now,
    )
    .fetch_all(&mut *db)
    .await?;
    let owned: Vec<Uuid> = left.iter().filter(|group| group.owned).map(|group| group.id.0).collect();
    sqlx::query!(
        r#"
        update conversation_members m
        set role = 'owner'
        from (
            select distinct on (conversation_id) conversation_id, user_id
            from conversation_members
            where conversation_id = any($1)
            order by conversation_id, role = 'admin' desc, joined_at, user_id
        ) as heir
        where m.conversation_id = heir.conversation_id and m.user_id = heir.user_id
        "#,
        &owned,
    )
    .execute(&mut *db)
    .await?;
    // What they wrote there nobody can ask for any more.
    sqlx::query!("delete from former_members where user_id = $1", user.0).execute(db).await?;
    Ok(left.into_iter().map(|group| Left { id: group.id, members: group.members }).collect())
}

/// What they sent as a file is taken back, caption and all, as they could have done themselves; whoever has it on their
/// phone learns of it at the next look.
async fn empty_messages(
    db: &mut PgConnection,
    user: UserId,
    conversations: &[Uuid],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with target as (
            select m.conversation_id, m.seq, m.sender_id
            from uploads u join messages m on m.upload_id = u.id
            where u.user_id = $1 and m.conversation_id = any($2)
        )
        update conversation_members m
        set changed_at = $3,
            unread = greatest(0, m.unread - (
                select count(*)
                from target t
                where t.conversation_id = m.conversation_id
                  and t.seq > m.last_read_seq
                  and t.seq >= m.from_seq
                  and t.sender_id <> m.user_id
                  and not exists (select from blocked_pairs where one = t.sender_id and other = m.user_id)
            ))
        where m.conversation_id in (select conversation_id from target)
        "#,
        user.0,
        conversations,
        now,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        update messages
        set upload_id = null, content = '', deleted_at = $3
        where conversation_id = any($2) and upload_id in (select id from uploads where user_id = $1)
        "#,
        user.0,
        conversations,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Their files are named by nothing any more; whoever collects such removes them. A verification that nobody has looked
/// at is withdrawn; of one that was decided, the decision stays.
async fn give_up_media(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from verifications where user_id = $1 and status = 'pending'", user.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        r#"
        update verifications
        set document_upload_id = null, selfie_upload_id = null, reason = null
        where user_id = $1
        "#,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!("update uploads set doomed_at = coalesce(doomed_at, $2) where user_id = $1", user.0, now,)
        .execute(db)
        .await?;
    Ok(())
}

/// The last statement: it waits for everybody who adds something to the account right now. Whether there was still an
/// account.
async fn anonymise(db: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update users
        set full_name = $2,
            status = 'deleted',
            phone_number = null,
            firebase_uid = null,
            email = null,
            username = null,
            avatar = null,
            avatar_upload_id = null,
            bio = null,
            gender = null,
            date_of_birth = null,
            language = default,
            is_verified = default,
            role = default,
            status_until = null,
            last_seen = null,
            premium_until = null,
            wallet_frozen_at = null,
            identity_verified_at = null,
            room_muted_until = null,
            reports_muted_until = null,
            interests = default,
            looking_for = default,
            updated_at = $3
        where id = $1 and status <> 'deleted'
        "#,
        user.0,
        NAME,
        now,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How an account stands, as it is read before something is done about it.
pub(super) struct Standing {
    pub role: Role,
    pub status: Status,
}
