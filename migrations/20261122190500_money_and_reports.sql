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
