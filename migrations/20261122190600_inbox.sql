-- What somebody may see of their notifications, and what each speaks of now. The one predicate: an entry whose actor its
-- reader cannot meet, or whose subject is gone, is not there, and does not count.

create view inbox as
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
        c.name as group_name,
        l.amount as coins
    from notifications n
    left join users a on a.id = n.actor_id
    left join friend_requests f on n.kind in ('friend_request', 'friend_accepted') and f.id = n.subject_id
    -- A group's name is for its members.
    left join conversation_members m
        on n.kind = 'group_added' and m.conversation_id = n.subject_id and m.user_id = n.user_id
    left join conversations c on c.id = m.conversation_id
    left join coin_ledger l on n.kind = 'coins_credited' and l.id = n.subject_id and l.user_id = n.user_id
    where (n.actor_id is null or a.status not in ('deleted', 'banned'))
      and not exists (select from blocked_pairs b where b.one = n.user_id and b.other = n.actor_id)
      and case n.kind
              when 'friend_request' then f.status in ('pending', 'accepted')
              when 'friend_accepted' then f.status = 'accepted'
              when 'group_added' then c.id is not null
              when 'coins_credited' then l.id is not null
              else false
          end;

-- Pushes are many and wait on somebody else; what else is due must be found without walking past them. A text, since
-- PostgreSQL turns a comparison with `false` into a condition that no index over a boolean serves.
create function job_lane(kind text) returns text
    language sql immutable parallel safe
    return case kind when 'push' then 'push' else 'other' end;

drop index jobs_due;
create index jobs_due on jobs (job_lane(kind), run_at) where state = 'queued';
drop index jobs_leased;
create index jobs_leased on jobs (job_lane(kind), leased_until) where state = 'running';
