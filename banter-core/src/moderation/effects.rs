//! What a sanction does, and how it is undone: to the account, the wallet, rooms, messages and pictures. In the
//! transaction that writes the sanction; people and the media server hear of it after the commit.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::sanctions::{Action, Locked, Target};
use super::{Error, Moderation};
use crate::Banter;
use crate::accounts::administration::{Act, Shut, ShutOut};
use crate::accounts::{self};
use crate::events::Event;
use crate::ids::{MessageId, RoomId, SanctionId, UserId};
use crate::messaging::change::Erased;
use crate::notifications::Added;
use crate::voice::aftermath::Aftermath;

/// What remains to be done once the sanction is committed.
#[must_use = "carry it out after the commit"]
#[derive(Default)]
pub(super) struct After {
    shut_out: Option<ShutOut>,
    erased: Option<Erased>,
    aftermath: Aftermath,
    /// First of all: who is shut out hears nothing more.
    notices: Aftermath,
}

impl After {
    pub(super) fn tell(&mut self, to: Vec<UserId>, event: Event) {
        self.notices.tell(to, event);
    }

    pub(super) fn notify(&mut self, added: impl IntoIterator<Item = Added>) {
        self.aftermath.notify(added);
    }

    pub(super) async fn carry_out(self, banter: &Banter) {
        self.notices.carry_out(banter).await;
        if let Some(shut_out) = self.shut_out {
            shut_out.carry_out(banter).await;
        }
        if let Some(erased) = self.erased {
            erased.tell(banter);
        }
        if let Err(error) = self.aftermath.carry_out_soon(banter).await {
            tracing::warn!(%error, "the media server has not followed a sanction yet");
        }
    }
}

impl Moderation<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one sanction, which is not a row yet")]
    pub(super) async fn effect(
        &self,
        db: &mut PgConnection,
        me: UserId,
        id: SanctionId,
        target: Target,
        action: Action,
        until: Option<DateTime<Utc>>,
        note: &str,
    ) -> Result<After, Error> {
        let mut after = After::default();
        let user = target.user;
        let subject = target.subject.ok_or(Error::SubjectNotFound);
        match action {
            // The wallet's freeze waits for a second person.
            Action::Warn | Action::FreezeWallet => {}
            Action::RemoveMessage => {
                after.erased = self.0.messaging().erase(&mut *db, MessageId(subject?), None).await?;
            }
            Action::Mute => {
                sqlx::query!(
                    "update users set room_muted_until = greatest(room_muted_until, $2) where id = $1",
                    user.0,
                    until,
                )
                .execute(&mut *db)
                .await?;
                // They may come back, and are not heard.
                let left = self.0.rooms().leave_all(db, user, None).await?;
                left.queue(self.0, db).await?;
                after.aftermath.add(left);
            }
            Action::Suspend => {
                let until = self.longest(db, user, until).await?;
                after.shut_out = Some(self.shut(db, Act::Suspend, user, until, me, note).await?);
            }
            Action::Ban => {
                self.ban_devices(db, id, user).await?;
                let until = self.longest(db, user, until).await?;
                after.shut_out = Some(self.shut(db, Act::Suspend, user, until, me, note).await?);
            }
            Action::RemoveAvatar => self.0.media().drop_avatar(db, user).await?,
            Action::RemoveCover => {
                after.aftermath.add(self.0.rooms().drop_cover(db, RoomId(subject?)).await?);
            }
            Action::CloseRoom => {
                if let Some(closed) = self.0.rooms().close_in(db, RoomId(subject?), note).await? {
                    after.aftermath.add(closed);
                }
            }
        }
        Ok(after)
    }

    /// What takes two has both.
    pub(super) async fn confirmed(
        &self,
        db: &mut PgConnection,
        sanction: &Locked,
        me: UserId,
    ) -> Result<After, Error> {
        let mut after = After::default();
        let user = sanction.user;
        if sanction.action == Action::Ban {
            after.shut_out = Some(self.shut(db, Act::Ban, user, None, me, &sanction.note).await?);
        } else {
            sqlx::query!(
                "update users set wallet_frozen_at = coalesce(wallet_frozen_at, $2) where id = $1",
                user.0,
                self.0.clock().now(),
            )
            .execute(db)
            .await?;
        }
        Ok(after)
    }

    /// What this sanction did is done no more, unless another one does it too.
    pub(super) async fn undo(&self, db: &mut PgConnection, sanction: &Locked) -> Result<(), Error> {
        let now = self.0.clock().now();
        match sanction.action {
            Action::Warn
            | Action::RemoveMessage
            | Action::RemoveAvatar
            | Action::RemoveCover
            | Action::CloseRoom => {}
            Action::Mute => {
                sqlx::query!(
                    r#"
                    update users
                    set room_muted_until = (
                        select max(until) from sanctions where user_id = $1 and kind = 'mute' and state = 'in_force'
                    )
                    where id = $1
                    "#,
                    sanction.user.0,
                )
                .execute(db)
                .await?;
            }
            Action::FreezeWallet => {
                sqlx::query!(
                    r#"
                    update users
                    set wallet_frozen_at = null
                    where id = $1
                      and not exists (
                          select from sanctions where user_id = $1 and kind = 'freeze_wallet' and state = 'in_force'
                      )
                    "#,
                    sanction.user.0,
                )
                .execute(db)
                .await?;
            }
            Action::Suspend | Action::Ban => {
                // An operator's suspension, which has no sanction, is not this one's to end.
                sqlx::query!(
                    r#"
                    with held as (
                        select
                            bool_or(kind = 'ban' and state = 'in_force') as banned,
                            max(until) filter (where until > $3) as until
                        from sanctions
                        where user_id = $1 and kind in ('suspend', 'ban') and state in ('proposed', 'in_force')
                    )
                    update users
                    set status = case
                            when held.banned then 'banned' when held.until is not null then 'suspended' else 'active'
                        end,
                        status_until = case when not coalesce(held.banned, false) then held.until end,
                        updated_at = $3
                    from held
                    where id = $1
                      and (
                          status = 'banned' and $4
                          or status = 'suspended' and status_until is not distinct from $2
                      )
                    "#,
                    sanction.user.0,
                    sanction.until,
                    now,
                    sanction.action == Action::Ban && sanction.until.is_none(),
                )
                .execute(db)
                .await?;
            }
        }
        Ok(())
    }

    /// A suspension that holds for longer, or until somebody ends it, goes on doing so.
    async fn longest(
        &self,
        db: &mut PgConnection,
        user: UserId,
        until: Option<DateTime<Utc>>,
    ) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        let held = sqlx::query_scalar!(
            "select status_until from users where id = $1 and status = 'suspended'",
            user.0,
        )
        .fetch_optional(db)
        .await?;
        Ok(match held {
            Some(held) => held.zip(until).map(|(held, until)| held.max(until)),
            None => until,
        })
    }

    async fn shut(
        &self,
        db: &mut PgConnection,
        act: Act,
        user: UserId,
        until: Option<DateTime<Utc>>,
        me: UserId,
        note: &str,
    ) -> Result<ShutOut, Error> {
        let reason: String = note.chars().take(500).collect();
        let shut = Shut { user, act, until, reason: &reason, actor: Some(me) };
        Ok(self.0.accounts().shut_out(db, shut).await?)
    }

    /// No account is opened, or used, with these phones.
    async fn ban_devices(
        &self,
        db: &mut PgConnection,
        id: SanctionId,
        user: UserId,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            r#"
            insert into banned_devices (token_digest, sanction_id)
            select distinct sha256(convert_to(fcm_token, 'UTF8')), $1::uuid from devices where user_id = $2
            "#,
            id.0,
            user.0,
        )
        .execute(db)
        .await?;
        Ok(())
    }

    /// Is this the phone of somebody who is banned?
    pub(crate) async fn is_banned_device(&self, fcm_token: &str) -> Result<bool, sqlx::Error> {
        let token = digest::digest(&digest::SHA256, fcm_token.as_bytes());
        sqlx::query_scalar!(
            r#"
            select exists (
                select
                from banned_devices d
                join sanctions s on s.id = d.sanction_id
                where d.token_digest = $1 and (s.state = 'in_force' or s.state = 'proposed' and s.until > $2)
            ) as "banned!"
            "#,
            token.as_ref(),
            self.0.clock().now(),
        )
        .fetch_one(self.0.pool())
        .await
    }
}

impl From<accounts::Error> for Error {
    fn from(error: accounts::Error) -> Self {
        match error {
            accounts::Error::Database(error) => Self::Database(error),
            accounts::Error::UserNotFound | accounts::Error::AlreadyDeleted => Self::UserNotFound,
            error => Self::Account(Box::new(error)),
        }
    }
}
