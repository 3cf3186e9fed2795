-- Conversations and messages. A conversation hands out sequence numbers from its own row, so they have no
-- gaps and no ties: the number is taken and the message inserted by one statement.

create table conversations (
    id               uuid primary key,
    kind             text not null constraint conversations_kind_known check (kind in ('direct', 'group', 'room')),
    -- The two of a direct conversation, smaller id first: one row a pair.
    user_lo          uuid references users (id),
    user_hi          uuid references users (id),
    last_seq         bigint not null default 0 constraint conversations_last_seq_not_negative check (last_seq >= 0),
    last_sender_id   uuid references users (id),
    last_message_at  timestamptz not null,
    -- Both have written: they know each other well enough to see each other's presence.
    is_mutual        boolean not null default false,
    created_at       timestamptz not null,
    constraint conversations_direct_pair unique (user_lo, user_hi),
    constraint conversations_pair_ordered check (
        case kind when 'direct' then user_lo is not null and user_hi is not null and user_lo < user_hi
                  else user_lo is null and user_hi is null end)
) with (fillfactor = 70); -- updated by every message: leave room on the page for it

create index conversations_user_hi on conversations (user_hi, user_lo);

create table conversation_members (
    conversation_id  uuid not null references conversations (id) on delete cascade,
    user_id          uuid not null references users (id),
    -- Everything up to here was read.
    last_read_seq    bigint not null default 0,
    -- How many of the messages after that are the member's own. Unread is therefore a subtraction
    -- (last_seq - last_read_seq - own_after_read), whatever the length of the history.
    own_after_read   bigint not null default 0 constraint conversation_members_own_not_negative check (own_after_read >= 0),
    joined_at        timestamptz not null,
    primary key (conversation_id, user_id)
) with (fillfactor = 70);

create index conversation_members_user_id on conversation_members (user_id, conversation_id);

create table messages (
    id                 uuid primary key,
    conversation_id    uuid not null references conversations (id) on delete cascade,
    seq                bigint not null constraint messages_seq_positive check (seq > 0),
    sender_id          uuid not null references users (id),
    message_type       text not null
                       constraint messages_type_known check (message_type in ('text', 'image', 'audio', 'video', 'gif')),
    content            text not null constraint messages_content_length check (char_length(content) <= 4000),
    -- Chosen by the sender's phone: a retry of the same send is the same message.
    client_message_id  text constraint messages_client_message_id_length check (char_length(client_message_id) between 1 and 64),
    created_at         timestamptz not null,
    constraint messages_conversation_seq_key unique (conversation_id, seq)
);

create unique index messages_client_message_id_key on messages (sender_id, client_message_id)
    where client_message_id is not null;
