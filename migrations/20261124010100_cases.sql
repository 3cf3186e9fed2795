-- Safety: reports gathered into cases, what is decided about them, what that does to people, and their appeals.

alter table users
    -- Coins of a frozen wallet are not spent; null: it is not frozen.
    add column wallet_frozen_at    timestamptz,
    -- Until then somebody is heard and writes in no room.
    add column room_muted_until    timestamptz,
    -- Until then somebody's lighter reports are not taken: too many were false.
    add column reports_muted_until timestamptz;

-- What was reported: one open case a subject and person, however many report it.
create table cases (
    id               uuid primary key,
    subject_kind     text not null
                     constraint cases_subject_kind_known check (subject_kind in ('user', 'message', 'room', 'call')),
    subject_id       uuid not null,
    -- Who answers for it: the person, the message's sender, the room's host, the other one in the call.
    user_id          uuid not null references users (id),
    source           text not null default 'people'
                     constraint cases_source_known check (source in ('people', 'rule', 'legal')),
    -- The gravest of what it is reported for.
    reason           text not null,
    severity         smallint not null constraint cases_severity_within check (severity between 1 and 5),
    -- Distinct people who reported it.
    reporters        integer not null default 0 constraint cases_reporters_not_negative check (reporters >= 0),
    status           text not null default 'open'
                     constraint cases_status_known check (status in ('open', 'awaiting', 'resolved')),
    is_escalated     boolean not null default false,
    claimed_by       uuid references users (id),
    -- The claim holds until then.
    claimed_until    timestamptz,
    acknowledge_by   timestamptz not null,
    resolve_by       timestamptz not null,
    opened_at        timestamptz not null,
    acknowledged_at  timestamptz,
    resolved_at      timestamptz,
    resolved_by      uuid references users (id),
    outcome          text constraint cases_outcome_known check (outcome in ('dismissed', 'action_taken')),
    constraint cases_claim_whole check ((claimed_by is null) = (claimed_until is null)),
    constraint cases_resolution_whole
        check ((status = 'resolved') = (resolved_at is not null) and (status = 'resolved') = (outcome is not null)),
    -- Nobody judges their own case.
    constraint cases_not_by_its_subject check (resolved_by is distinct from user_id and claimed_by is distinct from user_id)
);

create unique index cases_one_open on cases (subject_kind, subject_id, user_id) where status <> 'resolved';
create index cases_queue on cases (opened_at) where status = 'open';
create index cases_user_id on cases (user_id, id desc);
create index cases_resolved on cases (resolved_at) where status = 'resolved';

-- What staff say of a case to each other.
create table case_notes (
    id          uuid primary key,
    case_id     uuid not null references cases (id),
    author_id   uuid not null references users (id),
    words       text not null constraint case_notes_words_length check (char_length(words) between 1 and 2000),
    created_at  timestamptz not null
);

create index case_notes_case_id on case_notes (case_id, id);

alter table reports
    drop constraint reports_reason_known,
    add constraint reports_reason_known check (reason in (
        'harassment', 'hate', 'threat', 'spam', 'scam', 'inappropriate', 'intimate_imagery', 'child_safety', 'self_harm',
        'fake', 'underage', 'legal_order', 'other'
    )),
    add column case_id   uuid references cases (id),
    add column room_id   uuid references chat_rooms (id),
    -- Not a reference: calls are forgotten after a while, and the evidence says what it was.
    add column call_id   uuid,
    -- The subject and what stood around it, as it was when it was reported.
    add column evidence  jsonb;

-- Nobody reports the same thing twice while it is looked at.
create unique index reports_once on reports (case_id, reporter_id) where case_id is not null;

create index reports_evidence on reports (case_id) where evidence is not null;

-- Uploads that evidence shows outlive their message until the case has been closed for long enough.
create table evidence_uploads (
    upload_id  uuid not null references uploads (id),
    case_id    uuid not null references cases (id),
    primary key (upload_id, case_id)
);

create index evidence_uploads_case_id on evidence_uploads (case_id);

-- What was done to somebody, why, and until when it holds.
create table sanctions (
    id            uuid primary key,
    user_id       uuid not null references users (id),
    case_id       uuid references cases (id),
    kind          text not null
                  constraint sanctions_kind_known
                  check (kind in (
                      'warn', 'remove_message', 'mute', 'suspend', 'ban', 'remove_avatar', 'remove_cover', 'close_room',
                      'freeze_wallet'
                  )),
    -- What it was done to, if not to the person: a message, a room.
    subject_id    uuid,
    policy        text not null,
    -- What the person reads of it.
    notice        text not null constraint sanctions_notice_length check (char_length(notice) between 1 and 2000),
    -- What staff reads of it.
    note          text not null constraint sanctions_note_length check (char_length(note) between 1 and 2000),
    state         text not null
                  constraint sanctions_state_known check (state in ('proposed', 'in_force', 'refused', 'reversed')),
    strikes       smallint not null constraint sanctions_strikes_not_negative check (strikes >= 0),
    actor_id      uuid not null references users (id),
    -- Null for what is for good, or happened once.
    until         timestamptz,
    created_at    timestamptz not null,
    decided_by    uuid references users (id),
    decided_at    timestamptz,
    reversed_by   uuid references users (id),
    reversed_at   timestamptz,
    reversal      text constraint sanctions_reversal_length check (char_length(reversal) between 1 and 2000),
    constraint sanctions_confirmed_by_another check (decided_by is null or decided_by <> actor_id),
    constraint sanctions_not_by_its_subject
        check (actor_id <> user_id and decided_by is distinct from user_id and reversed_by is distinct from user_id),
    constraint sanctions_reversal_whole
        check ((state = 'reversed') = (reversed_at is not null) and (state = 'reversed') = (reversal is not null)),
    -- For good only by two.
    constraint sanctions_two_for_good
        check (kind not in ('ban', 'freeze_wallet') or state in ('proposed', 'refused') or decided_by is not null)
);

create index sanctions_user_id on sanctions (user_id, id desc);
create index sanctions_case_id on sanctions (case_id) where case_id is not null;
create unique index sanctions_one_proposed on sanctions (user_id, kind) where state = 'proposed';
create index sanctions_proposed on sanctions (id) where state = 'proposed';

create table appeals (
    id           uuid primary key,
    -- Once, whatever the answer.
    sanction_id  uuid not null constraint appeals_sanction_id_key unique references sanctions (id),
    words        text not null constraint appeals_words_length check (char_length(words) between 1 and 2000),
    state        text not null default 'open' constraint appeals_state_known check (state in ('open', 'upheld', 'overturned')),
    decided_by   uuid references users (id),
    answer       text constraint appeals_answer_length check (char_length(answer) between 1 and 2000),
    created_at   timestamptz not null,
    decided_at   timestamptz,
    constraint appeals_decision_whole check ((state = 'open') = (decided_at is null) and (state = 'open') = (answer is null))
);

create index appeals_open on appeals (id) where state = 'open';

-- Phones of the banned, by the SHA-256 of their push token: the only name that a phone has for us.
create table banned_devices (
    token_digest  bytea not null constraint banned_devices_digest_length check (octet_length(token_digest) = 32),
    sanction_id   uuid not null references sanctions (id),
    primary key (token_digest, sanction_id)
);

create index banned_devices_sanction_id on banned_devices (sanction_id);

-- What evidence holds of a person, of some messages, of a room. Frozen in a report, never computed again.
create function profile_evidence(person uuid) returns jsonb
    language sql stable
    return (
        select jsonb_build_object(
            'id', id, 'username', username, 'fullName', full_name, 'bio', bio, 'avatar', avatar, 'uploadId', avatar_upload_id,
            'createdAt', created_at
        )
        from users
        where id = person
    );

create function message_evidence(conversation uuid, first_seq bigint, last_seq bigint) returns jsonb
    language sql stable
    return (
        select coalesce(jsonb_agg(
            jsonb_build_object(
                'id', m.id, 'seq', m.seq, 'senderId', m.sender_id, 'senderName', u.full_name, 'type', m.message_type,
                'content', m.content, 'uploadId', m.upload_id, 'createdAt', m.created_at, 'editedAt', m.edited_at,
                'isDeleted', m.deleted_at is not null
            )
            order by m.seq
        ), '[]')
        from messages m
        join users u on u.id = m.sender_id
        where m.conversation_id = conversation and m.seq between first_seq and last_seq
    );

create function room_evidence(room uuid) returns jsonb
    language sql stable
    return (
        select jsonb_build_object(
            'id', r.id, 'name', c.name, 'description', r.description, 'roomType', r.room_type, 'isPublic', r.is_public,
            'cover', r.cover_image, 'uploadId', r.cover_upload_id, 'createdAt', r.created_at, 'closedAt', r.closed_at,
            'members', (
                select coalesce(jsonb_agg(
                    jsonb_build_object('id', u.id, 'fullName', u.full_name, 'role', m.role, 'isMuted', m.is_muted,
                        'joinedAt', m.joined_at)
                    order by m.joined_at, u.id
                ), '[]')
                from chat_room_members m
                join users u on u.id = m.user_id
                where m.room_id = r.id
            )
        )
        from chat_rooms r
        join conversations c on c.id = r.id
        where r.id = room
    );

-- The inbox also tells of reports and sanctions.
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
        -- A package, a plan, a gift, or what a report came to.
        coalesce(t.item, g.gift, s.plan, report.status) as item,
        t.amount as paise,
        sanction.notice
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
    left join reports report on n.kind = 'report_decided' and report.id = n.subject_id and report.reporter_id = n.user_id
    left join sanctions sanction
        on n.kind = 'moderation_notice' and sanction.id = n.subject_id and sanction.user_id = n.user_id
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
              when 'report_decided' then report.status in ('action_taken', 'dismissed')
              when 'moderation_notice' then sanction.id is not null
              else false
          end;

alter table moderation_actions
    drop constraint moderation_actions_kind_known,
    add constraint moderation_actions_kind_known
        check (kind in ('suspended', 'banned', 'restored', 'role_changed', 'deleted'));
