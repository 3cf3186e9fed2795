//! One statement for each part of the document; the database makes the JSON.

use super::{Error, PAGE, Part, Row, State};

impl State {
    /// The next page of a part.
    pub(super) async fn rows(&mut self, part: Part) -> Result<Vec<Row>, Error> {
        let (pool, user) = (self.banter.pool(), self.user.0);
        // Before every id.
        let after = self.after.unwrap_or_default();
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
                    select null::uuid as key, to_json(r)::text as json
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
                select null::uuid as key, to_json(r)::text as json
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
                select null::uuid as key, to_json(r)::text as json
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
                select r.id as key, to_json(r)::text as json
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
                select r."loginId" as key, to_json(r)::text as json
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
                select r."userId" as key, to_json(r)::text as json
                from (
                    select f.other as "userId", u.username, u.full_name as "fullName", f.created_at as "since"
                    from friend_pairs f join users u on u.id = f.other
                    where f.one = $1
                      and f.other > $2
                      and not exists (select from blocked_pairs b where b.one = $1 and b.other = f.other)
                    order by f.other
                    limit 500
                ) r
                "#
            ),
            Part::FriendRequests => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        q.id, case q.sender_id when $1 then 'outgoing' else 'incoming' end as direction,
                        u.id as "userId", u.full_name as "fullName",
                        case when q.sender_id = $1 or u.id is not null then q.message end as message, q.status,
                        q.created_at as "createdAt", q.decided_at as "decidedAt"
                    from friend_requests q
                    left join users u
                        on u.id = case q.sender_id when $1 then q.receiver_id else q.sender_id end
                        and not exists (select from blocked_pairs where one = $1 and other = u.id)
                    where (q.sender_id = $1 or q.receiver_id = $1) and q.id > $2
                    order by q.id
                    limit 500
                ) r
                "#
            ),
            Part::Blocks => page!(
                r#"
                select r."userId" as key, to_json(r)::text as json
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
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        c.id, c.kind, c.name, m.role, m.joined_at as "joinedAt", m.last_read_seq as "lastReadSeq",
                        peer.id as "withUserId", peer.full_name as "withFullName"
                    from conversation_members m
                    join conversations c on c.id = m.conversation_id
                    left join users peer
                        on peer.id = case c.user_lo when $1 then c.user_hi else c.user_lo end
                        and not exists (select from blocked_pairs where one = $1 and other = peer.id)
                    where m.user_id = $1 and m.conversation_id > $2
                    order by m.conversation_id
                    limit 500
                ) r
                "#
            ),
            // Those they are in now: whoever leaves one leaves nothing but what they wrote.
            Part::Rooms => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        m.room_id as id, c.name, m.role, m.is_muted as "isMuted", m.hand_raised_at as "handRaisedAt",
                        m.joined_at as "joinedAt"
                    from chat_room_members m
                    join conversations c on c.id = m.room_id
                    where m.user_id = $1 and m.room_id > $2
                    order by m.room_id
                    limit 500
                ) r
                "#
            ),
            Part::Messages => self.messages().await?,
            Part::Uploads => page!(
                r#"
                select r.id as key, to_json(r)::text as json
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
                select r.id as key, to_json(r)::text as json
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
            Part::Calls => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        c.id,
                        c.call_type as "callType",
                        c.status,
                        mine.role,
                        mine.state,
                        other.full_name as "withFullName",
                        c.conversation_id as "conversationId",
                        c.started_at as "startedAt",
                        c.answered_at as "answeredAt",
                        c.ended_at as "endedAt",
                        c.duration
                    from calls_shown mine
                    join call_logs c on c.id = mine.call_id
                    left join users other
                        on c.receiver_id is not null
                        and other.id = case c.caller_id when $1 then c.receiver_id else c.caller_id end
                    where mine.user_id = $1 and mine.call_id > $2
                    order by mine.call_id
                    limit 500
                ) r
                "#
            ),
            Part::Notifications => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        id, kind, actor_id as "actorId", subject_id as "subjectId", data, read_at as "readAt",
                        created_at as "createdAt"
                    from notifications
                    where user_id = $1
                      and id > $2
                      and not exists (select from blocked_pairs where one = $1 and other = actor_id)
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::CoinLedger => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        id, account, kind, amount, purchased, balance_after as "balanceAfter", note,
                        created_at as "createdAt"
                    from coin_ledger
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Transactions => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        id, kind, item, amount, currency, coins, status, razorpay_order_id as "razorpayOrderId",
                        razorpay_payment_id as "razorpayPaymentId", razorpay_refund_id as "razorpayRefundId",
                        payment_method as "paymentMethod", failure_reason as "failureReason", reason,
                        refunded_amount as "refundedAmount",
                        parent_id as "parentId", subscription_id as "subscriptionId",
                        period_start as "periodStart", period_end as "periodEnd", paid_at as "paidAt", created_at as "createdAt", updated_at as "updatedAt"
                    from transactions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Subscriptions => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        id, plan, status, amount, razorpay_subscription_id as "razorpaySubscriptionId",
                        current_period_start as "currentPeriodStart", current_period_end as "currentPeriodEnd",
                        cancel_at_period_end as "cancelAtPeriodEnd", paid_count as "paidCount", ended_at as "endedAt",
                        created_at as "createdAt", updated_at as "updatedAt"
                    from subscriptions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            Part::Gifts => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        g.id, case g.sender_id when $1 then 'sent' else 'received' end as direction, g.gift, g.coins,
                        u.username as "otherUsername", g.conversation_id as "conversationId",
                        g.message_id as "messageId", g.created_at as "createdAt"
                    from (
                        -- Each by its own index: left to an "or" every page would look at all gifts.
                        (select * from gifts where sender_id = $1 and id > $2 order by id limit 500)
                        union all
                        (select * from gifts where receiver_id = $1 and id > $2 order by id limit 500)
                    ) g
                    left join users u
                        on u.id = case g.sender_id when $1 then g.receiver_id else g.sender_id end
                        and not exists (
                            select from blocked_pairs where one = $1 and other = u.id
                        )
                    order by g.id
                    limit 500
                ) r
                "#
            ),
            Part::Reports => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        id, report_type as "reportType", reported_user_id as "reportedUserId",
                        message_id as "messageId", room_id as "roomId", call_id as "callId", reason, description, status, created_at as "createdAt",
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
                select r.id as key, to_json(r)::text as json
                from (
                    select id, kind, reason, until, created_at as "createdAt"
                    from moderation_actions
                    where user_id = $1 and id > $2
                    order by id
                    limit 500
                ) r
                "#
            ),
            // A freeze that is only proposed is told to nobody.
            Part::Sanctions => page!(
                r#"
                select r.id as key, to_json(r)::text as json
                from (
                    select
                        s.id, s.kind as action, s.policy, s.notice, s.state, s.until, s.created_at as "createdAt",
                        a.words as "appeal", a.state as "appealState", a.answer as "appealAnswer"
                    from sanctions s
                    left join appeals a on a.sanction_id = s.id
                    where s.user_id = $1
                      and s.id > $2
                      and not (s.kind = 'freeze_wallet' and s.state in ('proposed', 'refused'))
                    order by s.id
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
                    r#"
                    select conversation_id as "id!" from conversation_members where user_id = $1
                    union
                    select conversation_id from former_members where user_id = $1
                    "#,
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
            rows.extend(some.into_iter().map(|row| Row { key: None, json: row.json }));
        }
        Ok(rows)
    }
}
