-- Who keeps order, and the record of what they did.

-- A viewer looks, a moderator decides, a senior also confirms, an admin also names staff.
alter table users
    drop constraint users_role_known,
    add constraint users_role_known check (role in ('user', 'viewer', 'moderator', 'senior', 'admin'));

-- Every act of staff and every look at what is private. Each row holds the digest of the one before, so that none can be
-- changed, removed or put elsewhere unseen.
create table audit_log (
    seq         bigint primary key constraint audit_log_seq_positive check (seq > 0),
    at          timestamptz not null,
    -- Null: an operator at a terminal, or an automatic rule.
    actor_id    uuid references users (id),
    act         text not null constraint audit_log_act_form check (act ~ '^[a-z_]+\.[a-z_]+$'),
    -- Kind and id: `user:…`, `case:…`.
    subject     text not null constraint audit_log_subject_length check (char_length(subject) between 1 and 200),
    -- `json`, not `jsonb`: the digest is of these very characters.
    details     json not null,
    -- SHA-256 over the row before's digest and this row.
    digest      bytea not null constraint audit_log_digest_length check (octet_length(digest) = 32)
);

create index audit_log_actor_id on audit_log (actor_id, seq desc) where actor_id is not null;
create index audit_log_subject on audit_log (subject, seq desc);

create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change();

-- The last row, once more: whoever cut off the end would have to change this as well. Its lock puts those who write in
-- order.
create table audit_head (
    is_only  boolean primary key default true constraint audit_head_is_only check (is_only),
    seq      bigint not null,
    digest   bytea not null constraint audit_head_digest_length check (octet_length(digest) = 32)
);

insert into audit_head (seq, digest) values (0, decode(repeat('00', 32), 'hex'));
