-- Automatic rules: what they look for, how often they found it, and the messages that they hold.

create table rules (
    name           text primary key constraint rules_name_form check (name ~ '^[a-z][a-z0-9_-]{0,39}$'),
    -- Its kind, and what belongs to it.
    test           jsonb not null,
    action         text not null constraint rules_action_known check (action in ('flag', 'hold', 'block')),
    reason         text not null,
    -- Between friends it finds nothing.
    spares_friends boolean not null,
    state          text not null constraint rules_state_known check (state in ('off', 'shadow', 'on')),
    changed_by     uuid references users (id),
    created_at     timestamptz not null,
    updated_at     timestamptz not null
);

-- Grows with every change, under a lock: whoever has seen a number has seen all before it.
create table rules_head (
    is_only  boolean primary key default true constraint rules_head_is_one check (is_only),
    version  bigint not null
);

insert into rules_head (version) values (0);

create table rule_counts (
    rule        text not null,
    day         date not null,
    was_shadow  boolean not null,
    hits        bigint not null,
    primary key (rule, day, was_shadow)
);

create index rule_counts_day on rule_counts (day);

-- Not in their conversation: nobody's numbering has a gap, and nobody sees them before they are let go.
create table held_messages (
    id                 uuid primary key,
    sender_id          uuid not null references users (id),
    receiver_id        uuid references users (id),
    conversation_id    uuid references conversations (id) on delete cascade,
    message_type       text not null,
    content            text not null,
    reply_to_id        uuid,
    upload_id          uuid references uploads (id) on delete set null,
    client_message_id  text,
    rule               text not null,
    reason             text not null,
    state              text not null constraint held_messages_state_known check (state in ('held', 'released', 'dropped')),
    decided_by         uuid references users (id),
    decided_at         timestamptz,
    created_at         timestamptz not null,
    constraint held_messages_one_target check ((receiver_id is null) <> (conversation_id is null)),
    constraint held_messages_decision_whole check ((state = 'held') = (decided_at is null))
);

create unique index held_messages_client_message_id_key on held_messages (sender_id, client_message_id)
    where client_message_id is not null;
create index held_messages_waiting on held_messages (id) where state = 'held';
create index held_messages_decided on held_messages (decided_at) where decided_at is not null;
create index held_messages_receiver_id on held_messages (receiver_id) where receiver_id is not null;
create index held_messages_conversation_id on held_messages (conversation_id) where conversation_id is not null;
create index held_messages_upload_id on held_messages (upload_id) where upload_id is not null;

-- What a rule found, as it was; reports hold what people saw.
alter table cases add column evidence jsonb;
create index cases_evidence on cases (resolved_at) where evidence is not null;
