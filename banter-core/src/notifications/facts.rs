//! What is known of one phone and one thing to tell, each in one query.

use super::push::{Facts, Phone, Thing, What};
use super::texts::{self, Language};
use super::{Kind, subject};
use crate::Banter;
use crate::accounts::settings::QuietHours;
use crate::ids::{ConversationId, MessageId, NotificationId, SessionId, UserId};

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
            s.quiet_from as "quiet_from?",
            s.quiet_to as "quiet_to?",
            i.id as "id?: NotificationId",
            i.kind as "kind?: Kind",
            i.subject_id as "subject_id?",
            i.actor_id as "actor?: UserId",
            i.actor_full_name as "actor_name?",
            i.group_name as "group?",
            i.coins as "coins?",
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
        Some(Kind::CoinsCredited) => row.payments,
        None => true,
    };
    let thing = row.id.zip(row.kind).zip(row.created_at).map(|((id, kind), created_at)| {
        let subject = subject(language, kind, row.actor_name.as_deref(), row.group.as_deref(), row.coins);
        Thing {
            created_at,
            blocked: false,
            read: row.read,
            viewed: false,
            what: What::News {
                id,
                kind,
                actor: row.actor,
                subject_id: row.subject_id,
                texts: texts::news(language, &subject),
            },
        }
    });
    let phone = Phone { language, wanted, quiet: QuietHours::of_row(row.quiet_from, row.quiet_to), badge: 0 };
    Ok((row.fcm_token, Facts { now, phone: Some(phone), thing }))
}
