-- The outbox: what has just happened, and has still to be followed by mails and webhook calls.
--
-- A change writes its line of the trail, and here one narrow row that says "this line is fresh", in its own
-- transaction. usher.fan_out (70_worker/02_fan_out.sql) takes rows and writes all that follows in the transaction
-- that deletes them: exactly once. So a change costs its caller the same however many hear of it.
--
-- No NOTIFY: it makes commits wait for each other.

create table usher.outbox (
  is_bulk boolean not null default false,
  id bigint generated always as identity,
  event_id uuid not null,
  attempts smallint not null default 0,
  due_at timestamptz,
  last_error text,
  -- What somebody waits for comes before what went in by the thousand.
  primary key (is_bulk, id),
  constraint outbox_bounds check (length(last_error) <= 1000)
)
  with (
    -- Rows live for less than a second, and scans read over those that are gone.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_vacuum_cost_delay = 0
  );
comment on table usher.outbox
  is 'Lines of the trail that nothing has followed yet: one row each, for less than a second.';
comment on column usher.outbox.is_bulk
  is 'One of many that came in one call: single ones go first.';
comment on column usher.outbox.due_at
  is 'When it is tried again; null: at once.';
comment on column usher.outbox.last_error
  is 'Why it could not be followed, at most 1,000 characters.';
alter table usher.outbox enable row level security;
create policy outbox_nobody on usher.outbox for select to public using (false);
