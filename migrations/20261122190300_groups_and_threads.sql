-- Groups, replies, edits, tombstones, media in messages; and what makes the list of conversations cost the same however
-- many there are: each member's row knows when the conversation last moved and how much in it is unread.

alter table conversations
    add column name text constraint conversations_name_length check (char_length(name) between 1 and 60),
    add column created_by uuid references users (id),
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
