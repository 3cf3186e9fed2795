-- Money: accounts of the ledger, orders and their refunds, subscriptions, receipts, gifts.

-- A person has three accounts. `coins` can be spent; `earned` is what gifts brought; `owed` is what a refund could not take
-- back because it was spent. Every account is the sum of its entries and never negative.
alter table users
    add column purchased_coins integer not null default 0,
    add column earned_coins    integer not null default 0
        constraint users_earned_coins_not_negative check (earned_coins >= 0),
    add column owed_coins      integer not null default 0
        constraint users_owed_coins_not_negative check (owed_coins >= 0),
    -- The rest of `coins` was given, not bought.
    add constraint users_purchased_coins_within check (purchased_coins between 0 and coins);

alter table coin_ledger
    add column account    text not null default 'coins'
        constraint coin_ledger_account_known check (account in ('coins', 'earned', 'owed')),
    -- The part of `amount` that is of bought coins.
    add column purchased  integer not null default 0
        constraint coin_ledger_purchased_within check (purchased between least(amount, 0) and greatest(amount, 0)),
    add constraint coin_ledger_purchased_of_coins check (account = 'coins' or purchased = 0),
    -- Bought coins come by purchases alone.
    add constraint coin_ledger_bought_by_purchase check (
        amount <= 0 or account <> 'coins' or purchased = case when kind in ('purchase', 'refund_reversed') then amount else 0 end
    );

create unique index coin_ledger_one_signup_bonus on coin_ledger (user_id) where kind = 'signup_bonus';

-- What somebody spent on one kind of thing since a time: the day's gifts.
create index coin_ledger_spent on coin_ledger (user_id, created_at) where kind = 'gift_sent';

alter table transactions
    drop constraint transactions_status_known,
    add constraint transactions_status_known
        check (status in ('pending', 'failed', 'abandoned', 'success', 'partially_refunded', 'refunded')),
    -- A purchase names who took the money, so that stores' receipts can stand beside Razorpay's payments.
    add column provider            text not null default 'razorpay'
        constraint transactions_provider_known check (provider in ('razorpay')),
    -- What was bought: a package of coins, or a plan.
    add column item                text constraint transactions_item_form check (item ~ '^[a-z_]{3,40}$'),
    add column receipt             text constraint transactions_receipt_key unique
        constraint transactions_receipt_length check (char_length(receipt) between 1 and 40),
    add column razorpay_refund_id  text constraint transactions_razorpay_refund_id_key unique,
    -- Of a refund: what it gives back.
    add column parent_id           uuid references transactions (id)
        constraint transactions_parent_of_refund check ((kind = 'refund') = (parent_id is not null)),
    add column subscription_id     uuid,
    add column period_start        timestamptz,
    add column period_end          timestamptz,
    -- Paise given back so far.
    add column refunded_amount     bigint not null default 0,
    -- What Razorpay kept, in paise, and the GST in that.
    add column fee                 bigint constraint transactions_fee_not_negative check (fee >= 0),
    add column tax                 bigint constraint transactions_tax_not_negative check (tax >= 0),
    -- Razorpay's `error_code` and `error_reason` of the last attempt that failed.
    add column failure_code        text constraint transactions_failure_code_length check (char_length(failure_code) <= 100),
    add column failure_reason      text constraint transactions_failure_reason_length check (char_length(failure_reason) <= 300),
    -- Of a refund: why, in the words of who decided it, and who that was; null: Razorpay's dashboard, or an operator.
    add column reason              text constraint transactions_reason_length check (char_length(reason) between 1 and 500),
    add column actor_id            uuid references users (id),
    add column paid_at             timestamptz,
    -- When Razorpay was last asked about it.
    add column asked_at            timestamptz,
    add constraint transactions_refunded_within check (refunded_amount between 0 and amount),
    add constraint transactions_paid_known check (status not in ('success', 'partially_refunded', 'refunded') or paid_at is not null or kind = 'refund');

create index transactions_parent_id on transactions (parent_id) where parent_id is not null;
create index transactions_subscription_id on transactions (subscription_id, period_end) where subscription_id is not null;
-- What nobody knows the end of yet.
create index transactions_pending on transactions (coalesce(asked_at, created_at)) where status = 'pending';
-- Second payments of an order, which go back.
create index transactions_kept on transactions (updated_at)
    where kind = 'coin_purchase' and razorpay_order_id is null and status in ('success', 'partially_refunded');
create index transactions_created_at on transactions (created_at, id);
create index transactions_paid_at on transactions (paid_at) where paid_at is not null;

-- Attempts to pay that failed: an order may be tried again and again, and one that was paid in the end failed all the same.
create table payment_failures (
    -- Razorpay's.
    payment_id      text primary key constraint payment_failures_payment_id_length check (char_length(payment_id) between 1 and 64),
    -- Null: a subscription's charge, whose order is Razorpay's own.
    transaction_id  uuid references transactions (id),
    method          text,
    -- Razorpay's `error_code` and `error_reason`.
    code            text constraint payment_failures_code_length check (char_length(code) <= 100),
    reason          text constraint payment_failures_reason_length check (char_length(reason) <= 300),
    failed_at       timestamptz not null
);

create index payment_failures_transaction_id on payment_failures (transaction_id) where transaction_id is not null;
create index payment_failures_failed_at on payment_failures (failed_at);

create table subscriptions (
    id                        uuid primary key,
    user_id                   uuid not null references users (id),
    plan                      text not null constraint subscriptions_plan_known check (plan in ('monthly', 'yearly')),
    status                    text not null default 'created'
                              constraint subscriptions_status_known
                              check (status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused', 'cancelled', 'completed', 'expired')),
    -- Paise for each period.
    amount                    bigint not null constraint subscriptions_amount_positive check (amount > 0),
    -- Null while Razorpay is being asked to make it.
    razorpay_subscription_id  text constraint subscriptions_razorpay_subscription_id_key unique,
    current_period_start      timestamptz,
    current_period_end        timestamptz,
    paid_count                integer not null default 0 constraint subscriptions_paid_count_not_negative check (paid_count >= 0),
    cancel_at_period_end      boolean not null default false,
    ended_at                  timestamptz,
    -- When the newest snapshot of it that we have was taken, by Razorpay's clock.
    as_of                     timestamptz,
    asked_at                  timestamptz,
    created_at                timestamptz not null,
    updated_at                timestamptz not null
);

create index subscriptions_user_id on subscriptions (user_id, id desc);
-- One at a time: two phones that subscribe at once get one.
create unique index subscriptions_one_live on subscriptions (user_id)
    where status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused');
create index subscriptions_live on subscriptions (coalesce(asked_at, created_at))
    where status in ('created', 'authenticated', 'active', 'pending', 'halted', 'paused');

alter table transactions add constraint transactions_subscription_id_fkey
    foreign key (subscription_id) references subscriptions (id);

create index users_premium_until on users (premium_until) where premium_until is not null;

-- Receipts are numbered without gaps, by the Indian financial year (April to March), when they are first asked for.
create table receipt_counters (
    financial_year  text primary key constraint receipt_counters_financial_year_form check (financial_year ~ '^\d{4}-\d{2}$'),
    last            integer not null constraint receipt_counters_last_positive check (last > 0)
);

create table receipts (
    transaction_id   uuid primary key references transactions (id),
    number           text not null constraint receipts_number_key unique,
    -- Hundredths of a percent, as it was when the receipt was given.
    gst_rate         integer not null constraint receipts_gst_rate_within check (gst_rate between 0 and 10000),
    issued_at        timestamptz not null
);

create table gifts (
    id               uuid primary key,
    sender_id        uuid not null references users (id),
    receiver_id      uuid not null references users (id) constraint gifts_not_to_oneself check (receiver_id <> sender_id),
    gift             text not null constraint gifts_gift_form check (gift ~ '^[a-z_]{3,40}$'),
    coins            integer not null constraint gifts_coins_positive check (coins > 0),
    conversation_id  uuid not null references conversations (id),
    -- What shows it there.
    message_id       uuid not null constraint gifts_message_id_key unique references messages (id) deferrable initially deferred,
    client_gift_id   text constraint gifts_client_gift_id_length check (char_length(client_gift_id) between 1 and 64),
    created_at       timestamptz not null,
    constraint gifts_client_gift_id_key unique (sender_id, client_gift_id)
);

create index gifts_receiver_id on gifts (receiver_id, id desc);
create index gifts_sender_id on gifts (sender_id, id desc);

alter table messages
    drop constraint messages_type_known,
    add constraint messages_type_known check (message_type in ('text', 'image', 'audio', 'video', 'gif', 'gift'));

-- What the payment provider tells is worked off after it is stored, and stays visible until it is.
alter table webhook_events
    add column state       text not null default 'applied'
        constraint webhook_events_state_known check (state in ('received', 'applied', 'ignored', 'refused', 'unknown')),
    -- What became of it, for people.
    add column note        text constraint webhook_events_note_length check (char_length(note) <= 500),
    add column applied_at  timestamptz;

create index webhook_events_razorpay on webhook_events (received_at desc, event_id desc) where provider = 'razorpay';
create index webhook_events_open on webhook_events (state, received_at) where provider = 'razorpay' and state <> 'applied';
-- What was told of a payment.
create index webhook_events_order on webhook_events ((payload #>> '{payload,payment,entity,order_id}'))
    where provider = 'razorpay';
create index webhook_events_payment on webhook_events
    (coalesce(payload #>> '{payload,payment,entity,id}', payload #>> '{payload,refund,entity,payment_id}'))
    where provider = 'razorpay';

-- Money waits behind nothing else.
drop index jobs_due;
drop index jobs_leased;
create or replace function job_lane(kind text) returns text
    language sql immutable parallel safe
    return case
        when kind = 'push' then 'push'
        when kind in ('settle_seat', 'settle_media_room') then 'seat'
        when kind in ('reconcile_voice', 'ring_timeout', 'close_empty_room', 'leave_with_login') then 'voice'
        when kind in ('apply_webhook', 'settle_refund', 'check_order', 'check_subscription', 'reconcile_payments', 'reconcile_yesterday', 'reconcile_page', 'expire_premium') then 'money'
        else 'other'
    end;
create index jobs_due on jobs (job_lane(kind), run_at) where state = 'queued';
create index jobs_leased on jobs (job_lane(kind), leased_until) where state = 'running';

-- The inbox tells of payments, refunds, premium that is not renewed, and gifts.
create or replace view inbox as
    select
        n.id,
        n.user_id,
        n.kind,
        n.subject_id,
        n.read_at,
        n.created_at,
        a.id as actor_id,
        a.username as actor_username,
        a.full_name as actor_full_name,
        a.avatar as actor_avatar,
        coalesce(c.name, room.name) as group_name,
        coalesce(l.amount, t.coins, g.coins) as coins,
        call.call_type,
        -- A package, a plan, or a gift.
        coalesce(t.item, g.gift, s.plan) as item,
        t.amount as paise
    from notifications n
    left join users a on a.id = n.actor_id
    left join friend_requests f on n.kind in ('friend_request', 'friend_accepted') and f.id = n.subject_id
    -- A group's name is for its members.
    left join conversation_members m
        on n.kind = 'group_added' and m.conversation_id = n.subject_id and m.user_id = n.user_id
    left join conversations c on c.id = m.conversation_id
    left join coin_ledger l on n.kind = 'coins_credited' and l.id = n.subject_id and l.user_id = n.user_id
    left join transactions t
        on n.kind in ('payment_succeeded', 'payment_refunded') and t.id = n.subject_id and t.user_id = n.user_id
    left join subscriptions s on n.kind = 'renewal_failed' and s.id = n.subject_id and s.user_id = n.user_id
    left join gifts g on n.kind = 'gift_received' and g.id = n.subject_id and g.receiver_id = n.user_id
    left join call_participants took on n.kind = 'call_missed' and took.call_id = n.subject_id and took.user_id = n.user_id
    left join call_logs call on call.id = took.call_id
    -- A room that is over, or that its reader may not enter any more, is no invitation.
    left join chat_room_invitations i on n.kind = 'room_invited' and i.room_id = n.subject_id and i.user_id = n.user_id
    left join chat_rooms r on r.id = i.room_id and r.closed_at is null
        and not exists (select from chat_room_bans b where b.room_id = r.id and b.user_id = n.user_id)
    left join conversations room on room.id = r.id
    where (n.actor_id is null or a.status not in ('deleted', 'banned'))
      and not exists (select from blocked_pairs b where b.one = n.user_id and b.other = n.actor_id)
      and case n.kind
              when 'friend_request' then f.status in ('pending', 'accepted')
              when 'friend_accepted' then f.status = 'accepted'
              when 'group_added' then c.id is not null
              when 'coins_credited' then l.id is not null
              when 'payment_succeeded' then t.id is not null
              when 'payment_refunded' then t.id is not null
              when 'renewal_failed' then s.id is not null
              when 'gift_received' then g.id is not null
              when 'call_missed' then call.id is not null
              when 'room_invited' then r.id is not null
              else false
          end;
