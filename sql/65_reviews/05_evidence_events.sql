-- The events of a package of evidence, page by page, as they were hashed: whoever has them can compute the seals
-- again. The package itself is in 04_evidence.sql.

create type public.organisation_evidence_event as (
  seal_number integer,
  position integer,
  event_id uuid,
  event_hash text,
  personal_hash text,
  personal_salt text,
  event text,
  personal text
);
comment on type public.organisation_evidence_event
  is 'An event of the trail, as the texts that its seal was made of.';

create function usher.collect_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer,
  page_size integer
) returns setof public.organisation_evidence_event
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if collect_evidence_events.page_size is null or collect_evidence_events.page_size not between 1 and 5000 then
    perform usher.fail('invalid_settings', hint => 'page_size is 1 to 5,000.');
  end if;
  -- No events are not those of a mistaken id.
  if not exists (
    select from usher.audit_seals a where a.organisation_id = collect_evidence_events.organisation_id)
    and not exists (
      select from public.organisations o where o.id = collect_evidence_events.organisation_id)
  then
    perform usher.fail('organisation_not_found');
  end if;
  return query
    select s.seal_number, s.position, s.event_id, encode(s.hash, 'hex'), encode(s.personal_hash, 'hex'),
      encode(s.personal_salt, 'hex'),
      case when e.id is not null then usher.event_text(e) end,
      case when e.id is not null then usher.personal_text(e) end
    from (
      select c.*
      from usher.sealed_events c
      where c.organisation_id = collect_evidence_events.organisation_id
        and (c.seal_number, c.position) >
          (collect_evidence_events.after_seal, collect_evidence_events.after_position)
      order by c.seal_number, c.position
      limit collect_evidence_events.page_size
    ) s
    -- After the period only what tells that older events were removed.
    left join public.organisation_audit_events e
      on e.id = s.event_id and (s.seal_number <= collect_evidence_events.last_seal or e.event = 'audit.purged')
    order by s.seal_number, s.position;
end
$$;
comment on function usher.collect_evidence_events
  is $$A page of the events of an evidence package, whoever asks. For operators and usher.list_evidence_events. Fails
with organisation_not_found where there never was one, invalid_settings.$$;

create function usher.list_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer,
  page_size integer
) returns setof public.organisation_evidence_event
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  perform usher.require_permission(list_evidence_events.organisation_id, 'audit.read');
  return query
    select * from usher.collect_evidence_events(list_evidence_events.organisation_id,
      list_evidence_events.last_seal, list_evidence_events.after_seal, list_evidence_events.after_position,
      list_evidence_events.page_size);
end
$$;
comment on function usher.list_evidence_events
  is 'The rule behind public.list_organisation_evidence_events.';

create function public.list_organisation_evidence_events(
  organisation_id uuid,
  last_seal integer,
  after_seal integer,
  after_position integer default 0,
  page_size integer default 1000
) returns json
  language sql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(json_agg(e order by e.seal_number, e.position), '[]')
  from usher.list_evidence_events($1, $2, $3, $4, $5) e
$$;
comment on function public.list_organisation_evidence_events
  is $$The sealed events of the trail, oldest seal first, a page at a time. What is sealed never changes, so that pages
fetched one after the other fit together.

  last_seal                   up to this seal, events come with what they say; later ones with their hashes only
  after_seal, after_position  those of the last event of the page before; at first, first_seal of
                              export_organisation_evidence and 0
  page_size                   1 to 5,000

Returns one array of events: seal_number, position, event_id, event_hash, personal_hash, personal_salt, event,
personal; fewer than page_size means that there are no more. event and personal are the very texts whose
SHA-256 (of personal with the salt before it) are event_hash and personal_hash; both are null for an event whose
time was over, the salt for one that was erased. Needs audit.read. Fails with unauthenticated,
organisation_not_found, permission_denied, invalid_settings.$$;
grant execute on function public.list_organisation_evidence_events to authenticated;
grant execute on function usher.list_evidence_events to authenticated;
