-- Friends, and asking to be. What may follow on what is one function in the rules; the database settles two at once.

create table friend_requests (
    id           uuid primary key,
    sender_id    uuid not null references users (id) on delete cascade,
    receiver_id  uuid not null references users (id) on delete cascade,
    message      text constraint friend_requests_message_length check (char_length(message) between 1 and 300),
    status       text not null default 'pending'
                 constraint friend_requests_status_known check (status in ('pending', 'accepted', 'rejected', 'cancelled')),
    created_at   timestamptz not null,
    decided_at   timestamptz,
    constraint friend_requests_no_self check (sender_id <> receiver_id),
    constraint friend_requests_decision_whole check ((status = 'pending') = (decided_at is null))
);

-- One waiting request a pair, whoever asked.
create unique index friend_requests_one_pending
    on friend_requests (least(sender_id, receiver_id), greatest(sender_id, receiver_id)) where status = 'pending';
create index friend_requests_incoming on friend_requests (receiver_id, id desc) where status = 'pending';
create index friend_requests_outgoing on friend_requests (sender_id, id desc) where status = 'pending';
-- Since when may somebody who was refused ask again?
create index friend_requests_rejected on friend_requests (sender_id, receiver_id, decided_at desc) where status = 'rejected';

-- One row a pair, smaller id first.
create table friendships (
    user_lo     uuid not null references users (id) on delete cascade,
    user_hi     uuid not null references users (id) on delete cascade,
    created_at  timestamptz not null,
    primary key (user_lo, user_hi),
    constraint friendships_pair_ordered check (user_lo < user_hi)
);

create index friendships_of_lo on friendships (user_lo, created_at desc, user_hi desc);
create index friendships_of_hi on friendships (user_hi, created_at desc, user_lo desc);

-- Every friendship, seen from both sides.
create view friend_pairs as
    select user_lo as one, user_hi as other, created_at from friendships
    union all
    select user_hi, user_lo, created_at from friendships;

create function are_friends(a uuid, b uuid) returns boolean
    language sql stable parallel safe
    return exists (select from friendships where user_lo = least(a, b) and user_hi = greatest(a, b));
