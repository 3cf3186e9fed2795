-- Safety: reports gathered into cases, what is decided about them, what that does to people, rules, and the record of all.

-- Staff: a viewer looks, a moderator decides, a senior also confirms, an admin also names staff.
alter table users
    drop constraint users_role_known,
    add constraint users_role_known check (role in ('user', 'viewer', 'moderator', 'senior', 'admin')),
    -- Coins of a frozen wallet do not move; null: it is not frozen.
    add column wallet_frozen_at  timestamptz,
    -- Reports of theirs open no case until then: too many were false.
    add column reports_muted_until timestamptz;

-- What was reported: one open case a subject, however many report it.
create table cases (
    id             uuid primary key,
    subject_kind   text not null constraint cases_subject_kind_known check (subject_kind in ('user', 'message', 'room', 'call')),
    subject_id     uuid not null,
    -- Who answers for the subject: the person, the message's sender, the room's host.
    user_id        uuid not null references users (id),
    -- The gravest of its reports'.
    reason         text not null,
    severity       smallint not null constraint cases_severity_within check (severity between 1 and 5),
    -- Distinct people who reported it.
    reporters      integer not null default 0 constraint cases_reporters_not_negative check (reporters >= 0),
    status         text not null default 'open' constraint cases_status_known check (status in ('open', 'resolved')),
    is_escalated   boolean not null default false,
    claimed_by     uuid references users (id),
    -- A claim holds until then.
    claimed_until  timestamptz,
    acknowledge_by timestamptz not null,
    resolve_by     timestamptz not null,
    opened_at      timestamptz not null,
    acknowledged_at timestamptz,
    resolved_at    timestamptz,
    resolved_by    uuid references users (id),
    outcome        text constraint cases_outcome_known check (outcome in ('dismissed', 'action_taken')),
    note           text constraint cases_note_length check (char_length(note) between 1 and 2000),
    constraint cases_claim_whole check ((claimed_by is null) = (claimed_until is null)),
    constraint cases_resolution_whole check ((status = 'resolved') = (resolved_at is not null) and (status = 'resolved') = (outcome is not null)),
    constraint cases_not_judged_by_its_subject check (resolved_by is distinct from user_id and claimed_by is distinct from user_id)
);

create unique index cases_one_open on cases (subject_kind, subject_id) where status = 'open';
-- The queue: what grows with age grows for all alike, so the order of two cases is that of this number, whenever it is asked.
create index cases_queue on cases (severity desc, opened_at) where status = 'open';
create index cases_due on cases (resolve_by) where status = 'open';
create index cases_user_id on cases (user_id, id desc);

alter table reports
    add column case_id  uuid references cases (id),
    add column room_id  uuid references chat_rooms (id),
    add column call_id  uuid references call_logs (id),
    -- The subject and what stood around it as it was when it was reported.
    add column evidence jsonb;

create index reports_case_id on reports (case_id, id) where case_id is not null;
-- Nobody reports the same thing twice while it is looked at.
create unique index reports_once on reports (case_id, reporter_id) where case_id is not null;

-- What was done to somebody, and until when it holds.
create table sanctions (
    id            uuid primary key,
    user_id       uuid not null references users (id),
    case_id       uuid references cases (id),
    kind          text not null constraint sanctions_kind_known
                  check (kind in ('warning', 'message_removed', 'room_mute', 'suspension', 'ban', 'avatar_removed', 'room_closed', 'wallet_frozen')),
    policy        text not null,
    -- What the person reads, and what staff reads.
    notice        text not null constraint sanctions_notice_length check (char_length(notice) between 1 and 2000),
    note          text constraint sanctions_note_length check (char_length(note) between 1 and 2000),
    -- A permanent ban and a frozen wallet wait for a second person.
    state         text not null constraint sanctions_state_known check (state in ('proposed', 'in_force', 'refused', 'ended', 'reversed')),
    strikes       smallint not null default 0 constraint sanctions_strikes_not_negative check (strikes >= 0),
    actor_id      uuid references users (id),
    confirmed_by  uuid references users (id),
    until         timestamptz,
    created_at    timestamptz not null,
    ended_at      timestamptz,
    reversed_by   uuid references users (id),
    reversal      text constraint sanctions_reversal_length check (char_length(reversal) between 1 and 2000),
    constraint sanctions_confirmed_by_another check (confirmed_by is distinct from actor_id or confirmed_by is null)
);

create index sanctions_user_id on sanctions (user_id, id desc);
create index sanctions_case_id on sanctions (case_id) where case_id is not null;
create index sanctions_proposed on sanctions (id) where state = 'proposed';

create table appeals (
    id           uuid primary key,
    sanction_id  uuid not null constraint appeals_sanction_id_key unique references sanctions (id),
    words        text not null constraint appeals_words_length check (char_length(words) between 1 and 2000),
    state        text not null default 'open' constraint appeals_state_known check (state in ('open', 'upheld', 'overturned')),
    decided_by   uuid references users (id),
    answer       text constraint appeals_answer_length check (char_length(answer) between 1 and 2000),
    created_at   timestamptz not null,
    decided_at   timestamptz
);

create index appeals_open on appeals (id) where state = 'open';

-- Every act of staff and every look at what is private, each row holding the digest of the one before: none can be changed,
-- removed or put elsewhere unseen.
create table audit_log (
    seq         bigint primary key constraint audit_log_seq_positive check (seq > 0),
    at          timestamptz not null,
    -- Null: an operator at a terminal, or a rule.
    actor_id    uuid references users (id),
    act         text not null,
    subject     text not null,
    details     jsonb not null,
    -- SHA-256 of the row before's digest and this row.
    digest      bytea not null constraint audit_log_digest_length check (octet_length(digest) = 32)
);

create index audit_log_actor on audit_log (actor_id, seq desc) where actor_id is not null;
create index audit_log_subject on audit_log (subject, seq desc);

create function audit_log_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;
create trigger audit_log_append_only before update or delete or truncate on audit_log
    for each statement execute function audit_log_is_append_only();
