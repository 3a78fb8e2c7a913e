-- Idempotency: a create that is sent twice is carried out once.
--
-- Over HTTP an answer can get lost after the change was made. Who sends the same request again under the
-- same key gets the first answer, and nothing happens twice. A call, its key and its result are one
-- transaction: a call that was refused leaves nothing behind, so that its key is free for the next try.
-- Keys are the caller's own, and are forgotten after 24 hours.
--
-- Source: draft-ietf-httpapi-idempotency-key-header.

create table usher.idempotency_keys (
  user_id uuid not null references auth.users on delete cascade,
  key_hash bytea not null,
  request_hash bytea not null,
  result bytea not null,
  created_at timestamptz not null default now(),
  primary key (user_id, key_hash)
);
comment on table usher.idempotency_keys
  is 'What the calls of the last 24 hours that came with a key have returned.';
comment on column usher.idempotency_keys.result
  is 'Encrypted under the key, which is kept nowhere: the code of a device may be in it.';
create index idempotency_keys_created_at on usher.idempotency_keys (created_at);
alter table usher.idempotency_keys enable row level security;
create policy idempotency_keys_nobody
  on usher.idempotency_keys
  for select
  to public
  using (false);

create function usher.take_idempotency_key(
  idempotency_key text,
  request_hash bytea
) returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_kept usher.idempotency_keys;
begin
  if auth.uid() is null then
    perform usher.fail('unauthenticated');
  elsif coalesce(length(take_idempotency_key.idempotency_key), 0) not between 16 and 255
    or take_idempotency_key.idempotency_key !~ '^[!-~]+$'
  then
    perform usher.fail('invalid_settings',
      hint => 'The idempotency key is 16 to 255 visible ASCII characters, such as a new UUID.');
  end if;

  -- Held until the end of the transaction, so that a second request at the same time is told apart
  -- from one that comes later.
  if not pg_catalog.pg_try_advisory_xact_lock(hashtextextended(
    'usher.idempotency_keys:' || auth.uid() || take_idempotency_key.idempotency_key, 0)) then
    perform usher.fail('idempotency_key_in_use', headers => '{"Retry-After": "1"}');
  end if;

  -- A few at a time, and none that another caller is removing now.
  delete from usher.idempotency_keys k
  where (k.user_id, k.key_hash) in (
    select o.user_id, o.key_hash
    from usher.idempotency_keys o
    where o.created_at < now() - interval '24 hours'
    order by o.created_at
    limit 100
    for update skip locked
  );

  select k.* into v_kept
  from usher.idempotency_keys k
  where k.user_id = auth.uid()
    and k.key_hash = sha256(convert_to(take_idempotency_key.idempotency_key, 'UTF8'))
    and k.created_at >= now() - interval '24 hours';
  if not found then
    return null;
  elsif v_kept.request_hash <> take_idempotency_key.request_hash then
    perform usher.fail('idempotency_key_reused');
  end if;
  return extensions.pgp_sym_decrypt(v_kept.result, take_idempotency_key.idempotency_key)::jsonb;
end
$$;
comment on function usher.take_idempotency_key
  is $$Takes the caller's key until the end of the transaction. Returns the result kept under it, null when there
is none. Fails with unauthenticated, invalid_settings, idempotency_key_in_use, idempotency_key_reused.$$;
grant execute on function usher.take_idempotency_key to authenticated;

create function usher.keep_idempotent_result(
  idempotency_key text,
  request_hash bytea,
  result jsonb
) returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  insert into usher.idempotency_keys as k (user_id, key_hash, request_hash, result)
  values (auth.uid(), sha256(convert_to($1, 'UTF8')), $2, extensions.pgp_sym_encrypt($3::text, $1))
  -- Of a key that has run out and is not swept yet.
  on conflict on constraint idempotency_keys_pkey do update
  set request_hash = excluded.request_hash, result = excluded.result, created_at = excluded.created_at
  where k.created_at < now() - interval '24 hours'
$$;
comment on function usher.keep_idempotent_result
  is 'Keeps what a call has returned under the key that take_idempotency_key has taken.';
grant execute on function usher.keep_idempotent_result to authenticated;

create function usher.call_statement(
  function_name text,
  arguments jsonb
) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_function pg_catalog.pg_proc;
  v_problem  text;
  v_list     text;
  v_columns  text;
begin
  select p.* into v_function
  from pg_catalog.pg_proc p
  where p.pronamespace = 'public'::regnamespace
    and p.proname = call_statement.function_name
    and p.proname ~ '^create_organisation(_|$)';
  if not found then
    perform usher.fail('invalid_settings', hint => 'function_name is one of the create_organisation functions.');
  elsif jsonb_typeof(call_statement.arguments) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'arguments is an object.');
  end if;

  select
    string_agg(format('%I => a.%1$I', n.name), ', ') filter (where n.is_given),
    string_agg(format('%I %s', n.name, pg_catalog.format_type(n.type, null)), ', ') filter (where n.is_given),
    string_agg(n.name || ' is missing.', ' ')
      filter (where not n.is_given and n.place <= v_function.pronargs - v_function.pronargdefaults)
  into v_list, v_columns, v_problem
  from (
    select t.name, t.type, t.place, call_statement.arguments ? t.name as is_given
    from unnest(v_function.proargnames, v_function.proargtypes::oid[]) with ordinality t (name, type, place)
  ) n;
  select coalesce(v_problem, string_agg(k.name || ' is not an argument of it.', ' ')) into v_problem
  from jsonb_object_keys(call_statement.arguments) k (name)
  where k.name <> all (v_function.proargnames);
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;

  -- What is not of its kind is refused in words, and before the call: an error within it is another thing.
  begin
    execute format('select from jsonb_to_record($1) a(%s)', v_columns) using call_statement.arguments;
  exception
    when data_exception or program_limit_exceeded then
      -- A length of time that is none has the code of one that is too long.
      perform usher.fail(
        case when sqlerrm ~ '^(invalid input syntax for type )?interval[ :]'
          then 'invalid_expiry' else 'invalid_settings' end,
        hint => 'An argument is not of its kind: ' || sqlerrm);
  end;

  return format(
    'select %s from jsonb_to_record($1) a(%s) cross join lateral public.%I(%s) f',
    case when v_function.proretset then $sql$coalesce(jsonb_agg(to_jsonb(f)), '[]')$sql$ else 'to_jsonb(f)' end,
    v_columns, v_function.proname, v_list);
end
$$;
comment on function usher.call_statement
  is $$The statement that calls a create_organisation function with the arguments in $1, named as in SQL. Every name
in it comes from the catalog. Fails with invalid_settings.$$;
grant execute on function usher.call_statement to authenticated;

create type public.organisation_call as (
  result jsonb,
  is_replay boolean
);
comment on type public.organisation_call
  is 'What a call has returned, and whether that was kept from an earlier one with the same key.';

create function usher.call_function_once(
  idempotency_key text,
  function_name text,
  arguments jsonb
) returns public.organisation_call
  language plpgsql
  volatile
  -- The caller's own rights: what they may not call, they may not call once.
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_hash bytea := sha256(
    convert_to(call_function_once.function_name || call_function_once.arguments::text, 'UTF8'));
  v_call public.organisation_call;
begin
  v_call.result := usher.take_idempotency_key(call_function_once.idempotency_key, v_hash);
  v_call.is_replay := v_call.result is not null;
  if not v_call.is_replay then
    execute usher.call_statement(call_function_once.function_name, call_function_once.arguments)
    into strict v_call.result
    using call_function_once.arguments;
    perform usher.keep_idempotent_result(call_function_once.idempotency_key, v_hash, v_call.result);
  end if;
  return v_call;
end
$$;
comment on function usher.call_function_once
  is 'The rule behind public.call_organisation_function_once.';

create function public.call_organisation_function_once(
  idempotency_key text,
  function_name text,
  arguments jsonb
) returns public.organisation_call
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.call_function_once($1, $2, $3) $$;
comment on function public.call_organisation_function_once
  is $$Calls one of the create_organisation functions, but only once for each key: called again with the same key
and the same arguments, it does nothing and returns what the first call has returned.

  idempotency_key  16 to 255 visible ASCII characters, such as a new UUID; kept for 24 hours, for the caller
  function_name    such as create_organisation_invite
  arguments        an object of its arguments, named as in SQL

Returns the result of the function and whether it is that of an earlier call. Needs what the function
needs. Fails as the function does, and then keeps nothing; and with unauthenticated, invalid_settings,
idempotency_key_in_use (the first call still runs), idempotency_key_reused (for other arguments).$$;
grant execute on function public.call_organisation_function_once to authenticated;
grant execute on function usher.call_function_once to authenticated;
