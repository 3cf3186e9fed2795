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

-- Whom two people both have for a friend, as the first of them may know it.
create function mutual_friends(me uuid, them uuid) returns table (user_id uuid)
    language sql stable parallel safe
begin atomic
    select u.id
    from friend_pairs mine
    join friend_pairs theirs on theirs.other = mine.other and theirs.one = them
    join users u on u.id = mine.other
    where mine.one = me
      and u.status not in ('deleted', 'banned')
      and not exists (select from blocked_pairs b where b.one = me and b.other = u.id);
end;

-- The request that waits between two people.
create view pending_requests as
    select id, sender_id, receiver_id, least(sender_id, receiver_id) as user_lo, greatest(sender_id, receiver_id) as user_hi
    from friend_requests
    where status = 'pending';

-- How somebody stands to `me`, as both apps show it. Whoever blocked `me` is not to be found in the first place.
create function relationship(me uuid, them uuid) returns text
    language sql stable parallel safe
    return case
        when exists (select from blocked_users where user_id = me and blocked_user_id = them) then 'blocked_by_me'
        when are_friends(me, them) then 'friends'
        else coalesce(
            (
                select case sender_id when me then 'pending_out' else 'pending_in' end
                from pending_requests
                where user_lo = least(me, them) and user_hi = greatest(me, them)
            ),
            'none'
        )
    end;
