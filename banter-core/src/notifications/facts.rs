//! What is known of one phone and one thing to tell, each in one query.

use super::push::{Facts, Phone, Thing, What};
use super::texts::{self, Language};
use super::{About, Kind};
use crate::Banter;
use crate::accounts::settings::QuietHours;
use crate::calls::{CallType, Status, initiate};
use crate::ids::{CallId, ConversationId, MessageId, NotificationId, SessionId, UserId};
use crate::money::Paise;

pub(super) async fn about_message(
    banter: &Banter,
    session: SessionId,
    message: MessageId,
) -> Result<(String, Facts), sqlx::Error> {
    let now = banter.clock().now();
    let row = sqlx::query!(
        r#"
        select
            d.fcm_token,
            reader.id as "reader: UserId",
            reader.language,
            coalesce(s.push_messages, true) as "wanted!",
            s.quiet_from as "quiet_from?",
            s.quiet_to as "quiet_to?",
            (
                select coalesce(sum(m.unread), 0)::bigint
                from conversation_members m
                join conversations c on c.id = m.conversation_id
                where m.user_id = reader.id
                  and m.unread > 0
                  and not exists (select from blocked_pairs where one = c.user_lo and other = c.user_hi)
            ) as "badge!",
            m.id as "id?: MessageId",
            m.conversation_id as "conversation?: ConversationId",
            m.sender_id as "sender?: UserId",
            m.message_type as "message_type?",
            m.content as "content?",
            m.created_at as "created_at?",
            c.name as "group?",
            sender.full_name as "sender_name?",
            coalesce(mine.last_read_seq >= m.seq, false) as "read!",
            exists (select from blocked_pairs where one = reader.id and other = m.sender_id) as "blocked!"
        from devices d
        join sessions login on login.id = d.session_id and login.revoked_at is null
        join users reader on reader.id = d.user_id
        left join user_settings s on s.user_id = reader.id
        -- Only what the reader may see: theirs, not before they joined, not deleted, of somebody who is still there.
        left join (
            messages m
            join conversations c on c.id = m.conversation_id
            join conversation_members mine on mine.conversation_id = m.conversation_id and mine.from_seq <= m.seq
            join users sender on sender.id = m.sender_id and sender.status <> 'deleted'
        ) on m.id = $2 and m.deleted_at is null and m.sender_id <> reader.id and mine.user_id = reader.id
        where d.session_id = $1
        "#,
        session.0,
        message.0,
    )
    .fetch_optional(banter.pool())
    .await?;
    let Some(row) = row else { return Ok((String::new(), Facts { now, phone: None, thing: None })) };
    let what = (row.id, row.conversation, row.sender, row.sender_name, row.message_type, row.content);
    let thing = match (what, row.created_at) {
        (
            (
                Some(id),
                Some(conversation),
                Some(sender),
                Some(sender_name),
                Some(message_type),
                Some(content),
            ),
            Some(created_at),
        ) => Some(Thing {
            created_at,
            blocked: row.blocked,
            read: row.read,
            viewed: banter.presence().is_viewed(row.reader, conversation).await,
            what: What::Message {
                id,
                conversation,
                sender,
                sender_name,
                group: row.group,
                message_type,
                content,
            },
        }),
        _ => None,
    };
    let phone = Phone {
        language: Language::of(&row.language),
        wanted: row.wanted,
        quiet: QuietHours::of_row(row.quiet_from, row.quiet_to),
        badge: row.badge,
    };
    Ok((row.fcm_token, Facts { now, phone: Some(phone), thing }))
}

pub(super) async fn about_notification(
    banter: &Banter,
    session: SessionId,
    notification: NotificationId,
) -> Result<(String, Facts), sqlx::Error> {
    let now = banter.clock().now();
    let row = sqlx::query!(
        r#"
        select
            d.fcm_token,
            reader.language,
            coalesce(s.push_friends, true) as "friends!",
            coalesce(s.push_messages, true) as "messages!",
            coalesce(s.push_rooms, true) as "rooms!",
            coalesce(s.push_payments, true) as "payments!",
            coalesce(s.push_calls, true) as "calls!",
            s.quiet_from as "quiet_from?",
            s.quiet_to as "quiet_to?",
            i.id as "id?: NotificationId",
            i.kind as "kind?: Kind",
            i.subject_id as "subject_id?",
            i.actor_id as "actor?: UserId",
            i.actor_full_name as "actor_name?",
            i.group_name as "group?",
            i.coins as "coins?",
            i.call_type as "call_type?: CallType",
            i.item as "item?",
            i.paise as "paise?: Paise",
            i.notice as "notice?",
            i.created_at as "created_at?",
            i.read_at is not null as "read!"
        from devices d
        join sessions login on login.id = d.session_id and login.revoked_at is null
        join users reader on reader.id = d.user_id
        left join user_settings s on s.user_id = reader.id
        -- Nothing of somebody whom the reader cannot meet is in there.
        left join inbox i on i.id = $2 and i.user_id = reader.id
        where d.session_id = $1
        "#,
        session.0,
        notification.0,
    )
    .fetch_optional(banter.pool())
    .await?;
    let Some(row) = row else { return Ok((String::new(), Facts { now, phone: None, thing: None })) };
    let language = Language::of(&row.language);
    let wanted = match row.kind {
        Some(Kind::FriendRequest | Kind::FriendAccepted) => row.friends,
        Some(Kind::GroupAdded) => row.messages,
        Some(Kind::RoomInvited) => row.rooms,
        Some(
            Kind::CoinsCredited
            | Kind::PaymentSucceeded
            | Kind::PaymentRefunded
            | Kind::RenewalFailed
            | Kind::GiftReceived,
        ) => row.payments,
        Some(Kind::CallMissed) => row.calls,
        // Of what the staff did nobody turns the pushes off.
        Some(Kind::ReportDecided | Kind::ModerationNotice | Kind::VerificationDecided) | None => true,
    };
    let about = About {
        group_name: row.group,
        coins: row.coins,
        call_type: row.call_type,
        item: row.item,
        paise: row.paise,
        notice: row.notice,
    };
    let thing = row.id.zip(row.kind).zip(row.created_at).map(|((id, kind), created_at)| Thing {
        created_at,
        blocked: false,
        read: row.read,
        viewed: false,
        what: What::News {
            id,
            kind,
            actor: row.actor,
            subject_id: row.subject_id,
            texts: texts::news(language, &about.subject(language, kind, row.actor_name.as_deref())),
        },
    });
    let phone = Phone { language, wanted, quiet: QuietHours::of_row(row.quiet_from, row.quiet_to), badge: 0 };
    Ok((row.fcm_token, Facts { now, phone: Some(phone), thing }))
}

/// A phone is to ring.
pub(super) async fn about_call(
    banter: &Banter,
    session: SessionId,
    call: CallId,
) -> Result<(String, Facts), sqlx::Error> {
    let now = banter.clock().now();
    let row = sqlx::query!(
        r#"
        select
            d.fcm_token,
            reader.language,
            coalesce(s.push_calls, true) as "wanted!",
            s.quiet_from as "quiet_from?",
            s.quiet_to as "quiet_to?",
            c.id as "id?: CallId",
            c.call_type as "call_type?: CallType",
            c.started_at as "started_at?",
            c.conversation_id as "conversation?: ConversationId",
            g.name as "group?",
            caller.id as "caller?: UserId",
            caller.full_name as "caller_name?",
            exists (select from blocked_pairs where one = reader.id and other = caller.id) as "blocked!"
        from devices d
        join sessions login on login.id = d.session_id and login.revoked_at is null
        join users reader on reader.id = d.user_id
        left join user_settings s on s.user_id = reader.id
        left join (
            call_participants mine
            join call_logs c on c.id = mine.call_id and c.status in ('ringing', 'answered')
            join users caller on caller.id = c.caller_id
        ) on mine.call_id = $2 and mine.user_id = reader.id and mine.state = 'ringing'
        left join conversation_members m on m.conversation_id = c.conversation_id and m.user_id = reader.id
        left join conversations g on g.id = m.conversation_id
        where d.session_id = $1
        "#,
        session.0,
        call.0,
    )
    .fetch_optional(banter.pool())
    .await?;
    let Some(row) = row else { return Ok((String::new(), Facts { now, phone: None, thing: None })) };
    let what = (row.id, row.call_type, row.started_at, row.caller, row.caller_name);
    let thing = match what {
        (Some(id), Some(call_type), Some(started_at), Some(caller), Some(caller_name)) => {
            let left = (initiate::until(started_at) - now).to_std().ok().filter(|left| left.as_secs() > 0);
            left.map(|rings| Thing {
                created_at: started_at,
                blocked: row.blocked,
                read: false,
                viewed: false,
                what: What::Call {
                    id,
                    call_type,
                    caller,
                    caller_name,
                    conversation: row.conversation,
                    group: row.group,
                    rings,
                },
            })
        }
        _ => None,
    };
    let phone = Phone {
        language: Language::of(&row.language),
        wanted: row.wanted,
        quiet: QuietHours::of_row(row.quiet_from, row.quiet_to),
        badge: 0,
    };
    Ok((row.fcm_token, Facts { now, phone: Some(phone), thing }))
}

/// A phone is to ring no more.
pub(super) async fn about_call_over(
    banter: &Banter,
    session: SessionId,
    call: CallId,
) -> Result<(String, Facts), sqlx::Error> {
    let now = banter.clock().now();
    let row = sqlx::query!(
        r#"
        select
            d.fcm_token,
            reader.language,
            coalesce(s.push_calls, true) as "wanted!",
            c.started_at as "started_at?",
            c.status as "status?: Status"
        from devices d
        join sessions login on login.id = d.session_id and login.revoked_at is null
        join users reader on reader.id = d.user_id
        left join user_settings s on s.user_id = reader.id
        left join (call_participants mine join call_logs c on c.id = mine.call_id)
            on mine.call_id = $2 and mine.user_id = reader.id and mine.state <> 'ringing'
        where d.session_id = $1
        "#,
        session.0,
        call.0,
    )
    .fetch_optional(banter.pool())
    .await?;
    let Some(row) = row else { return Ok((String::new(), Facts { now, phone: None, thing: None })) };
    // What has stopped by itself need not be stopped.
    let thing = row.started_at.zip(row.status).filter(|(at, _)| initiate::until(*at) > now);
    let thing = thing.map(|(created_at, status)| Thing {
        created_at,
        blocked: false,
        read: false,
        viewed: false,
        what: What::CallOver { id: call, status },
    });
    // Nothing is shown, so no hour is too quiet for it.
    let phone = Phone { language: Language::of(&row.language), wanted: row.wanted, quiet: None, badge: 0 };
    Ok((row.fcm_token, Facts { now, phone: Some(phone), thing }))
}
