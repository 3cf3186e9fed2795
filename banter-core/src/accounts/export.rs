//! All that is held about somebody, as one JSON document, piece by piece: somebody may have sent a million messages, and
//! neither this process nor the database ever holds more of them than one page. Of others it holds their names as the
//! person sees them, and nothing that is theirs alone: no reports about the person, no blocks of the person.

use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::json;
use uuid::Uuid;

use super::{Accounts, Caller, Error};
use crate::Banter;
use crate::ids::UserId;
use crate::limits::Act;

/// Rows in one piece, as the statements say themselves: a limit that PostgreSQL does not know when it plans lets it sort all
/// there is for every page.
const PAGE: usize = 500;

/// The parts of the document, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Account,
    Settings,
    Location,
    Logins,
    Devices,
    Friends,
    FriendRequests,
    Blocks,
    Conversations,
    Messages,
    /// In groups they have left, which no list of conversations names any more.
    MessagesElsewhere,
    Uploads,
    Verifications,
    Notifications,
    CoinLedger,
    Transactions,
    Reports,
    Moderation,
}

impl Part {
    const ALL: [Self; 18] = [
        Self::Account,
        Self::Settings,
        Self::Location,
        Self::Logins,
        Self::Devices,
        Self::Friends,
        Self::FriendRequests,
        Self::Blocks,
        Self::Conversations,
        Self::Messages,
        Self::MessagesElsewhere,
        Self::Uploads,
        Self::Verifications,
        Self::Notifications,
        Self::CoinLedger,
        Self::Transactions,
        Self::Reports,
        Self::Moderation,
    ];

    /// The member of the document; `None`: goes on with the list before.
    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Account => "account",
            Self::Settings => "settings",
            Self::Location => "location",
            Self::Logins => "logins",
            Self::Devices => "devices",
            Self::Friends => "friends",
            Self::FriendRequests => "friendRequests",
            Self::Blocks => "blocks",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::MessagesElsewhere => return None,
            Self::Uploads => "uploads",
            Self::Verifications => "verifications",
            Self::Notifications => "notifications",
            Self::CoinLedger => "coinLedger",
            Self::Transactions => "transactions",
            Self::Reports => "reports",
            Self::Moderation => "moderation",
        })
    }

    /// One object, or null, instead of a list.
    fn is_single(self) -> bool {
        matches!(self, Self::Account | Self::Settings | Self::Location)
    }
}

/// A row as JSON, and its place in the list.
struct Row {
    key: Option<Uuid>,
    text: Option<String>,
    json: Option<String>,
}

/// The place after which the next page begins.
#[derive(Default)]
struct After {
    key: Option<Uuid>,
    text: Option<String>,
}

struct State {
    banter: Banter,
    user: UserId,
    /// Place in [`Part::ALL`]; past the end the document is whole.
    part: usize,
    after: After,
    /// The member's name is written, and something of its list.
    opened: bool,
    begun: bool,
    /// Whose messages are still to come, the next one last, once they are known; and up to where it was read.
    conversations: Option<Vec<Uuid>>,
    seq: i64,
}

impl Accounts<'_> {
    /// The caller's own, so many times a day. The text is the members of one JSON object, without its braces.
    pub async fn export(
        &self,
        caller: &Caller,
    ) -> Result<impl Stream<Item = Result<String, Error>> + Send + use<>, Error> {
        self.0.limits().take(Act::Export, &caller.user_id.to_string()).await?;
        Ok(self.export_of(caller.user_id))
    }

    /// Somebody's, for an operator who was asked for it.
    pub fn export_of(&self, user: UserId) -> impl Stream<Item = Result<String, Error>> + Send + use<> {
        let state = State {
            banter: self.0.clone(),
            user,
            part: 0,
            after: After::default(),
            opened: false,
            begun: false,
            conversations: None,
            seq: 0,
        };
        try_unfold(state, State::next)
    }
}

impl State {
    /// The next piece of text.
    async fn next(mut self) -> Result<Option<(String, Self)>, Error> {
        let Some(part) = Part::ALL.get(self.part).copied() else { return Ok(None) };
        let rows = self.rows(part).await?;
        let full = match part {
            Part::Messages => self.conversations.as_ref().is_some_and(|left| !left.is_empty()),
            _ => rows.len() >= PAGE,
        };
        let mut text = String::new();
        if !self.opened {
            self.open(part, &mut text);
            self.opened = true;
        }
        if let Some(last) = rows.last() {
            self.after = After { key: last.key, text: last.text.clone() };
        }
        if part.is_single() {
            text.push_str(rows.first().and_then(|row| row.json.as_deref()).unwrap_or("null"));
        } else {
            for row in rows {
                text.push_str(if self.begun { ",\n" } else { "\n" });
                self.begun = true;
                text.push_str(row.json.as_deref().unwrap_or("null"));
            }
        }
        if !full || part.is_single() {
            let goes_on = Part::ALL.get(self.part + 1).is_some_and(|next| next.name().is_none());
            if !part.is_single() && !goes_on {
                text.push(']');
            }
            self.begun &= goes_on;
            self.part += 1;
            self.after = After::default();
            self.opened = false;
        }
        Ok(Some((text, self)))
    }

    fn open(&self, part: Part, text: &mut String) {
        if self.part == 0 {
            text.push_str(&format!("\"exportedAt\":{}", json!(self.banter.clock().now())));
        }
        if let Some(name) = part.name() {
            text.push_str(&format!(",\n\"{name}\":{}", if part.is_single() { "" } else { "[" }));
        }
    }

    #[expect(clippy::too_many_lines, reason = "one statement for each part, as a list")]
    async fn rows(&mut self, part: Part) -> Result<Vec<Row>, Error> {
        let (pool, user) = (self.banter.pool(), self.user.0);
        // Before every id.
        let after = self.after.key.unwrap_or_default();
        /// The page of a statement whose parameters are the person and the last key.
        macro_rules! page {
            ($sql:literal) => {
                sqlx::query_as!(Row, $sql, user, after).fetch_all(pool).await?
            };
        }
        /// The one row of a statement whose parameter is the person.
        macro_rules! single {
            ($sql:literal) => {
                sqlx::query_as!(Row, $sql, user).fetch_all(pool).await?
            };
        }
        Ok(match part {
            Part::Account => {
                let rows = single!(
                    r#"
                    select null::uuid as key, null::text as text, to_json(r)::text as json
                    from (
                        select
                            id, phone_number as "phoneNumber", firebase_uid as "firebaseUid", email, username,
                            full_name as "fullName", avatar, bio, gender, date_of_birth as "dateOfBirth", language,
                            is_verified as "isVerified", role, status, status_until as "statusUntil",
                            last_seen as "lastSeen", coins, premium_until as "premiumUntil", interests,
                            looking_for as "lookingFor", created_at as "createdAt", updated_at as "updatedAt"
                        from users
                        where id = $1
                    ) r
                    "#
                );
                if rows.is_empty() {
                    return Err(Error::UserNotFound);
                }
                rows
            }
            Part::Settings => single!(
                r#"
                select null::uuid as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        message_from as "messageFrom", call_from as "callFrom", presence_to as "presenceTo",
                        push_messages as "pushMessages", push_friends as "pushFriends", push_calls as "pushCalls",
                        push_rooms as "pushRooms", push_payments as "pushPayments", quiet_from as "quietFrom",
                        quiet_to as "quietTo", updated_at as "updatedAt"
                    from user_settings
                    where user_id = $1
                ) r
                "#
            ),
            Part::Location => single!(
                r#"
                select null::uuid as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        latitude_centi / 100.0 as latitude, longitude_centi / 100.0 as longitude,
                        updated_at as "updatedAt"
                    from user_locations
                    where user_id = $1
                ) r
                "#
            ),
            Part::Logins => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, user_agent as "userAgent", created_at as "createdAt", last_used_at as "lastUsedAt",
                        revoked_at as "endedAt", revoked_because as "endedBecause"
                    from sessions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Devices => page!(
                r#"
                select r."loginId" as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        session_id as "loginId", fcm_token as "fcmToken", platform, updated_at as "updatedAt"
                    from devices
                    where user_id = $1 and session_id > $2
                    order by session_id
                    limit 500
                ) r
                "#
            ),
            Part::Friends => page!(
                r#"
                select r."userId" as key, null::text as text, to_json(r)::text as json
                from (
                    select f.other as "userId", u.username, u.full_name as "fullName", f.created_at as "since"
                    from friend_pairs f join users u on u.id = f.other
                    where f.one = $1 and f.other > $2
                    order by f.other
                    limit 500
                ) r
                "#
            ),
            Part::FriendRequests => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        q.id, case q.sender_id when $1 then 'outgoing' else 'incoming' end as direction,
                        u.id as "userId", u.full_name as "fullName", q.message, q.status,
                        q.created_at as "createdAt", q.decided_at as "decidedAt"
                    from friend_requests q
                    join users u on u.id = case q.sender_id when $1 then q.receiver_id else q.sender_id end
                    where (q.sender_id = $1 or q.receiver_id = $1) and q.id > $2
                    order by q.id
                    limit 500
                ) r
                "#
            ),
            Part::Blocks => page!(
                r#"
                select r."userId" as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        b.blocked_user_id as "userId", u.full_name as "fullName", b.reason,
                        b.created_at as "createdAt"
                    from blocked_users b join users u on u.id = b.blocked_user_id
                    where b.user_id = $1 and b.blocked_user_id > $2
                    order by b.blocked_user_id
                    limit 500
                ) r
                "#
            ),
            Part::Conversations => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        c.id, c.kind, c.name, m.role, m.joined_at as "joinedAt", m.last_read_seq as "lastReadSeq",
                        case when c.kind = 'direct' then peer.id end as "withUserId",
                        case when c.kind = 'direct' then peer.full_name end as "withFullName"
                    from conversation_members m
                    join conversations c on c.id = m.conversation_id
                    left join users peer on peer.id = case c.user_lo when $1 then c.user_hi else c.user_lo end
                    where m.user_id = $1 and m.conversation_id > $2
                    order by m.conversation_id
                    limit 500
                ) r
                "#
            ),
            Part::Messages => self.messages().await?,
            Part::MessagesElsewhere => sqlx::query_as!(
                Row,
                r#"
                select null::uuid as key, r."clientMessageId" as text, to_json(r)::text as json
                from (
                    select
                        m.conversation_id as "conversationId", m.seq, m.id, m.message_type as "messageType", m.content,
                        m.reply_to_id as "replyToId", m.upload_id as "uploadId",
                        m.client_message_id as "clientMessageId", m.created_at as "createdAt",
                        m.edited_at as "editedAt", m.deleted_at as "deletedAt"
                    from messages m
                    where m.sender_id = $1
                      and m.client_message_id > coalesce($2, '')
                      and not exists (
                          select
                          from conversation_members c
                          where c.conversation_id = m.conversation_id and c.user_id = $1
                      )
                    order by m.client_message_id
                    limit 500
                ) r
                "#,
                user,
                self.after.text,
            )
            .fetch_all(pool)
            .await?,
            Part::Uploads => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, purpose, kind, content_type as "contentType", bytes, width, height,
                        duration_ms as "durationMs", created_at as "createdAt", used_at as "usedAt"
                    from uploads
                    where user_id = $1 and doomed_at is null and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Verifications => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, document_upload_id as "documentUploadId", selfie_upload_id as "selfieUploadId", status,
                        reason, created_at as "createdAt", decided_at as "decidedAt"
                    from verifications
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Notifications => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, kind, actor_id as "actorId", subject_id as "subjectId", data, read_at as "readAt",
                        created_at as "createdAt"
                    from notifications
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::CoinLedger => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select id, kind, amount, balance_after as "balanceAfter", note, created_at as "createdAt"
                    from coin_ledger
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Transactions => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, kind, amount, currency, coins, status, razorpay_order_id as "razorpayOrderId",
                        razorpay_payment_id as "razorpayPaymentId", payment_method as "paymentMethod",
                        created_at as "createdAt", updated_at as "updatedAt"
                    from transactions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Reports => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select
                        id, report_type as "reportType", reported_user_id as "reportedUserId",
                        message_id as "messageId", reason, description, status, created_at as "createdAt",
                        updated_at as "updatedAt"
                    from reports
                    where reporter_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Moderation => page!(
                r#"
                select r.id as key, null::text as text, to_json(r)::text as json
                from (
                    select id, kind, reason, until, created_at as "createdAt"
                    from moderation_actions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
        })
    }

    /// Conversation by conversation, in the order of the one index that the largest table has for it; left to itself
    /// PostgreSQL takes a person to have written little, and looks at everything for each page.
    async fn messages(&mut self) -> Result<Vec<Row>, Error> {
        let (pool, user) = (self.banter.pool(), self.user.0);
        let left = match &mut self.conversations {
            Some(left) => left,
            none => none.insert(
                sqlx::query_scalar!(
                    "select conversation_id from conversation_members where user_id = $1 order by 1 desc",
                    user,
                )
                .fetch_all(pool)
                .await?,
            ),
        };
        let mut rows = Vec::new();
        while rows.len() < PAGE
            && let Some(conversation) = left.last().copied()
        {
            let some = sqlx::query!(
                r#"
                select r.seq, to_json(r)::text as json
                from (
                    select
                        conversation_id as "conversationId", seq, id, message_type as "messageType", content,
                        reply_to_id as "replyToId", upload_id as "uploadId", client_message_id as "clientMessageId",
                        created_at as "createdAt", edited_at as "editedAt", deleted_at as "deletedAt"
                    from messages
                    where conversation_id = $1 and sender_id = $2 and seq > $3
                    order by seq
                    limit 500
                ) r
                "#,
                conversation,
                user,
                self.seq,
            )
            .fetch_all(pool)
            .await?;
            match some.last() {
                Some(last) if some.len() >= PAGE => self.seq = last.seq,
                _ => {
                    left.pop();
                    self.seq = 0;
                }
            }
            rows.extend(some.into_iter().map(|row| Row { key: None, text: None, json: row.json }));
        }
        Ok(rows)
    }
}
