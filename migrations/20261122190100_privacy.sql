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

-- Who shows nobody whether they are here.
create view hidden_presences as
    select user_id from user_settings where presence_to = 'nobody';

-- Finding people: by how the name begins, and by what looks alike.
create extension if not exists pg_trgm;
create index users_username_prefix on users (lower(username) text_pattern_ops) where status = 'active';
create index users_full_name_prefix on users (lower(full_name) text_pattern_ops) where status = 'active';
create index users_username_alike on users using gin (lower(username) gin_trgm_ops) where status = 'active';
create index users_full_name_alike on users using gin (lower(full_name) gin_trgm_ops) where status = 'active';
-- Of most people the last word of the name is the family's, which others look for.
create index users_last_name_prefix on users (lower(split_part(full_name, ' ', -1)) text_pattern_ops) where status = 'active';

-- People with a word, in either name, like what somebody typed: half of its trigrams, or as it begins. The first 200 that
-- the index gives are ranked, so that a common word costs no more than a rare one.
select word_similarity('', ''); -- pg_trgm declares the setting below when it is loaded
create function people_alike(typed text, most integer) returns table (user_id uuid, rank integer, key text)
    language sql stable parallel safe
    set pg_trgm.word_similarity_threshold = 0.5
begin atomic
    select
        f.id,
        case when f.at > 0 then 3 else 4 end,
        case when f.at > 0 then substr(f.name, f.at + 1) else lpad((1000 - round(f.score * 1000))::integer::text, 4, '0') end
    from (
        select
            u.id,
            lower(u.full_name) as name,
            position(' ' || typed in lower(u.full_name)) as at,
            greatest(word_similarity(typed, lower(u.username)), word_similarity(typed, lower(u.full_name)))::numeric as score
        from users u
        where u.status = 'active' and (typed <% lower(u.username) or typed <% lower(u.full_name))
        limit 200
    ) f
    order by f.at > 0 desc, f.score desc
    limit most;
end;
