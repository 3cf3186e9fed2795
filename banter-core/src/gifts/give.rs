//! Giving: the message that shows it, the coins on both sides and the gift itself, in one transaction.
//!
//! Locks are taken as everywhere: the conversation and its members by the message's statement, then both people's balances
//! in the order of their ids. So two who give to each other at once take turns, wherever they do it.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{Error, Gift, Gifts, Given};
use crate::accounts::Caller;
use crate::error::{Problems, violates};
use crate::ids::{ConversationId, GiftId, MessageId, UserId};
use crate::limits::Act;
use crate::messaging::history::{Direction, Of};
use crate::messaging::place::{New, Placed};
use crate::messaging::send::{self, Target};
use crate::messaging::{self, Message, MessageGift, MessageType};
use crate::notifications::{Added, Kind, News};
use crate::payments::ledger::{self, Entry, Outcome};

/// Coins that somebody may give within [`DAY`].
pub const DAILY: i32 = 20_000;
/// The same for an account younger than that: a stolen card wants to be emptied at once.
pub const DAILY_NEW: i32 = 500;
/// Counted back from now, so that midnight doubles nothing.
pub const DAY: TimeDelta = TimeDelta::hours(24);

/// A gift as it came; checked here.
#[derive(Clone, Debug)]
pub struct Draft {
    pub receiver: UserId,
    /// Where it is to show; `None`: in the direct conversation with the receiver.
    pub conversation: Option<ConversationId>,
    pub gift: Gift,
    /// 1 to 64 characters chosen by the giver's phone; the same one again is the same gift.
    pub client_gift_id: Option<String>,
}

/// A gift that is given.
#[derive(Clone, Debug)]
pub struct Gave {
    pub given: Given,
    /// What shows it; `None`: the giver may not read there any more.
    pub message: Option<Message>,
    /// What the giver has now.
    pub balance: i32,
    /// It was given by an earlier attempt; this one changed nothing and told nobody.
    pub repeated: bool,
}

/// What one transaction did, to be told after it.
struct Done {
    placed: Placed,
    given: Given,
    sent: Outcome,
    received: Outcome,
    news: Added,
}

impl Gifts<'_> {
    /// Gives, and tells everyone in the conversation.
    pub async fn give(&self, caller: &Caller, draft: &Draft) -> Result<Gave, Error> {
        if draft.receiver == caller.user_id {
            return Err(Error::Yourself);
        }
        let client_id = draft.client_gift_id.as_deref().map(send::valid_client_id).transpose();
        let client_id = client_id.map_err(|problem| Problems::one("clientGiftId", problem))?;
        self.0.limits().take(Act::Gift, &caller.user_id.to_string()).await?;
        let target = draft.conversation.map_or(Target::User(draft.receiver), Target::Conversation);
        let new = self.message(caller, draft, client_id);
        for _ in 0..send::MOST_TRIES {
            // First of all: whoever left the room since gave it all the same.
            if let Some(gave) = self.repeated(caller, draft).await? {
                return Ok(gave);
            }
            match self.attempt(draft, &new, target).await {
                Ok(Some(done)) => return Ok(self.told(done, &new).await),
                Ok(None) => {}
                // The same gift came by another way in this very moment.
                Err(Error::Database(error))
                    if violates(&error, "messages_client_message_id_key")
                        || violates(&error, "gifts_client_gift_id_key") => {}
                Err(error) => return Err(error),
            }
            self.0.messaging().repeated_or_refused(caller, target, &new).await?;
        }
        Err(messaging::Error::Busy.into())
    }

    fn message<'a>(&self, caller: &Caller, draft: &Draft, client_id: Option<&'a str>) -> New<'a> {
        let now = self.0.clock().now();
        New {
            id: MessageId(self.0.ids().uuid(now)),
            sender: caller.user_id,
            message_type: MessageType::Gift,
            content: draft.gift.name().to_owned(),
            reply_to: None,
            upload: None,
            gift: Some(MessageGift {
                id: GiftId(self.0.ids().uuid(now)),
                gift: draft.gift,
                coins: draft.gift.coins(),
                receiver_id: Some(draft.receiver),
            }),
            client_id,
            now,
        }
    }

    /// `None`: the message found no place.
    async fn attempt(&self, draft: &Draft, new: &New<'_>, target: Target) -> Result<Option<Done>, Error> {
        let mut tx = self.0.pool().begin().await?;
        let Some(placed) = self.0.messaging().place(&mut tx, new, target).await? else { return Ok(None) };
        if !placed.reaches(draft.receiver) {
            return Err(Error::ReceiverNotThere);
        }
        ledger::lock(&mut tx, &[new.sender, draft.receiver]).await?;
        ledger::not_frozen(&mut *tx, new.sender).await?;
        let room = self.check(&mut tx, draft, new, placed.conversation()).await?;
        let given = Given {
            id: new.gift.expect("made with one").id,
            gift: draft.gift,
            coins: draft.gift.coins(),
            sender_id: new.sender,
            receiver_id: draft.receiver,
            conversation_id: placed.conversation(),
            message_id: new.id,
            created_at: new.now,
        };
        let entry = |user, kind, amount, what| Entry {
            user,
            kind,
            amount,
            reference: format!("gift:{}:{what}", given.id),
            note: None,
        };
        let sent = entry(given.sender_id, ledger::Kind::GiftSent, -given.coins, "sent");
        let sent = ledger::write(self.0, &mut tx, &sent).await?;
        let received = entry(given.receiver_id, ledger::Kind::GiftReceived, given.coins, "received");
        let received = ledger::write(self.0, &mut tx, &received).await?;
        insert(&mut tx, &given, new.client_id).await?;
        let news = News {
            to: given.receiver_id,
            kind: Kind::GiftReceived,
            actor: Some(given.sender_id),
            subject: Some(given.id.0),
        };
        // Elsewhere the message itself has the receiver's phone ring.
        let news = if room {
            self.0.notifications().add(&mut tx, news).await?
        } else {
            self.0.notifications().add_silently(&mut tx, news).await?
        };
        tx.commit().await?;
        Ok(Some(Done { placed, given, sent, received, news }))
    }

    /// Has the giver the coins, and leave to spend them? Whether it is in a room.
    async fn check(
        &self,
        db: &mut PgConnection,
        draft: &Draft,
        new: &New<'_>,
        conversation: ConversationId,
    ) -> Result<bool, Error> {
        let since = new.now - DAY;
        let found = sqlx::query!(
            r#"
            select
                u.coins,
                u.created_at > $2 as "is_new!",
                (
                    select coalesce(-sum(l.amount), 0)::bigint
                    from coin_ledger l
                    where l.user_id = u.id and l.kind = 'gift_sent' and l.created_at > $2
                ) as "spent!",
                (select kind = 'room' from conversations where id = $3) as "room!"
            from users u
            where u.id = $1
            "#,
            new.sender.0,
            since,
            conversation.0,
        )
        .fetch_one(db)
        .await?;
        let price = draft.gift.coins();
        if found.coins < price {
            return Err(Error::NotEnoughCoins { price, missing: price - found.coins });
        }
        let limit = if found.is_new { DAILY_NEW } else { DAILY };
        let left = i32::try_from((i64::from(limit) - found.spent).max(0)).expect("no more than the limit");
        if left < price {
            return Err(Error::LimitReached { limit, left });
        }
        Ok(found.room)
    }

    async fn told(&self, done: Done, new: &New<'_>) -> Gave {
        let balance = done.sent.balances().coins;
        let message = self.0.messaging().tell_placed(done.placed, new, None).await;
        done.sent.tell(self.0);
        done.received.tell(self.0);
        self.0.notifications().tell(done.news).await;
        metrics::counter!("banter_gifts_total", "gift" => done.given.gift.name()).increment(1);
        Gave { given: done.given, message: Some(message), balance, repeated: false }
    }

    /// What an earlier attempt gave.
    async fn repeated(&self, caller: &Caller, draft: &Draft) -> Result<Option<Gave>, Error> {
        let Some(client_id) = &draft.client_gift_id else { return Ok(None) };
        let found = sqlx::query!(
            r#"
            select
                g.id as "id: GiftId",
                g.gift,
                g.coins,
                g.receiver_id as "receiver_id: UserId",
                g.conversation_id as "conversation_id: ConversationId",
                g.message_id as "message_id: MessageId",
                g.created_at,
                m.seq,
                c.kind = 'direct' as "direct!",
                u.coins as balance
            from gifts g
            join messages m on m.id = g.message_id
            join conversations c on c.id = g.conversation_id
            join users u on u.id = g.sender_id
            where g.sender_id = $1 and g.client_gift_id = $2
            "#,
            caller.user_id.0,
            client_id,
        )
        .fetch_optional(self.0.pool())
        .await?;
        let Some(found) = found else { return Ok(None) };
        let same_place = draft.conversation.map_or(found.direct, |id| id == found.conversation_id);
        if !same_place || found.receiver_id != draft.receiver || found.gift != draft.gift.name() {
            return Err(Error::ClientIdReused);
        }
        let given = Given {
            id: found.id,
            gift: draft.gift,
            coins: found.coins,
            sender_id: caller.user_id,
            receiver_id: found.receiver_id,
            conversation_id: found.conversation_id,
            message_id: found.message_id,
            created_at: found.created_at,
        };
        let (of, from) = (Of::Conversation(given.conversation_id), Direction::After(found.seq - 1));
        let message = match self.0.messaging().history(caller, of, from, 1).await {
            Ok(mut page) => page.messages.pop().filter(|message| message.id == given.message_id),
            Err(messaging::Error::ConversationNotFound) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Some(Gave { given, message, balance: found.balance, repeated: true }))
    }
}

async fn insert(db: &mut PgConnection, given: &Given, client_id: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into gifts
            (id, sender_id, receiver_id, gift, coins, conversation_id, message_id, client_gift_id, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        given.id.0,
        given.sender_id.0,
        given.receiver_id.0,
        given.gift as Gift,
        given.coins,
        given.conversation_id.0,
        given.message_id.0,
        client_id,
        given.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}
