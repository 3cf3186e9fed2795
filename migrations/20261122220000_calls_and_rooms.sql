-- Calls and rooms. Who may be in which room of the media server stands here (`voice_seats`); the media server is made to
-- agree, and never asked who may.

create table call_logs (
    id               uuid primary key,
    caller_id        uuid not null references users (id),
    -- Whom it goes to: one person, or everybody else in a group.
    receiver_id      uuid references users (id),
    conversation_id  uuid references conversations (id),
    call_type        text not null constraint call_logs_type_known check (call_type in ('audio', 'video')),
    status           text not null
                     constraint call_logs_status_known check (status in (
                         'initiated', 'ringing', 'answered', 'completed', 'rejected', 'missed', 'cancelled', 'busy', 'failed'
                     )),
    -- The media server's name for it: nothing that could be guessed.
    livekit_room     text not null constraint call_logs_livekit_room_key unique,
    started_at       timestamptz not null,
    answered_at      timestamptz,
    ended_at         timestamptz,
    -- Seconds from the answer to the end, by our clock.
    duration         integer constraint call_logs_duration_not_negative check (duration >= 0),
    -- Why somebody of the staff ended it.
    end_reason       text constraint call_logs_end_reason_length check (char_length(end_reason) between 1 and 500),
    constraint call_logs_one_kind check ((receiver_id is null) <> (conversation_id is null)),
    constraint call_logs_no_self check (receiver_id <> caller_id),
    constraint call_logs_end_whole check ((status in ('initiated', 'ringing', 'answered')) = (ended_at is null)),
    constraint call_logs_duration_whole check ((duration is null) = (answered_at is null or ended_at is null))
);

create index call_logs_live on call_logs (id desc) where ended_at is null;
-- What goes on in a group.
create index call_logs_conversation_id on call_logs (conversation_id) where ended_at is null;
-- What is old enough to go.
create index call_logs_ended_at on call_logs (ended_at);

create table call_participants (
    call_id       uuid not null references call_logs (id) on delete cascade,
    user_id       uuid not null references users (id),
    role          text not null constraint call_participants_role_known check (role in ('caller', 'receiver')),
    state         text not null
                  constraint call_participants_state_known
                  check (state in ('ringing', 'joined', 'left', 'rejected', 'missed', 'busy')),
    -- On which login it was taken: the others stop ringing.
    session_id    uuid references sessions (id) on delete set null,
    joined_at     timestamptz,
    left_at       timestamptz,
    -- First seen at the media server.
    connected_at  timestamptz,
    -- Since when somebody who has a seat is not at the media server; null: is there.
    absent_since  timestamptz,
    primary key (call_id, user_id)
);

-- A login that is dropped is looked for here.
create index call_participants_session_id on call_participants (session_id) where session_id is not null;

-- One live call a person: what settles two calls at once, whoever calls whom.
create unique index call_participants_one_live on call_participants (user_id) where state in ('ringing', 'joined');
-- Ids are in the order of time: this is somebody's history.
create index call_participants_history on call_participants (user_id, call_id desc);

-- Which calls somebody is shown: not those between two who cannot meet, nor those to them that never came to ring.
create view calls_shown as
    select p.user_id, p.call_id, p.role, p.state
    from call_participants p
    join call_logs c on c.id = p.call_id
    where not (c.receiver_id is not null and exists (
              select from blocked_pairs b
              where b.one = p.user_id and b.other = case p.user_id when c.caller_id then c.receiver_id else c.caller_id end
          ))
      and not (p.role = 'receiver' and (c.status = 'initiated' or p.state = 'left' and p.joined_at is null));

-- A room is a conversation with a name, and what belongs to a place: who hosts it, how many fit in.
alter table conversations
    drop constraint conversations_group_named,
    add constraint conversations_named check ((kind <> 'direct') = (name is not null));

create table chat_rooms (
    id               uuid primary key references conversations (id) on delete cascade,
    description      text constraint chat_rooms_description_length check (char_length(description) between 1 and 500),
    room_type        text not null constraint chat_rooms_type_known check (room_type in ('voice', 'video', 'text')),
    category         text
                     constraint chat_rooms_category_known
                     check (category in ('relationships', 'career', 'casual', 'gaming', 'music')),
    language         text not null constraint chat_rooms_language_form check (language ~ '^[a-z]{2,3}$'),
    max_members      integer not null constraint chat_rooms_max_members_range check (max_members between 2 and 100),
    is_public        boolean not null,
    -- The picture's stable URL, and the upload it is.
    cover_image      text,
    cover_upload_id  uuid references uploads (id) on delete set null,
    -- Null: nothing is spoken here.
    livekit_room     text constraint chat_rooms_livekit_room_key unique,
    member_count     integer not null default 0,
    -- Since when nobody is in.
    empty_since      timestamptz,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    closed_at        timestamptz,
    -- Why, in the words of staff who closed it.
    closed_note      text constraint chat_rooms_closed_note_length check (char_length(closed_note) between 1 and 500),
    closed_because   text constraint chat_rooms_closed_because_known check (closed_because in ('host', 'empty', 'staff', 'failed')),
    constraint chat_rooms_not_overfull check (member_count between 0 and max_members),
    constraint chat_rooms_media_whole check ((room_type = 'text') = (livekit_room is null)),
    constraint chat_rooms_end_whole check ((closed_at is null) = (closed_because is null)),
    constraint chat_rooms_closed_empty check (closed_at is null or member_count = 0)
);

-- An upload that is dropped is looked for here.
create index chat_rooms_cover_upload_id on chat_rooms (cover_upload_id) where cover_upload_id is not null;

-- What people browse: live ones, most people first.
create index chat_rooms_browse on chat_rooms (member_count desc, created_at desc, id desc) where closed_at is null and is_public;
create index chat_rooms_live on chat_rooms (id) where closed_at is null;

-- Who is in. Whoever leaves leaves no row.
create table chat_room_members (
    room_id         uuid not null references chat_rooms (id) on delete cascade,
    user_id         uuid not null references users (id),
    role            text not null
                    constraint chat_room_members_role_known check (role in ('host', 'moderator', 'speaker', 'listener')),
    is_muted        boolean not null default false,
    hand_raised_at  timestamptz,
    -- On which login they are in: they leave with it.
    session_id      uuid references sessions (id) on delete set null,
    joined_at       timestamptz not null,
    connected_at    timestamptz,
    absent_since    timestamptz,
    primary key (room_id, user_id)
);

create unique index chat_room_members_one_host on chat_room_members (room_id) where role = 'host';
create index chat_room_members_user_id on chat_room_members (user_id);
create index chat_room_members_session_id on chat_room_members (session_id) where session_id is not null;

-- Counted by the database, whichever way somebody comes or goes; a room that is full refuses.
create function count_room_members() returns trigger
    language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        update chat_rooms set member_count = member_count + 1, empty_since = null where id = new.room_id;
    else
        update chat_rooms set member_count = member_count - 1 where id = old.room_id;
    end if;
    return null;
end $$;

create trigger chat_room_members_counted after insert or delete on chat_room_members
    for each row execute function count_room_members();

-- Who may not come back: until then, or with null as long as the room lives.
create table chat_room_bans (
    room_id     uuid not null references chat_rooms (id) on delete cascade,
    user_id     uuid not null references users (id),
    banned_by   uuid references users (id),
    until       timestamptz,
    created_at  timestamptz not null,
    primary key (room_id, user_id)
);

create index chat_room_bans_user_id on chat_room_bans (user_id);

-- Who may enter a private room; its maker, by their own hand, and those who were in when it became one.
create table chat_room_invitations (
    room_id     uuid not null references chat_rooms (id) on delete cascade,
    user_id     uuid not null references users (id),
    invited_by  uuid references users (id),
    created_at  timestamptz not null,
    primary key (room_id, user_id)
);

create index chat_room_invitations_user_id on chat_room_invitations (user_id);

-- Who looks at a room without being in: for a short while, so that nobody need take them out. Lost with the server.
create unlogged table chat_room_watchers (
    room_id  uuid not null references chat_rooms (id) on delete cascade,
    user_id  uuid not null references users (id),
    until    timestamptz not null,
    primary key (room_id, user_id)
);

create index chat_room_watchers_user_id on chat_room_watchers (user_id);

-- Is nothing in somebody's way into this room? Whoever was sent out of it, or cannot meet its host, does not find it at all.
create function may_enter_room(person uuid, room uuid, at timestamptz) returns boolean
    language sql stable parallel safe
    return not exists (
            select from chat_room_bans where room_id = room and user_id = person and (until is null or until > at)
        )
        and not exists (
            select
            from chat_room_members host
            join blocked_pairs on one = person and other = host.user_id
            where host.room_id = room and host.role = 'host'
        );

-- Was somebody's voice taken in a room where it is a written one?
create function is_silenced(person uuid, room uuid) returns boolean
    language sql stable parallel safe
    return exists (
        select
        from chat_room_members m
        join chat_rooms r on r.id = m.room_id
        where m.room_id = room and m.user_id = person and m.is_muted and r.livekit_room is null
    );

-- Who may be in which of the media server's rooms now, and what they may send there. The one answer to that question.
create view voice_seats as
    select
        c.livekit_room,
        p.user_id,
        c.id as call_id,
        null::uuid as room_id,
        true as may_speak,
        c.call_type = 'video' as may_film,
        p.connected_at,
        p.absent_since
    from call_participants p
    join call_logs c on c.id = p.call_id
    where p.state = 'joined' and c.ended_at is null
    union all
    select
        r.livekit_room,
        m.user_id,
        null::uuid,
        r.id,
        m.role <> 'listener' and not m.is_muted,
        m.role <> 'listener' and not m.is_muted and r.room_type = 'video',
        m.connected_at,
        m.absent_since
    from chat_room_members m
    join chat_rooms r on r.id = m.room_id
    where r.livekit_room is not null and r.closed_at is null;

-- Every room the media server was ever asked for, and whether it is to be there.
create view media_rooms as
    select livekit_room, ended_at is null as is_live from call_logs
    union all
    select livekit_room, closed_at is null from chat_rooms where livekit_room is not null;

-- What outside services told us. Stored before anything is done about it, so that a repeat is known, and nothing is lost
-- between their telling and our doing.
create table webhook_events (
    provider     text not null constraint webhook_events_provider_known check (provider in ('livekit', 'razorpay')),
    event_id     text not null constraint webhook_events_event_id_length check (char_length(event_id) between 1 and 200),
    kind         text not null,
    payload      jsonb not null,
    received_at  timestamptz not null,
    primary key (provider, event_id)
);

create index webhook_events_received_at on webhook_events (received_at);

-- What concerns people who talk right now waits behind nothing else.
drop index jobs_due;
drop index jobs_leased;
create or replace function job_lane(kind text) returns text
    language sql immutable parallel safe
    return case
        when kind = 'push' then 'push'
        when kind in ('settle_seat', 'settle_media_room') then 'seat'
        when kind in ('reconcile_voice', 'ring_timeout', 'close_empty_room', 'leave_with_login') then 'voice'
        else 'other'
    end;
create index jobs_due on jobs (job_lane(kind), run_at) where state = 'queued';
create index jobs_leased on jobs (job_lane(kind), leased_until) where state = 'running';

-- The inbox tells of missed calls and of invitations.
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
        l.amount as coins,
        call.call_type
    from notifications n
    left join users a on a.id = n.actor_id
    left join friend_requests f on n.kind in ('friend_request', 'friend_accepted') and f.id = n.subject_id
    -- A group's name is for its members.
    left join conversation_members m
        on n.kind = 'group_added' and m.conversation_id = n.subject_id and m.user_id = n.user_id
    left join conversations c on c.id = m.conversation_id
    left join coin_ledger l on n.kind = 'coins_credited' and l.id = n.subject_id and l.user_id = n.user_id
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
              when 'call_missed' then call.id is not null
              when 'room_invited' then r.id is not null
              else false
          end;
