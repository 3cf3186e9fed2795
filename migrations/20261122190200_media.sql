-- What people uploaded. The bytes lie in object storage; a row says whose they are, and what they are used for.

create table uploads (
    id             uuid primary key,
    user_id        uuid not null references users (id),
    purpose        text not null
                   constraint uploads_purpose_known check (purpose in ('chat', 'voice', 'avatar', 'room-cover', 'verification')),
    kind           text not null constraint uploads_kind_known check (kind in ('image', 'gif', 'audio', 'video')),
    -- As found in the content, never as the client said.
    content_type   text not null,
    bytes          bigint not null constraint uploads_bytes_positive check (bytes > 0),
    width          integer,
    height         integer,
    duration_ms    integer,
    -- The objects' names in the container of that purpose.
    object_key     text not null constraint uploads_object_key_key unique,
    thumbnail_key  text,
    created_at     timestamptz not null,
    -- Since when something names it: a message, a face, a verification. Null: collected after a day.
    used_at        timestamptz,
    -- Since when nothing does any more: its objects are to go from storage, then this row.
    doomed_at      timestamptz
);

create index uploads_user_id on uploads (user_id, id desc);
create index uploads_orphaned on uploads (created_at) where used_at is null;
create index uploads_doomed on uploads (doomed_at) where doomed_at is not null;

-- The picture's stable URL stays in `avatar`.
alter table users add column avatar_upload_id uuid references uploads (id) on delete set null;

-- "This is me": a document and a face, looked at by a moderator.
create table verifications (
    id                  uuid primary key,
    user_id             uuid not null references users (id),
    document_upload_id  uuid references uploads (id) on delete set null,
    selfie_upload_id    uuid references uploads (id) on delete set null,
    status              text not null default 'pending'
                        constraint verifications_status_known check (status in ('pending', 'approved', 'rejected')),
    reason              text constraint verifications_reason_length check (char_length(reason) <= 500),
    created_at          timestamptz not null,
    decided_at          timestamptz,
    decided_by          uuid references users (id),
    constraint verifications_decision_whole check ((status = 'pending') = (decided_at is null))
);

create unique index verifications_one_pending on verifications (user_id) where status = 'pending';
create index verifications_user_id on verifications (user_id, id desc);
create index verifications_queue on verifications (id) where status = 'pending';
