-- Groups, replies, edits, tombstones, media in messages; and what makes the list of conversations cost the same however
-- many there are: each member's row knows when the conversation last moved and how much in it is unread.

alter table conversations
    add column name text constraint conversations_name_length check (char_length(name) between 1 and 60),
    add column created_by uuid references users (id),
    -- Moves with every change of who is in: a send that waited for one looks again.
    add column members_version bigint not null default 0,
    add constraint conversations_group_named check ((kind = 'group') = (name is not null)),
    -- Who may see whose presence is for friends to say.
    drop column is_mutual;

alter table conversation_members
    add column role text not null default 'member'
        constraint conversation_members_role_known check (role in ('owner', 'admin', 'member')),
    -- The first message this member may see: who joins later reads from there.
    add column from_seq bigint not null default 1 constraint conversation_members_from_seq_positive check (from_seq > 0),
    add column unread bigint not null default 0 constraint conversation_members_unread_not_negative check (unread >= 0),
    -- The conversation's newest number and its time, beside what is counted against them: a read mark needs this row only.
    add column last_seq bigint not null default 0,
    add column last_message_at timestamptz,
    -- When something other than a new message changed: an edit, a deletion, the name, the members.
    add column changed_at timestamptz;

update conversation_members m
set last_seq = c.last_seq,
    last_message_at = c.last_message_at,
    unread = c.last_seq - m.last_read_seq - m.own_after_read
from conversations c
where c.id = m.conversation_id;

alter table conversation_members
    alter column last_message_at set not null,
    drop column own_after_read;

create unique index conversation_members_one_owner on conversation_members (conversation_id) where role = 'owner';
create index conversation_members_activity on conversation_members (user_id, last_message_at desc, conversation_id desc);
create index conversation_members_unread on conversation_members (user_id) where unread > 0;
create index conversation_members_changed on conversation_members (user_id, changed_at) where changed_at is not null;
drop index conversation_members_user_id;

alter table messages
    add column reply_to_id uuid references messages (id),
    add column upload_id uuid references uploads (id) on delete set null,
    add column edited_at timestamptz,
    -- A tombstone keeps its place in the sequence and nothing else.
    add column deleted_at timestamptz,
    add column changed_at timestamptz generated always as (greatest(edited_at, deleted_at)) stored,
    add constraint messages_tombstone_bare check (deleted_at is null or (content = '' and upload_id is null));

create index messages_changed on messages (conversation_id, changed_at) where changed_at is not null;
create index messages_upload_id on messages (upload_id) where upload_id is not null;

-- What a member has not read, counted anew: after a block or its end other messages of a group are visible.
create function count_unread(reader uuid, conversation uuid) returns bigint
    language sql stable
    return (
        select count(*)
        from conversation_members mine
        join messages m on m.conversation_id = mine.conversation_id
        where mine.conversation_id = conversation
          and mine.user_id = reader
          and m.seq > mine.last_read_seq
          and m.seq >= mine.from_seq
          and m.sender_id <> reader
          and m.deleted_at is null
          and can_interact(reader, m.sender_id)
    );

-- The conversations that somebody (`viewer`) may see, as they see them: their own memberships, but for direct ones with
-- people they cannot meet. Every reading statement asks here, so that the rule stands once.
create view seen_conversations as
    select
        mine.user_id as viewer,
        mine.conversation_id as id,
        c.kind,
        c.name,
        c.created_at,
        c.last_seq,
        mine.role,
        mine.from_seq,
        mine.last_read_seq as my_read,
        mine.unread,
        mine.last_message_at,
        mine.changed_at,
        -- The other one of a direct conversation.
        case mine.user_id when c.user_lo then c.user_hi when c.user_hi then c.user_lo end as peer,
        -- How far everybody else has read whom the viewer can meet.
        (
            select min(other.last_read_seq)
            from conversation_members other
            where other.conversation_id = c.id
              and other.user_id <> mine.user_id
              and (
                  c.kind = 'direct'
                  or not exists (select from blocked_pairs where one = mine.user_id and blocked_pairs.other = other.user_id)
              )
        ) as others_read
    from conversation_members mine
    join conversations c on c.id = mine.conversation_id
    where c.kind <> 'direct' or not exists (select from blocked_pairs where one = c.user_lo and other = c.user_hi);

-- A message with what it answers and what it carries.
create view whole_messages as
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
        u.thumbnail_key
    from messages m
    left join messages r on r.id = m.reply_to_id
    left join uploads u on u.id = m.upload_id and u.doomed_at is null;

-- May `reader` answer this message of this conversation? Asked by the statements that send.
create function can_reply_to(reader uuid, conversation uuid, message uuid) returns boolean
    language sql stable parallel safe
    return exists (
        select
        from messages m
        join conversation_members mine on mine.conversation_id = m.conversation_id and mine.user_id = reader
        where m.id = message
          and m.conversation_id = conversation
          and m.seq >= mine.from_seq
          and m.deleted_at is null
          and can_interact(reader, m.sender_id)
    );

-- May `sender` put this upload into a message of that type? Their own, made for that, of that kind.
create function can_attach(sender uuid, upload uuid, kind text) returns boolean
    language sql stable parallel safe
    return exists (
        select
        from uploads u
        where u.id = upload
          and u.user_id = sender
          and u.kind = can_attach.kind
          and u.purpose in ('chat', 'voice')
          and u.doomed_at is null
    );

-- Where somebody was and is no more: what they wrote there is still theirs to take along.
create table former_members (
    user_id          uuid not null references users (id) on delete cascade,
    conversation_id  uuid not null references conversations (id) on delete cascade,
    primary key (user_id, conversation_id)
);

-- However a member goes.
create function remember_former_member() returns trigger
    language plpgsql as $$
begin
    insert into former_members (user_id, conversation_id)
    select old.user_id, old.conversation_id
    -- Neither is there when they take the member with them.
    where exists (select from conversations where id = old.conversation_id)
      and exists (select from users where id = old.user_id)
    on conflict do nothing;
    return null;
end $$;

create trigger conversation_members_remembered after delete on conversation_members
    for each row execute function remember_former_member();
