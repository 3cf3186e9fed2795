-- People, their logins and their phones.

create table users (
    id             uuid primary key,
    -- E.164. Null once the account is anonymised: a number can be given to somebody else by its carrier.
    phone_number   text constraint users_phone_number_key unique
                   constraint users_phone_number_is_e164 check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    firebase_uid   text constraint users_firebase_uid_key unique,
    email          text,
    username       text constraint users_username_form check (username ~ '^[A-Za-z0-9_]{3,20}$'),
    full_name      text not null constraint users_full_name_length check (char_length(full_name) between 2 and 50),
    avatar         text,
    bio            text constraint users_bio_length check (char_length(bio) <= 500),
    gender         text constraint users_gender_known check (gender in ('male', 'female', 'other', 'prefer_not_to_say')),
    date_of_birth  date,
    language       text not null default 'en' constraint users_language_form check (language ~ '^[a-z]{2,3}$'),
    is_verified    boolean not null default false,
    role           text not null default 'user'
                   constraint users_role_known check (role in ('user', 'moderator', 'admin')),
    status         text not null default 'active'
                   constraint users_status_known check (status in ('active', 'suspended', 'banned', 'deleted')),
    -- Until when the status holds; null: until somebody changes it.
    status_until   timestamptz,
    last_seen      timestamptz,
    coins          integer not null default 100 constraint users_coins_not_negative check (coins >= 0),
    premium_until  timestamptz,
    interests      text[] not null default '{}' constraint users_interests_few check (cardinality(interests) <= 20),
    looking_for    text[] not null default '{}' constraint users_looking_for_few check (cardinality(looking_for) <= 10),
    created_at     timestamptz not null,
    updated_at     timestamptz not null
);

-- `Ravi` and `ravi` are one name, and one mailbox.
create unique index users_username_key on users (lower(username));
create unique index users_email_key on users (lower(email));

-- One row a login. The session is the family of its refresh tokens: only the newest may rotate.
create table sessions (
    id                 uuid primary key,
    user_id            uuid not null references users (id) on delete cascade,
    refresh_id         uuid not null,
    refresh_expires_at timestamptz not null,
    -- When the last access token given out dies. A revocation must be remembered until then, and no longer.
    access_expires_at  timestamptz not null,
    user_agent         text,
    created_at         timestamptz not null,
    last_used_at       timestamptz not null,
    revoked_at         timestamptz,
    revoked_because    text constraint sessions_revoked_because_known
                       check (revoked_because in ('logout', 'logout_others', 'refresh_reused', 'suspended', 'banned', 'deleted')),
    constraint sessions_revocation_whole check ((revoked_at is null) = (revoked_because is null))
);

create index sessions_user_id on sessions (user_id, created_at desc);
-- What every replica asks every two seconds: who was revoked since?
create index sessions_revoked_at on sessions (revoked_at) where revoked_at is not null;
create index sessions_refresh_expires_at on sessions (refresh_expires_at);

-- A phone that can be pushed to. It belongs to the login made on it, and goes silent with that login.
create table devices (
    session_id  uuid primary key references sessions (id) on delete cascade,
    user_id     uuid not null references users (id) on delete cascade,
    fcm_token   text not null constraint devices_fcm_token_key unique,
    platform    text not null constraint devices_platform_known check (platform in ('android', 'ios', 'web', 'unknown')),
    updated_at  timestamptz not null
);

create index devices_user_id on devices (user_id);
