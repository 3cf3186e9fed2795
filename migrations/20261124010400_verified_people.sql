-- Who has shown who they are; `is_verified` tells of the telephone number.
alter table users add column identity_verified_at timestamptz;

-- Nobody decides about themselves.
alter table verifications
    add constraint verifications_not_by_oneself check (decided_by is distinct from user_id);

-- The inbox also tells of verifications.
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
        coalesce(t.item, g.gift, s.plan, report.status, verification.status) as item,
        t.amount as paise,
        coalesce(sanction.notice, verification.reason) as notice
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
    left join verifications verification
        on n.kind = 'verification_decided' and verification.id = n.subject_id and verification.user_id = n.user_id
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
              when 'verification_decided' then verification.status in ('approved', 'rejected')
              else false
          end;
