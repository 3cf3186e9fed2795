-- Work that must happen after a commit, queued inside it and done at least once by whichever replica takes it.

create table jobs (
    id            uuid primary key,
    kind          text not null,
    payload       jsonb not null default '{}',
    -- At most one waiting job bears a name: how a periodic job queues its next run exactly once.
    unique_name   text,
    state         text not null default 'queued'
                  constraint jobs_state_known check (state in ('queued', 'running', 'done', 'dead')),
    run_at        timestamptz not null,
    attempts      integer not null default 0,
    max_attempts  integer not null default 10 constraint jobs_max_attempts_positive check (max_attempts > 0),
    -- A worker that dies holds its job no longer than this.
    leased_until  timestamptz,
    last_error    text,
    created_at    timestamptz not null,
    finished_at   timestamptz,
    constraint jobs_lease_while_running check ((state = 'running') = (leased_until is not null)),
    constraint jobs_finish_when_over check ((state in ('done', 'dead')) = (finished_at is not null))
);

create unique index jobs_unique_name_key on jobs (unique_name) where state = 'queued' and unique_name is not null;
create index jobs_due on jobs (run_at) where state = 'queued';
create index jobs_leased on jobs (leased_until) where state = 'running';
create index jobs_done on jobs (finished_at) where state = 'done';
create index jobs_dead on jobs (finished_at) where state = 'dead';
