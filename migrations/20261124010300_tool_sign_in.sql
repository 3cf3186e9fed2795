-- Staff signs in on a tool by a code that they approve in the app (RFC 8628's shape). Short-lived rows.
create table tool_sign_ins (
    -- SHA-256 of what the tool polls with.
    device_digest  bytea primary key constraint tool_sign_ins_digest_length check (octet_length(device_digest) = 32),
    user_code      text not null constraint tool_sign_ins_user_code_key unique,
    tool           text not null constraint tool_sign_ins_tool_length check (char_length(tool) between 1 and 100),
    address        text not null,
    state          text not null constraint tool_sign_ins_state_known check (state in ('pending', 'approved', 'denied')),
    user_id        uuid references users (id) on delete cascade,
    polled_at      timestamptz,
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    constraint tool_sign_ins_decision_whole check ((state = 'pending') = (user_id is null))
);

create index tool_sign_ins_expires_at on tool_sign_ins (expires_at);
create index tool_sign_ins_user_id on tool_sign_ins (user_id) where user_id is not null;

-- The tool that this login was made for; null: the app. It is not prolonged by refreshing.
alter table sessions add column tool text;
