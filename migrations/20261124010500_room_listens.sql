-- Which of the staff hears which room without being seen, and until when; others who are hidden there are sent out.
create table room_listens (
    livekit_room  text not null,
    user_id       uuid not null references users (id),
    until         timestamptz not null,
    primary key (livekit_room, user_id)
);

create index room_listens_until on room_listens (until);
create index room_listens_user_id on room_listens (user_id);
