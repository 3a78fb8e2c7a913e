-- Templates: how an organisation words its mails.
--
-- One template is one kind of mail in one language. What it leaves out is said as built in. Several of one
-- kind may stand side by side: an invite names one by template_id, and without that the default of the
-- reader's language counts. Reading needs invite.read, changing organisation.update.
--
-- What people write here is text with named placeholders, {{organisation}}, checked when it is saved. The
-- body knows a little Markdown: paragraphs, lists, **bold**, *italic*, and links to allowed origins. The
-- worker draws it; no HTML ever comes of it. Why the reader gets the mail, who sends it and where the
-- button leads cannot be changed, so that no organisation can speak as another.

create table public.organisation_email_templates (
  id uuid primary key default gen_random_uuid(),
  organisation_id uuid not null references public.organisations
    on delete cascade,
  kind text not null,
  locale text not null,
  name text not null,
  subject text,
  heading text,
  body text,
  button text,
  is_default boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  failed_at timestamptz,
  failure text,
  constraint organisation_email_templates_name_key unique (
    organisation_id,
    kind,
    locale,
    name
  ),
  constraint organisation_email_templates_name check (
    usher.clean_line(name, 100) = name
  ),
  constraint organisation_email_templates_locale check (
    usher.is_locale(locale)
  ),
  constraint organisation_email_templates_says_something check (
    num_nonnulls(subject, heading, body, button) > 0
  ),
  constraint organisation_email_templates_bounds check (
    length(kind) <= 63
      and length(name) <= 100
      and length(subject) <= 200
      and length(heading) <= 200
      and length(body) <= 5000
      and length(button) <= 60
  )
);
comment on table public.organisation_email_templates
  is 'How organisations word their mails. Read with invite.read; written by functions only.';
comment on column public.organisation_email_templates.kind
  is 'Which mail; one of usher.mail_kinds().';
comment on column public.organisation_email_templates.locale
  is 'Its language, such as de or de-AT: dates and roles in the mail are said in it, too.';
comment on column public.organisation_email_templates.subject
  is 'One line with placeholders; null: as built in.';
comment on column public.organisation_email_templates.heading
  is 'One line with placeholders; null: as built in.';
comment on column public.organisation_email_templates.body
  is 'Text with placeholders and a little Markdown, in place of the mail''s first words; null: as built in.';
comment on column public.organisation_email_templates.button
  is 'One line without placeholders; null: as built in.';
comment on column public.organisation_email_templates.is_default
  is 'Whether it counts for mails of its kind and language that name no template.';

comment on column public.organisation_email_templates.failed_at
  is 'Since when mails go out as built in, because this could not be drawn; null: it can. Saving it tries it anew.';
comment on column public.organisation_email_templates.failure
  is 'What the worker said about that.';

create unique index organisation_email_templates_one_default
  on public.organisation_email_templates (organisation_id, kind, locale)
  where is_default;

alter table public.organisation_email_templates enable row level security;
create policy organisation_email_templates_select
  on public.organisation_email_templates
  for select
  to authenticated
  using (organisation_id in (select usher.organisations_where('invite.read')));
grant select on public.organisation_email_templates to authenticated, service_role;

create function usher.template_for_change(
  template_id uuid,
  lock text default 'share'
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission((
    select t.organisation_id from public.organisation_email_templates t where t.id = template_for_change.template_id),
    'organisation.update', template_for_change.lock, 'template_not_found');
  select t.* into v_template
  from public.organisation_email_templates t where t.id = template_for_change.template_id for update;
  if not found then
    perform usher.fail('template_not_found');
  end if;
  return v_template;
end
$$;
comment on function usher.template_for_change
  is 'A template, locked, for a caller with organisation.update in its organisation; otherwise a refusal.';

create function usher.save_email_template(
  template public.organisation_email_templates
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates := save_email_template.template;
  v_problem  text := usher.template_problem(v_template.kind, to_jsonb(v_template));
begin
  if v_problem is not null then
    perform usher.fail('invalid_settings', hint => v_problem);
  end if;
  if num_nonnulls(v_template.subject, v_template.heading, v_template.body, v_template.button) = 0 then
    perform usher.fail('invalid_settings', hint => 'Give one of subject, heading, body and button.');
  end if;

  -- The new default takes the place of the old one.
  if v_template.is_default then
    update public.organisation_email_templates t
    set is_default = false
    where t.organisation_id = v_template.organisation_id and t.kind = v_template.kind
      and t.locale = v_template.locale and t.is_default and t.id <> v_template.id;
  end if;
  begin
    insert into public.organisation_email_templates as t (
      id, organisation_id, kind, locale, name, subject, heading, body, button, is_default)
    values (v_template.id, v_template.organisation_id, v_template.kind, v_template.locale,
      usher.clean_name(v_template.name), usher.clean_line(v_template.subject, 200),
      usher.clean_line(v_template.heading, 200), usher.clean_text(v_template.body, 5000),
      usher.clean_line(v_template.button, 60), coalesce(v_template.is_default, false))
    on conflict (id) do update
    set locale = excluded.locale, name = excluded.name, subject = excluded.subject,
      heading = excluded.heading, body = excluded.body, button = excluded.button,
      is_default = excluded.is_default, updated_at = now(), failed_at = null, failure = null
    returning t.* into strict v_template;
  exception
    when unique_violation then
      perform usher.fail('invalid_settings',
        hint => 'There is a template of this kind, language and name already: change that one.');
  end;
  return v_template;
end
$$;
comment on function usher.save_email_template
  is 'Checks a template and writes it down, new or changed. Fails with invalid_settings, which says why.';

create function usher.template_facts(
  template public.organisation_email_templates
) returns jsonb
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select to_jsonb(template_facts.template)
    - array['id', 'organisation_id', 'created_at', 'updated_at', 'failed_at', 'failure']
$$;
comment on function usher.template_facts
  is 'What the trail says of a template: what somebody wrote, and nothing that came of it.';

create function usher.create_email_template(
  organisation_id uuid,
  draft jsonb
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  perform usher.require_permission(create_email_template.organisation_id, 'organisation.update', 'settings');
  v_template := jsonb_populate_record(null::public.organisation_email_templates, create_email_template.draft);
  v_template.id := gen_random_uuid();
  v_template.organisation_id := create_email_template.organisation_id;
  -- A template is read in whole for each mail, and an editor shows all of them at once.
  perform usher.require_room('email templates', v_template.organisation_id);
  v_template := usher.save_email_template(v_template);
  perform usher.record_event(v_template.organisation_id, 'template.created', 'template', v_template.id,
    after => usher.template_facts(v_template));
  return v_template;
end
$$;
comment on function usher.create_email_template
  is 'The rule behind public.create_organisation_email_template.';

create function public.create_organisation_email_template(
  organisation_id uuid,
  kind text,
  locale text,
  name text default 'default',
  subject text default null,
  heading text default null,
  body text default null,
  button text default null,
  is_default boolean default true
) returns public.organisation_email_templates
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  select usher.create_email_template($1, jsonb_build_object(
    'kind', $2, 'locale', $3, 'name', $4, 'subject', $5, 'heading', $6, 'body', $7, 'button', $8,
    'is_default', $9))
$$;
comment on function public.create_organisation_email_template
  is $$Words a kind of mail in one language; what is left out is said as built in.

  kind        such as invite, invite_reminder, member_roles_updated, join_approved
  locale      such as de or de-AT
  name        tells several of one kind apart: one line, 1 to 100 characters, without addresses and links
  subject     one line of at most 200 characters, with placeholders such as {{organisation}}
  heading     the same
  body        at most 5,000 characters, with placeholders and a little Markdown: paragraphs, lists, **bold**,
              *italic*, [links](https://…) to the origin of site_url or one of redirect_origins; a placeholder
              touches no letter, digit, slash or @, and no dot or colon but one that ends a sentence
  button      one line of at most 60 characters
  is_default  whether it counts for mails that name no template; takes the place of the one that did

Placeholders: organisation everywhere; for invites inviter, invitee, roles, expires_in, expires_at; what a
refusal does not know, its hint lists. Returns the template; its id is what create_organisation_invite takes.
Needs organisation.update. Fails with unauthenticated, organisation_not_found, permission_denied,
invalid_settings (hint says what is wrong).$$;
grant execute on function public.create_organisation_email_template to authenticated;
grant execute on function usher.create_email_template to authenticated;

create function usher.update_email_template(
  template_id uuid,
  changes jsonb
) returns public.organisation_email_templates
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_before  public.organisation_email_templates := usher.template_for_change(update_email_template.template_id);
  v_after   public.organisation_email_templates;
  v_unknown text;
begin
  if jsonb_typeof(update_email_template.changes) is distinct from 'object' then
    perform usher.fail('invalid_settings', hint => 'changes is an object of parts and texts.');
  end if;
  select k into v_unknown
  from jsonb_object_keys(update_email_template.changes) k
  where k not in ('locale', 'name', 'subject', 'heading', 'body', 'button', 'is_default') limit 1;
  if found then
    perform usher.fail('invalid_settings', hint => format('%L cannot be changed.', v_unknown));
  end if;
  begin
    v_after := jsonb_populate_record(v_before, update_email_template.changes);
  exception
    when data_exception or program_limit_exceeded then
      perform usher.fail('invalid_settings', hint => 'is_default is true or false.');
  end;

  v_after := usher.save_email_template(v_after);
  perform usher.record_event(v_after.organisation_id, 'template.updated', 'template', v_after.id,
    before => (select jsonb_object_agg(b.key, b.value) from jsonb_each(usher.template_facts(v_before)) b
      where to_jsonb(v_after) -> b.key <> b.value),
    after  => (select jsonb_object_agg(a.key, a.value) from jsonb_each(usher.template_facts(v_after)) a
      where to_jsonb(v_before) -> a.key <> a.value));
  return v_after;
end
$$;
comment on function usher.update_email_template
  is 'The rule behind public.update_organisation_email_template.';

create function public.update_organisation_email_template(
  template_id uuid,
  changes jsonb
) returns public.organisation_email_templates
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.update_email_template($1, $2) $$;
comment on function public.update_organisation_email_template
  is $$Changes a template; mails that go out from now on say it so.

  changes  an object with any of locale, name, subject, heading, body, button, is_default, as in
           create_organisation_email_template; what is left out stays, null: as built in

Returns the template. Needs organisation.update. Fails with unauthenticated, template_not_found (no such
template), permission_denied, invalid_settings (hint says what is wrong).$$;
grant execute on function public.update_organisation_email_template to authenticated;
grant execute on function usher.update_email_template to authenticated;

create function usher.delete_email_template(template_id uuid) returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates :=
    usher.template_for_change(delete_email_template.template_id, 'settings');
begin
  delete from public.organisation_email_templates t where t.id = v_template.id;
  perform usher.record_event(v_template.organisation_id, 'template.deleted', 'template', v_template.id,
    before => usher.template_facts(v_template));
end
$$;
comment on function usher.delete_email_template
  is 'The rule behind public.delete_organisation_email_template.';

create function public.delete_organisation_email_template(
  template_id uuid
) returns void
  language sql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select usher.delete_email_template($1) $$;
comment on function public.delete_organisation_email_template
  is $$Deletes a template; invites that name it are mailed by the default from now on. Needs organisation.update.
Fails with unauthenticated, template_not_found, permission_denied.$$;
grant execute on function public.delete_organisation_email_template to authenticated;
grant execute on function usher.delete_email_template to authenticated;

create function usher.template_for_mail(
  kind text,
  organisation_id uuid,
  locale text,
  template_id uuid
) returns public.organisation_email_templates
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select t
  from public.organisation_email_templates t
  where t.organisation_id = $2 and t.kind = $1
    and (t.id = $4 or t.is_default and t.locale in ($3, split_part($3, '-', 1)))
    -- Older than the rule, or the project has taken an origin back: better the built-in words.
    and not coalesce(usher.template_leads_astray(t.body), false)
  order by t.id is not distinct from $4 desc, length(t.locale) desc
  limit 1
$$;
comment on function usher.template_for_mail
  is $$The template that a mail is worded by: the one that its invite names, or else the default of the reader's
language, de-AT before de. Null: as built in.$$;

create function usher.fail_template(
  template_id uuid,
  failure text
) returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_template public.organisation_email_templates;
begin
  -- Once: the next thousand mails say nothing new, and do not wait for each other.
  update public.organisation_email_templates t
  set failed_at = clock_timestamp(), failure = left(fail_template.failure, 500)
  where t.id = fail_template.template_id and t.failed_at is null
  returning t.* into v_template;
  if not found then
    return false;
  end if;
  perform usher.record_event(v_template.organisation_id, 'template.failed', 'template', v_template.id,
    after      => jsonb_build_object('kind', v_template.kind, 'locale', v_template.locale, 'name', v_template.name),
    actor_kind => 'worker');
  return true;
end
$$;
comment on function usher.fail_template
  is $$Writes down that a template could not be drawn, so that its organisation and operators see it; the mail went
out as built in. For workers. Returns whether that was not known yet.

  failure  what went wrong, kept to 500 characters$$;
grant execute on function usher.fail_template to usher_worker;
