-- The inbox. No names and no texts are stored: what a notification says is made when it is read, of what it is about, so
-- that it is never stale and nothing of a deleted person stays behind in other people's inboxes.

create table notifications (
    id          uuid primary key,
    user_id     uuid not null references users (id) on delete cascade,
    kind        text not null constraint notifications_kind_form check (kind ~ '^[a-z_]{3,40}$'),
    -- Whose act it was, if somebody's.
    actor_id    uuid references users (id) on delete cascade,
    -- What it is about: a friend request, a conversation, an order …
    subject_id  uuid,
    data        jsonb not null default '{}',
    read_at     timestamptz,
    created_at  timestamptz not null
);

create index notifications_user_id on notifications (user_id, id desc);
create index notifications_unread on notifications (user_id) where read_at is null;
create index notifications_actor_id on notifications (actor_id);
create index notifications_created_at on notifications (created_at);
