-- The first answer to a request that bore an Idempotency-Key, kept for a day.

create table idempotency_keys (
    user_id      uuid not null references users (id) on delete cascade,
    key          text not null constraint idempotency_keys_key_length check (char_length(key) between 1 and 128),
    -- SHA-256 over path and body: the same key with another request is refused.
    fingerprint  bytea not null,
    -- Null while the first request is still at work.
    status       smallint,
    body         bytea,
    created_at   timestamptz not null,
    primary key (user_id, key),
    constraint idempotency_keys_answer_whole check ((status is null) = (body is null))
);

create index idempotency_keys_created_at on idempotency_keys (created_at);
