-- Who does not want to meet whom. One direction is stored; `can_interact` looks both ways.

create table blocked_users (
    user_id          uuid not null references users (id) on delete cascade,
    blocked_user_id  uuid not null references users (id) on delete cascade,
    reason           text constraint blocked_users_reason_length check (char_length(reason) <= 500),
    created_at       timestamptz not null,
    primary key (user_id, blocked_user_id),
    constraint blocked_users_no_self check (user_id <> blocked_user_id)
);

create index blocked_users_blocked_user_id on blocked_users (blocked_user_id, user_id);

-- The one predicate: may these two meet anywhere in the product? Every block, seen from both sides. A statement over
-- many people joins against it; one about two people asks `can_interact`, which costs a call for each row.
create view blocked_pairs as
    select user_id as one, blocked_user_id as other from blocked_users
    union all
    select blocked_user_id, user_id from blocked_users;

create function can_interact(a uuid, b uuid) returns boolean
    language sql stable parallel safe
    return not exists (select from blocked_pairs where one = a and other = b);
