-- A message that shows a gift carries it, until it is taken back.
create or replace view whole_messages as
    select
        m.id,
        m.conversation_id,
        m.seq,
        m.sender_id,
        m.message_type,
        m.content,
        m.client_message_id,
        m.created_at,
        m.edited_at,
        m.deleted_at,
        m.changed_at,
        r.id as reply_id,
        r.seq as reply_seq,
        r.sender_id as reply_sender_id,
        r.message_type as reply_type,
        left(r.content, 200) as reply_content,
        r.deleted_at is not null as reply_deleted,
        u.id as upload_id,
        u.purpose as upload_purpose,
        u.kind as upload_kind,
        u.content_type,
        u.bytes,
        u.width,
        u.height,
        u.duration_ms,
        u.object_key,
        u.thumbnail_key,
        g.id as gift_id,
        g.gift,
        g.coins as gift_coins,
        g.receiver_id as gift_receiver_id
    from messages m
    left join messages r on r.id = m.reply_to_id
    left join uploads u on u.id = m.upload_id and u.doomed_at is null
    left join gifts g on m.message_type = 'gift' and m.deleted_at is null and g.message_id = m.id;
