-- Who may reach somebody, what their phone is told, where they are, how they are found.

-- A row only for those who changed something; the defaults here are what holds for everybody else.
create table user_settings (
    user_id        uuid primary key references users (id) on delete cascade,
    message_from   text not null default 'everyone'
                   constraint user_settings_message_from_known check (message_from in ('everyone', 'friends', 'nobody')),
    call_from      text not null default 'friends'
                   constraint user_settings_call_from_known check (call_from in ('everyone', 'friends', 'nobody')),
    presence_to    text not null default 'friends'
                   constraint user_settings_presence_to_known check (presence_to in ('friends', 'nobody')),
    push_messages  boolean not null default true,
    push_friends   boolean not null default true,
    push_calls     boolean not null default true,
    push_rooms     boolean not null default true,
    push_payments  boolean not null default true,
    -- Minutes after midnight in India; the hours may span midnight.
    quiet_from     smallint constraint user_settings_quiet_from_range check (quiet_from between 0 and 1439),
    quiet_to       smallint constraint user_settings_quiet_to_range check (quiet_to between 0 and 1439),
    updated_at     timestamptz not null,
    constraint user_settings_quiet_whole check ((quiet_from is null) = (quiet_to is null)),
    constraint user_settings_quiet_some_time check (quiet_from <> quiet_to)
);

-- Where somebody is, to about a kilometre: hundredths of a degree, so that nothing finer can be stored.
create table user_locations (
    user_id          uuid primary key references users (id) on delete cascade,
    latitude_centi   smallint not null constraint user_locations_latitude_range check (latitude_centi between -9000 and 9000),
    longitude_centi  smallint not null constraint user_locations_longitude_range check (longitude_centi between -18000 and 18000),
    updated_at       timestamptz not null
);

-- May `sender` write to, or call, `receiver`? Blocks go before all settings.
create function may_message(sender uuid, receiver uuid) returns boolean
    language sql stable parallel safe
    return can_interact(sender, receiver)
        and case coalesce((select message_from from user_settings where user_id = receiver), 'everyone')
            when 'everyone' then true
            when 'friends' then are_friends(sender, receiver)
            else false
        end;

create function may_call(sender uuid, receiver uuid) returns boolean
    language sql stable parallel safe
    return can_interact(sender, receiver)
        and case coalesce((select call_from from user_settings where user_id = receiver), 'friends')
            when 'everyone' then true
            when 'friends' then are_friends(sender, receiver)
            else false
        end;

-- Finding people: by how the name begins, and by what looks alike.
create extension if not exists pg_trgm;
create index users_username_prefix on users (lower(username) text_pattern_ops) where status = 'active';
create index users_full_name_prefix on users (lower(full_name) text_pattern_ops) where status = 'active';
create index users_username_alike on users using gin (lower(username) gin_trgm_ops) where status = 'active';
create index users_full_name_alike on users using gin (lower(full_name) gin_trgm_ops) where status = 'active';
