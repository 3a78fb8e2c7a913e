-- Links are found beside any sign and at little cost; placeholders of templates are not continued; titles are names.

set local check_function_bodies = off;

DROP FUNCTION "usher"."top_level_domains"();

CREATE OR REPLACE FUNCTION usher.clean_line(value text, max_length integer)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_line text;
begin
  -- Measured before anything else is done with it: blanks around it go, and four characters may become one.
  if length(clean_line.value) > 4 * clean_line.max_length then
    return null;
  end if;
  -- Marks of direction around it turn nothing, and keyboards of Arabic and Hebrew leave them there.
  v_line := usher.nfc(btrim(clean_line.value, e' \u200e\u200f'));
  return case
    when v_line !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]'
      and length(v_line) between 1 and clean_line.max_length
    then v_line
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.create_invites(organisation_id uuid, drafts jsonb)
 RETURNS SETOF public.organisation_invite_result
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  v_member  public.organisation_members :=
    usher.require_permission(create_invites.organisation_id, 'invite.create', 'share');
  v_ttl     interval;
  v_emails  text[];
  v_results public.organisation_invite_result[];
  v_created integer;
  v_created_at timestamptz := clock_timestamp();
  v_ids     uuid[];
  v_afters  jsonb[];
begin
  if jsonb_typeof(create_invites.drafts) is distinct from 'array' then
    perform usher.fail('invalid_settings', hint => 'invites is an array of objects.');
  end if;
  if jsonb_array_length(create_invites.drafts) > 10000 then
    perform usher.fail('batch_too_large');
  end if;

  select o.invite_ttl into strict v_ttl
  from public.organisations o where o.id = create_invites.organisation_id;
  perform usher.require_free_seat(create_invites.organisation_id);

  -- Each address and each set of roles is looked at once: a batch has many rows and few kinds of them. A row may
  -- be anything that JSON has: a field of it that is not there, or not of its kind, is that row's own fault.
  select array_agg(usher.normalise_email(d.item ->> 'email') order by d.n) into v_emails
  from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n);
  -- An invite that is past its time must not stand in the way of a new one.
  perform usher.expire_overdue_invites(create_invites.organisation_id, v_emails);

  with draft as materialized (
    select
      d.n::integer as row_number,
      gen_random_uuid() as id,
      coalesce(a.address, left(d.item ->> 'email', 1016)) as email,
      a.address,
      d.item,
      coalesce(d.item -> 'roles', 'null') as given_roles,
      case when d.item ->> 'expires_in' is null then v_ttl
        else usher.invite_lifetime(d.item ->> 'expires_in', v_ttl) end as lifetime,
      d.item ->> 'message' as given_message,
      case when d.item ->> 'message' is not null
        then usher.clean_text(d.item ->> 'message', 1000) end as message,
      d.item ->> 'locale' as locale,
      d.item ->> 'redirect_to' as redirect_to,
      coalesce(nullif(d.item -> 'metadata', 'null'), '{}') as metadata,
      left(d.item ->> 'template_id', 37) as template_id,
      d.item ->> 'membership_ends_at' as given_end,
      usher.read_time(d.item ->> 'membership_ends_at') as membership_ends_at
    from jsonb_array_elements(create_invites.drafts) with ordinality d (item, n)
    join unnest(v_emails) with ordinality a (address, n) on a.n = d.n
  ),
  role_set as materialized (
    select c.given_roles, c.roles,
      usher.roles_problem(create_invites.organisation_id, c.roles, v_member.roles) as problem,
      -- Nobody gives for longer than they have.
      case when v_member.next_end_at is not null
        then nullif(usher.giving_ends_at(v_member, 'invite.create', c.roles), 'infinity') end as giving_ends_at
    from (
      select g.given_roles, case
        when jsonb_typeof(g.given_roles) <> 'array' or not g.given_roles @? 'strict $ ? (@.size() <= 1000)' then null
        when not g.given_roles @? 'strict $[*] ? (@.type() <> "string")' then usher.clean_roles(array(select jsonb_array_elements_text(g.given_roles))) end as roles
      from (select distinct d.given_roles from draft d) g
    ) c
  ),
  -- Once for each row: the problem is asked for several times below, and a message is read for it.
  judged as materialized (
    select d.*, t.id as checked_template_id, r.roles, p.invite_id as open_invite_id,
      coalesce(d.membership_ends_at, r.giving_ends_at) as ends_at,
      case
        when d.address is null then 'invalid_email'
        when r.problem is not null then r.problem
        when d.lifetime is null or jsonb_typeof(d.item -> 'expires_in') not in ('string', 'null')
          then 'invalid_expiry'
        when d.given_end is not null
          and (coalesce(d.membership_ends_at <= now() + interval '1 hour', true)
            or d.membership_ends_at > r.giving_ends_at) then 'invalid_expiry'
        when d.given_message is not null and d.message is null
          or jsonb_typeof(d.item -> 'message') not in ('string', 'null')
          or exists (select from usher.find_links(d.message)) then 'invalid_message'
        when d.redirect_to is not null and not usher.is_redirect(d.redirect_to) then 'invalid_redirect'
        when d.locale is not null and not usher.is_locale(d.locale) then 'invalid_settings'
        when jsonb_typeof(d.metadata) <> 'object'
          or pg_column_size(d.metadata) > 8192 then 'invalid_settings'
        when d.template_id is not null and t.id is null then 'invalid_settings'
        when p.problem is not null then p.problem
        when p.invite_id is not null then 'already_invited'
      end as problem
    from draft d
    join role_set r on r.given_roles = d.given_roles
    left join public.organisation_email_templates t
      on t.id::text = lower(d.template_id) and t.organisation_id = create_invites.organisation_id
      and t.kind = 'invite'
    left join usher.recipient_problems(create_invites.organisation_id, v_emails) p on p.email = d.address
  ),
  -- Of two good rows for one address, the first is sent.
  ranked as (
    select j.*, first_value(j.id) over (
      partition by j.address, j.problem is null order by j.row_number) as first_id
    from judged j
  ),
  inserted as (
    insert into usher.invites (
      id, organisation_id, email, roles, message, locale, redirect_to, metadata, template_id,
      invited_by, inviter_kind, lifetime, membership_ends_at, expires_at, created_at)
    select r.id, create_invites.organisation_id, r.address, r.roles, nullif(r.message, ''), r.locale, r.redirect_to,
      r.metadata, r.checked_template_id, v_member.user_id,
      case when usher.acts_as_directory() then 'directory' else 'user' end, r.lifetime, r.ends_at,
      usher.invite_end(r.lifetime, r.ends_at),
      -- Listed in the order in which they were given.
      v_created_at + r.row_number * interval '1 microsecond'
    from ranked r
    where r.problem is null and r.first_id = r.id
    -- Two batches with the same addresses wait for each other in one order.
    order by r.address
    -- Someone else may be inviting the same address at this moment; theirs stands then.
    on conflict do nothing
    returning id
  )
  select array_agg(
    case when i.id is not null
      then row(r.row_number, r.email, 'created', r.id, null, null)::public.organisation_invite_result
      else row(r.row_number, r.email, 'failed', null, coalesce(r.problem, 'already_invited'),
        case when coalesce(r.problem, 'already_invited') = 'already_invited'
          then coalesce(r.open_invite_id, nullif(r.first_id, r.id))::text end)::public.organisation_invite_result
    end order by r.row_number)
  into v_results
  from ranked r
  left join inserted i on i.id = r.id;

  select count(*)::integer into v_created from unnest(v_results) r where r.status = 'created';
  if v_created > 0 then
    perform usher.take_allowance('invites:' || create_invites.organisation_id, v_created,
      (select s.invites_per_day from usher.settings s), interval '1 day');
    perform usher.require_room_for_invites(create_invites.organisation_id);
    select array_agg(i.id order by r.row_number),
      array_agg(jsonb_build_object('roles', i.roles, 'expires_at', i.expires_at)
        || case when i.membership_ends_at is null then '{}'
          else jsonb_build_object('membership_ends_at', i.membership_ends_at) end order by r.row_number)
    into v_ids, v_afters
    from unnest(v_results) r join usher.invites i on i.id = r.invite_id
    where r.status = 'created';
    perform usher.record_events(create_invites.organisation_id, 'invite.created', 'invite', v_ids,
      null, v_afters, null, null);
    -- One that somebody waits for does not stand behind ten thousand.
    perform usher.enqueue_invites(v_ids, is_bulk => v_created > 20);
    perform usher.wake_worker();
  end if;

  return query select r.* from unnest(v_results) r order by r.row_number;
end
$function$;

CREATE OR REPLACE FUNCTION usher.find_links(value text)
 RETURNS SETOF text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_text   text := find_links.value;
  v_found  text[];
  v_labels text[];
  -- With a scheme, whichever, or what a browser reads as one; an address; www.
  v_plain constant text :=
    '((?:[a-z][a-z0-9+-]*:[/\\]{2}|(?:h..ps?|ftp|mailto|javascript|data|tel|sms|callto|facetime|skype|whatsapp):[^\s])[^\s]*'
    '|[/\\]{2}[^\s/\\][^\s]*'
    '|[^\s@<>"(),;:]+@(?:[^\s@.]+\.)+[^\s@.,;:!?<>")]+|[^\s@<>"(),;:]+@\[[^\s]*'
    '|\mwww\d?\.[^\s]+)';
  -- A label of a domain: letters, marks and digits of any script, hyphens. A symbol ends it, and no class holds those. But
  -- a domain may begin with a picture.
  v_first  text := '(?:[^[:space:][:punct:]]|[_-])';
  v_label  text :=
    '(?:[^[:space:][:punct:]\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf'
    '\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u02e5-\u02ff\u0375\u0384\u0385\u03f6\u0482\u058d-\u058f\u0606-\u060f\u06de\u06e9'
    '\u06fd\u06fe\u0e3f\u17db\u1fbd-\u1fc1\u2000-\u2bff\u2e80-\u3004\u3012-\u3020\u3036-\u303f\u309b\u309c\u3190-\u319f'
    '\u31c0-\u31ef\u3200-\u33ff\u4dc0-\u4dff\ufdfc-\ufdff\ufe62-\ufe69\ufff0-\uffff\U0001d000-\U0001d3ff'
    '\U0001f000-\U0001ffff]|[_-])';
  -- What cannot be seen.
  v_hidden constant text :=
    '[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]';
begin
  -- Most text holds none of the signs that make a link, nor of those that look like them.
  if v_text is null or v_text !~* '[.@:\\]|//|dot|[^\u0001-\u007f]' then
    return;
  end if;
  if v_text ~ '[^\u0001-\u007f]' then
    if usher.is_heaped(v_text) then
      return next left(v_text, 30);
      return;
    end if;
    -- As a browser reads it: full-width signs as their narrow ones, and what cannot be seen not at all. And as a program
    -- reads it that looks for the end of a link: there, such signs end it, and ™ is not the letters "tm".
    v_text := normalize(regexp_replace(v_text, v_hidden, '', 'g')
      || case when v_text ~ '[\u00a0-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]' or v_text ~ v_hidden then
        e'\n' || regexp_replace(regexp_replace(v_text, v_hidden, ' ', 'g'),
          '[\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2070-\u2bff\u3200-\u33ff\U0001f000-\U0001ffff]', ' ', 'g')
      else '' end, nfkc);
    -- A full stop of Chinese ends a sentence, and is the dot of a domain.
    v_text := lower(replace(v_text, '。', '.') collate "und-x-icu");
  else
    v_text := lower(v_text);
    v_label := '[a-z0-9_-]';
    v_first := v_label;
  end if;
  -- What is to be typed by hand, so that no program sees it.
  if v_text ~ '[\[({]' then
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*', '.', 'g');
    v_text := regexp_replace(v_text, '\s*[\[({]\s*(?:@|at)\s*[\])}]\s*', '@', 'g');
  end if;

  if v_text ~ '[@:/\\]|www' then
    for v_found in select m from regexp_matches(v_text, v_plain, 'g') m loop
      return next v_found [1];
    end loop;
    if found then
      v_text := regexp_replace(v_text, v_plain, ' ', 'g');
    end if;
  end if;

  if v_text !~ '\.[^\s]' then
    return;
  end if;
  -- By itself, and mail programs make a link of it: an IPv4 address, or a label that is followed by a top level domain.
  for v_found in
    select m from regexp_matches(v_text,
      ('(' || v_first || '+\.(?:' || v_label || '+\.)*' || v_label || '+)(\.*(?:[/?#\\]|:\d)[^\s]?)?') collate "und-x-icu", 'g') m
  loop
    v_labels := string_to_array(v_found [1], '.');
    if usher.top_level_domains() ?| v_labels [2:] and not usher.is_title(v_labels, v_found [2] is null)
      or v_found [1] like '%.xn--%' or v_found [1] ~ '^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$'
    then
      return next v_found [1];
    end if;
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION usher.is_title(labels text[], is_alone boolean)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_last text := is_title.labels [cardinality(is_title.labels)];
begin
  -- What firms are called by law, and degrees: Müller GmbH & Co.KG, Ann Smith M.Sc.
  return is_title.is_alone and (
    array_to_string(is_title.labels, '.') in ('co.kg', 'co.ltd', 'pty.ltd', 'pvt.ltd', 'm.sc', 'b.sc')
    or v_last not in (
      'com', 'net', 'org', 'info', 'biz', 'co', 'io', 'ai', 'me', 'cc', 'tv', 'to', 'ly', 'gl', 'gg', 'app', 'dev', 'xyz',
      'link', 'click', 'page', 'site', 'online', 'shop', 'store', 'top', 'icu', 'club', 'live', 'new', 'web', 'cloud')
    and not exists (
      select from unnest(is_title.labels [:cardinality(is_title.labels) - 1]) l
      where l not in (
        'dr', 'prof', 'mag', 'mr', 'mrs', 'ms', 'mx', 'st', 'ste', 'sr', 'jr', 'dipl', 'ing', 'med', 'dent', 'vet',
        'phil', 'rer', 'nat', 'jur', 'iur', 'oec', 'pol', 'habil')
      -- Domains of one letter are known under two letters, such as t.co, and elsewhere next to none is given.
      and not (l ~ ('^[[:alpha:]]$' collate "und-x-icu") and length(v_last) > 2)));
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_as_read(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  return regexp_replace(regexp_replace(regexp_replace(regexp_replace(template_as_read.value,
    '\{\{[^{}]*\}\}', e'\u0001', 'g'),
    '\]\([^\s()]*\)', '', 'g'),
    -- A backslash shows the sign that follows it, which then is none of Markdown.
    '\\([!-/:-@\[-`{-~])', '\1', 'g'),
    '<[/a-z]?>|[*_~`\[]', '', 'gi');
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_problem(kind text, template jsonb)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_allowed text[] := (select k.placeholders from usher.mail_kinds() k where k.kind = template_problem.kind);
  v_part    record;
  v_unknown text;
  v_link    text;
begin
  if v_allowed is null then
    return format('There is no mail of the kind %L.', left(template_problem.kind, 100));
  end if;
  if not coalesce(usher.is_locale(template_problem.template ->> 'locale'), false) then
    return 'locale is a language such as de or de-AT.';
  end if;
  if usher.clean_name(template_problem.template ->> 'name') is null then
    return 'name is one line of 1 to 100 characters that can be seen, without addresses and links.';
  end if;

  for v_part in
    select p.name, template_problem.template ->> p.name as value,
      case p.name when 'body' then usher.clean_text(template_problem.template ->> p.name, 5000)
        else usher.clean_name(template_problem.template ->> p.name, p.max_length, may_link => true) end as clean
    from (values ('subject', 200), ('heading', 200), ('body', 5000), ('button', 60)) p (name, max_length)
  loop
    continue when v_part.value is null;
    if coalesce(v_part.clean, '') = '' then
      return format('%s is %s that can be seen, without control characters, or null.', v_part.name,
        case v_part.name when 'body' then 'text of 1 to 5,000 characters'
          when 'button' then 'one line of 1 to 60 characters' else 'one line of 1 to 200 characters' end);
    end if;
    select m.found [1] into v_unknown
    -- On one line, as it is read when it is filled: a line break inside ends the paragraph first.
    from regexp_matches(v_part.clean, '\{\{ *([^{}]*?) *\}\}', 'g') m (found)
    where m.found [1] <> all (v_allowed) or v_part.name = 'button'
    limit 1;
    if found then
      return format('%s: there is no placeholder {{%s}} here; %s.', v_part.name, v_unknown,
        case v_part.name when 'button' then 'a button has none'
          else 'there are {{' || array_to_string(v_allowed, '}}, {{') || '}}' end);
    end if;
    if regexp_replace(v_part.clean, '\{\{[^{}]*\}\}', '', 'g') ~ '\{\{|\}\}' then
      return format('%s: a placeholder is {{name}}, in two braces on each side.', v_part.name);
    end if;
    -- A link must lead where whoever saved it saw it lead.
    if v_part.name = 'body' then
      if v_part.clean ~ '\]\((?!https://[^\s{}()]+\))' then
        return 'body: a link is [words](https://…), to an https address without spaces, brackets or placeholders.';
      elsif usher.template_leads_astray(v_part.clean) then
        return 'body: a link leads to the origin of the project''s pages, or to one of its redirect_origins.';
      end if;
    end if;
    -- Mail programs make links of these as well; whatever fills a placeholder may be the end of one. An address that
    -- answers may go to anyway may stand here, too.
    if usher.template_touches(v_part.clean) is not null then
      return format('%s: between a placeholder and letters, digits, other placeholders and the signs . : / @ stands a '
        'blank, so that they make no link together. A dot or colon behind one may end a sentence.', v_part.name);
    end if;
    select l into v_link
    from unnest(array[
      regexp_replace(regexp_replace(v_part.clean, '\]\([^\s()]*\)', ' ', 'g'), '\{\{[^{}]*\}\}', 'com', 'g'),
      replace(usher.template_as_read(v_part.clean), e'\u0001', 'com')]) t (as_read)
    cross join usher.find_links(t.as_read) l
    where not usher.may_take_answers((template_problem.template ->> 'organisation_id')::uuid,
      usher.normalise_email(l))
    limit 1;
    if found then
      return format('%s: %L would be a link. One to an allowed origin is [words](https://…), in the body alone; an '
        'address is that of a member, or of a verified domain.', v_part.name, left(v_link, 100));
    end if;
  end loop;
  return usher.markdown_problem(usher.clean_text(template_problem.template ->> 'body', 5000));
end
$function$;

CREATE OR REPLACE FUNCTION usher.template_touches(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_read text := usher.template_as_read(template_touches.value);
  v_near text;
begin
  -- Letters of scripts that have no blanks between words may touch one, where they cannot be a part of a top level domain.
  v_near := substring(v_read from (
    '(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[.:/@\\．：／＠。｡․﹒]'
    '|[\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\u0001]|--)\u0001') collate "und-x-icu");
  v_near := coalesce(v_near, substring(v_read from (
    '\u0001(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[/@\\／＠]|--'
    '|[\u0300-\u036f\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]'
    -- What ends a sentence may stand behind one.
    '|[.:．：。｡․﹒]+[[:alnum:]/@\\\u0001])') collate "und-x-icu"));
  return coalesce(v_near, (
    select n.near
    from (
      select m.found [1], '%' || m.found [1]
      from regexp_matches(v_read, '\u0001([^[:space:][:punct:]\u0001]+)' collate "und-x-icu", 'g') m (found)
      union all
      select m.found [1], m.found [1] || '%'
      from regexp_matches(v_read, '[.．。｡․﹒]([^[:space:][:punct:]\u0001]+)\u0001' collate "und-x-icu", 'g') m (found)
    ) n (near, pattern)
    where exists (select from jsonb_object_keys(usher.top_level_domains()) d (name) where d.name like n.pattern)
    limit 1));
end
$function$;

CREATE OR REPLACE FUNCTION usher.top_level_domains()
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- By key, so that a label is looked up; immutable, so that it is made once for each session.
  select jsonb_object_agg(d.name, true) from regexp_split_to_table(btrim('
    aaa aarp abb abbott abbvie abc able abogado abudhabi ac academy accenture accountant accountants aco actor ad
    ads adult ae aeg aero aetna af afl africa ag agakhan agency ai aig airbus airforce airtel akdn al alibaba alipay
    allfinanz allstate ally alsace alstom am amazon americanexpress americanfamily amex amfam amica amsterdam
    analytics android anquan anz ao aol apartments app apple aq aquarelle ar arab aramco archi army arpa art arte as
    asda asia associates at athleta attorney au auction audi audible audio auspost author auto autos aw aws ax axa
    az azure ba baby baidu banamex band bank bar barcelona barclaycard barclays barefoot bargains baseball
    basketball bauhaus bayern bb bbc bbt bbva bcg bcn bd be beats beauty beer berlin best bestbuy bet bf bg bh
    bharti bi bible bid bike bing bingo bio biz bj black blackfriday blockbuster blog bloomberg blue bm bms bmw bn
    bnpparibas bo boats boehringer bofa bom bond boo book booking bosch bostik boston bot boutique box br bradesco
    bridgestone broadway broker brother brussels bs bt build builders business buy buzz bv bw by bz bzh ca cab cafe
    cal call calvinklein cam camera camp canon capetown capital capitalone car caravan cards care career careers
    cars casa case cash casino cat catering catholic cba cbn cbre cc cd center ceo cern cf cfa cfd cg ch chanel
    channel charity chase chat cheap chintai christmas chrome church ci cipriani circle cisco citadel citi citic
    city ck cl claims cleaning click clinic clinique clothing cloud club clubmed cm cn co coach codes coffee college
    cologne com commbank community company compare computer comsec condos construction consulting contact
    contractors cooking cool coop corsica country coupon coupons courses cpa cr credit creditcard creditunion
    cricket crown crs cruise cruises cu cuisinella cv cw cx cy cymru cyou cz dad dance data date dating datsun day
    dclk dds de deal dealer deals degree delivery dell deloitte delta democrat dental dentist desi design dev dhl
    diamonds diet digital direct directory discount discover dish diy dj dk dm dnp do docs doctor dog domains dot
    download drive dtv dubai dupont durban dvag dvr dz earth eat ec eco edeka edu education ee eg email emerck
    energy engineer engineering enterprises epson equipment er ericsson erni es esq estate et eu eurovision eus
    events exchange expert exposed express extraspace fage fail fairwinds faith family fan fans farm farmers fashion
    fast fedex feedback ferrari ferrero fi fidelity fido film final finance financial fire firestone firmdale fish
    fishing fit fitness fj fk flickr flights flir florist flowers fly fm fo foo food football ford forex forsale
    forum foundation fox fr free fresenius frl frogans frontier ftr fujitsu fun fund furniture futbol fyi ga gal
    gallery gallo gallup game games gap garden gay gb gbiz gd gdn ge gea gent genting george gf gg ggee gh gi gift
    gifts gives giving gl glass gle global globo gm gmail gmbh gmo gmx gn godaddy gold goldpoint golf goo goodyear
    goog google gop got gov gp gq gr grainger graphics gratis green gripe grocery group gs gt gu gucci guge guide
    guitars guru gw gy hair hamburg hangout haus hbo hdfc hdfcbank health healthcare help helsinki here hermes
    hiphop hisamitsu hitachi hiv hk hkt hm hn hockey holdings holiday homedepot homegoods homes homesense honda
    horse hospital host hosting hot hotels hotmail house how hr hsbc ht hu hughes hyatt hyundai ibm icbc ice icu id
    ie ieee ifm ikano il im imamat imdb immo immobilien in inc industries infiniti info ing ink institute insurance
    insure int international intuit investments io ipiranga iq ir irish is ismaili ist istanbul it itau itv jaguar
    java jcb je jeep jetzt jewelry jio jll jm jmp jnj jo jobs joburg jot joy jp jpmorgan jprs juegos juniper kaufen
    kddi ke kerryhotels kerryproperties kfh kg kh ki kia kids kim kindle kitchen kiwi km kn koeln komatsu kosher kp
    kpmg kpn kr krd kred kuokgroup kw ky kyoto kz la lacaixa lamborghini lamer land landrover lanxess lasalle lat
    latino latrobe law lawyer lb lc lds lease leclerc lefrak legal lego lexus lgbt li lidl life lifeinsurance
    lifestyle lighting like lilly limited limo lincoln link live living lk llc llp loan loans locker locus lol
    london lotte lotto love lpl lplfinancial lr ls lt ltd ltda lu lundbeck luxe luxury lv ly ma madrid maif maison
    makeup man management mango map market marketing markets marriott marshalls mattel mba mc mckinsey md me med
    media meet melbourne meme memorial men menu merckmsd mg mh miami microsoft mil mini mint mit mitsubishi mk ml
    mlb mls mm mma mn mo mobi mobile moda moe moi mom monash money monster mormon mortgage moscow moto motorcycles
    mov movie mp mq mr ms msd mt mtn mtr mu museum music mv mw mx my mz na nab nagoya name navy nba nc ne nec net
    netbank netflix network neustar new news next nextdirect nexus nf nfl ng ngo nhk ni nico nike nikon ninja nissan
    nissay nl no nokia norton now nowruz nowtv np nr nra nrw ntt nu nyc nz obi observer office okinawa olayan
    olayangroup ollo om omega one ong onl online ooo open oracle orange org organic origins osaka otsuka ott ovh pa
    page panasonic paris pars partners parts party pay pccw pe pet pf pfizer pg ph pharmacy phd philips phone photo
    photography photos physio pics pictet pictures pid pin ping pink pioneer pizza pk pl place play playstation
    plumbing plus pm pn pnc pohl poker politie porn post pr praxi press prime pro prod productions prof progressive
    promo properties property protection pru prudential ps pt pub pw pwc py qa qpon quebec quest racing radio re
    read realestate realtor realty recipes red redumbrella rehab reise reisen reit reliance ren rent rentals repair
    report republican rest restaurant review reviews rexroth rich richardli ricoh ril rio rip ro rocks rodeo rogers
    room rs rsvp ru rugby ruhr run rw rwe ryukyu sa saarland safe safety sakura sale salon samsclub samsung sandvik
    sandvikcoromant sanofi sap sarl sas save saxo sb sbi sbs sc scb schaeffler schmidt scholarships school schule
    schwarz science scot sd se search seat secure security seek select sener services seven sew sex sexy sfr sg sh
    shangrila sharp shell shia shiksha shoes shop shopping shouji show si silk sina singles site sj sk ski skin sky
    skype sl sling sm smart smile sn sncf so soccer social softbank software sohu solar solutions song sony soy spa
    space sport spot sr srl ss st stada staples star statebank statefarm stc stcgroup stockholm storage store stream
    studio study style su sucks supplies supply support surf surgery suzuki sv swatch swiss sx sy sydney systems sz
    tab taipei talk taobao target tatamotors tatar tattoo tax taxi tc tci td tdk team tech technology tel temasek
    tennis teva tf tg th thd theater theatre tiaa tickets tienda tips tires tirol tj tjmaxx tjx tk tkmaxx tl tm
    tmall tn to today tokyo tools top toray toshiba total tours town toyota toys tr trade trading training travel
    travelers travelersinsurance trust trv tt tube tui tunes tushu tv tvs tw tz ua ubank ubs ug uk unicom university
    uno uol ups us uy uz va vacations vana vanguard vc ve vegas ventures verisign versicherung vet vg vi viajes
    video vig viking villas vin vip virgin visa vision viva vivo vlaanderen vn vodka volvo vote voting voto voyage
    vu wales walmart walter wang wanggou watch watches weather weatherchannel webcam weber website wed wedding weibo
    weir wf whoswho wien wiki williamhill win windows wine winners wme wolterskluwer woodside work works world wow
    ws wtc wtf xbox xerox xihuan xin xxx xyz yachts yahoo yamaxun yandex ye yodobashi yoga yokohama you youtube yt
    yun za zappos zara zero zip zm zone zuerich zw
    vermögensberater vermögensberatung ελ ευ бг бел дети ею католик ком мкд мон москва онлайн орг рус рф сайт срб
    укр қаз հայ ישראל קום ابوظبي ارامكو الاردن البحرين الجزائر السعودية العليان المغرب امارات ایران بارت بازار بيتك
    بھارت تونس سودان سورية شبكة عراق عرب عمان فلسطين قطر كاثوليك كوم مصر مليسيا موريتانيا موقع همراه پاکستان ڀارت
    कॉम नेट भारत भारतम् भारोत संगठन বাংলা ভারত ভাৰত ਭਾਰਤ ભારત ଭାରତ இந்தியா இலங்கை சிங்கப்பூர் భారత్ ಭಾರತ ഭാരതം ලංකා
    คอม ไทย ລາວ გე みんな アマゾン クラウド グーグル コム ストア セール ファッション ポイント 世界 中信 中国 中國 中文网 亚马逊 企业 佛山 信息 健康 八卦 公司 公益 台湾 台灣 商城 商店 商标
    嘉里 嘉里大酒店 在线 大拿 天主教 娱乐 家電 广东 微博 慈善 我爱你 手机 招聘 政务 政府 新加坡 新闻 时尚 書籍 机构 淡马锡 游戏 澳門 点看 移动 组织机构 网址 网店 网站 网络 联通 谷歌 购物 通販
    集团 電訊盈科 飞利浦 食品 餐厅 香格里拉 香港 닷넷 닷컴 삼성 한국
  ', e' \n'), '\s+') d (name)
$function$;

COMMENT ON FUNCTION "public"."create_organisation_email_template"(uuid, text, text, text, text, text, text, text, boolean) IS 'Words a kind of mail in one language; what is left out is said as built in.

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
invalid_settings (hint says what is wrong).';

COMMENT ON FUNCTION "usher"."clean_line"(text, integer) IS 'One line of text that may stand in a subject or beside other text: trimmed, marks of direction at its ends included, NFC, 1 to max_length
characters. Null if it holds a line break, another control character, or one that turns the direction
of the text around it: each can make a mail say what its sender did not write.';

COMMENT ON FUNCTION "usher"."find_links"(text) IS 'The addresses and links in a text, in lower case: URLs of any scheme, addresses of mail, and domains without a
scheme, because mail programs make links of those as well. For text whose length was looked at.

So a sentence without a blank after its full stop counts where the next word is a top level domain ("ready.It is"):
programs take it for a link, too. Titles and initials do not (usher.is_title).';

COMMENT ON FUNCTION "usher"."is_title"(text[], boolean) IS 'Whether labels with dots between them are a title, an initial or a form of company in front of a name, written without
the blank: Dr.med, E.Leclerc, Co.KG. They end with what is a top level domain as well, but not with one that everybody
takes for that.

  is_alone  whether nothing follows that would make an address of it, such as a path';

COMMENT ON FUNCTION "usher"."template_as_read"(text) IS 'The text of a template as it stands in a mail: without signs of Markdown and where its links lead, and a character
U+0001 for each placeholder.';

COMMENT ON FUNCTION "usher"."template_touches"(text) IS 'Where a placeholder of a template touches what would make a link or an address together with whatever fills it: a
letter, a digit, a dot, a slash, a colon, an @ or another placeholder. Null where none does. For text whose length was
looked at.';

COMMENT ON FUNCTION "usher"."top_level_domains"() IS 'The top level domains that there are, as the keys of an object, in lower case: those of other scripts as they are read, in NFKC.
Source: https://data.iana.org/TLD/tlds-alpha-by-domain.txt, by the npm package tlds 1.261.0.';

REVOKE ALL ON FUNCTION "usher"."is_title"(text[], boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."template_as_read"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."template_touches"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "usher"."top_level_domains"() FROM PUBLIC;
