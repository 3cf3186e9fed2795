-- What is kept whatever becomes of an account: every change of a balance, every payment, every report.

-- Append-only; `users.coins` is the sum. Nothing here names a person but by id.
create table coin_ledger (
    id             uuid primary key,
    user_id        uuid not null references users (id),
    kind           text not null constraint coin_ledger_kind_form check (kind ~ '^[a-z_]{3,40}$'),
    amount         integer not null constraint coin_ledger_amount_not_zero check (amount <> 0),
    balance_after  integer not null constraint coin_ledger_balance_not_negative check (balance_after >= 0),
    -- What caused it, once: a repeat of the same cause changes nothing.
    reference      text not null constraint coin_ledger_reference_key unique
                   constraint coin_ledger_reference_length check (char_length(reference) between 1 and 200),
    note           text constraint coin_ledger_note_length check (char_length(note) <= 500),
    created_at     timestamptz not null
);

create index coin_ledger_user_id on coin_ledger (user_id, id desc);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger coin_ledger_append_only before update or delete or truncate on coin_ledger
    for each statement execute function refuse_change();

-- What a new account starts with is an entry like any other.
alter table users alter column coins set default 0;

insert into coin_ledger (id, user_id, kind, amount, balance_after, reference, created_at)
select gen_random_uuid(), id, 'opening_balance', coins, coins, 'opening:' || id, created_at from users where coins > 0;

create table transactions (
    id                   uuid primary key,
    user_id              uuid not null references users (id),
    kind                 text not null
                         constraint transactions_kind_known check (kind in ('coin_purchase', 'subscription', 'refund')),
    -- Paise.
    amount               bigint not null constraint transactions_amount_positive check (amount > 0),
    currency             text not null default 'INR' constraint transactions_currency_form check (currency ~ '^[A-Z]{3}$'),
    coins                integer,
    status               text not null default 'pending'
                         constraint transactions_status_known check (status in ('pending', 'success', 'failed')),
    razorpay_order_id    text constraint transactions_razorpay_order_id_key unique,
    razorpay_payment_id  text constraint transactions_razorpay_payment_id_key unique,
    payment_method       text,
    created_at           timestamptz not null,
    updated_at           timestamptz not null
);

create index transactions_user_id on transactions (user_id, id desc);

create table reports (
    id                uuid primary key,
    reporter_id       uuid not null references users (id),
    report_type       text not null constraint reports_type_known check (report_type in ('user', 'message', 'room', 'call')),
    reported_user_id  uuid references users (id),
    message_id        uuid references messages (id),
    reason            text not null
                      constraint reports_reason_known
                      check (reason in ('harassment', 'spam', 'inappropriate', 'fake', 'underage', 'other')),
    description       text constraint reports_description_length check (char_length(description) <= 2000),
    status            text not null default 'pending'
                      constraint reports_status_known check (status in ('pending', 'reviewed', 'action_taken', 'dismissed')),
    created_at        timestamptz not null,
    updated_at        timestamptz not null
);

create index reports_reported_user_id on reports (reported_user_id, id desc);
create index reports_reporter_id on reports (reporter_id, id desc);
create index reports_status on reports (status, id);

-- What staff did about an account, and why. Kept like reports.
create table moderation_actions (
    id          uuid primary key,
    user_id     uuid not null references users (id),
    -- Null: an operator at a terminal.
    actor_id    uuid references users (id),
    kind        text not null
                constraint moderation_actions_kind_known check (kind in ('suspended', 'restored', 'role_changed', 'deleted')),
    reason      text constraint moderation_actions_reason_length check (char_length(reason) between 1 and 500),
    -- Until when a suspension holds; null: until somebody ends it.
    until       timestamptz,
    created_at  timestamptz not null
);

create index moderation_actions_user_id on moderation_actions (user_id, id desc);

-- Whose suspension is over; who works here.
create index users_suspended on users (status_until) where status = 'suspended';
create index users_staff on users (role) where role <> 'user';

-- All requests of somebody, whatever became of them: for their export, and for the day they leave.
create index friend_requests_sender_id on friend_requests (sender_id, id);
create index friend_requests_receiver_id on friend_requests (receiver_id, id);

-- Answers kept for repeats that hold somebody's name, for the end of an account. They are few: most answers are those to
-- sent messages, which name people by id only, and whose update on keeping touches no index by this column.
alter table idempotency_keys
    add column names_people boolean not null
        generated always as (coalesce(position('"fullName"'::bytea in body) > 0, false)) stored;

create index idempotency_keys_names_people on idempotency_keys (created_at) where names_people;
