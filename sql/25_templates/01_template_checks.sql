-- Template checks: what an organisation may write into a mail.
--
-- Text with named placeholders and a little Markdown. No link leads to where the organisation may not send people,
-- and nothing that fills a placeholder can become a link or an address together with what stands beside it.

create function usher.mail_kinds() returns table (
  kind text,
  placeholders text[]
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('invite',                  array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_reminder',         array['organisation', 'inviter', 'invitee', 'roles', 'expires_in', 'expires_at']),
    ('invite_accepted',         array['organisation', 'invitee', 'roles']),
    ('invite_declined',         array['organisation', 'invitee', 'roles']),
    ('invite_expired',          array['organisation', 'invitee', 'roles']),
    ('invite_resend_requested', array['organisation', 'invitee', 'roles']),
    ('member_roles_updated',    array['organisation', 'roles', 'actor']),
    ('member_removed',          array['organisation', 'actor']),
    ('member_banned',           array['organisation', 'actor']),
    ('access_ending',           array['organisation', 'roles', 'ends_at']),
    ('access_ended',            array['organisation', 'roles']),
    ('ownership_transferred',   array['organisation', 'roles', 'actor', 'owner']),
    ('join_requested',          array['organisation', 'requester']),
    ('join_approved',           array['organisation', 'roles', 'actor']),
    ('join_declined',           array['organisation', 'actor']),
    ('device_enrolled',         array['organisation', 'device', 'roles']),
    ('access_review_started',   array['organisation', 'review', 'due_at', 'actor']),
    ('access_review_overdue',   array['organisation', 'review', 'due_at']),
    ('webhook_disabled',        array['organisation', 'webhook']),
    ('invites_lost_right',      array['organisation', 'person', 'count']),
    ('credentials_lost_right',  array['organisation', 'person', 'credentials', 'ends_at'])
$$;
comment on function usher.mail_kinds
  is 'Every kind of mail of an organisation, and the placeholders that a template of it may name.';

create function usher.markdown_problem(body text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- What stands within something else is drawn by what draws that: thousands of levels are more than it can hold.
  -- A line of one sign alone is a rule, and nests nothing.
  if exists (
    select from regexp_split_to_table(markdown_problem.body, '\n') l (line)
    where l.line ~ '^[ \t]*((>|([*+-]|[0-9]{1,9}[.)])([ \t]|$))[ \t]*){7}'
      and l.line !~ '^[ \t]*([-*])[ \t]*(\1[ \t]*)*$')
  then
    return 'body: at most 6 lists and quotes stand within each other.';
  end if;
  -- Emphasis ends with its paragraph, or its line of a list. Names of placeholders have underscores of their own.
  if exists (
    select from regexp_split_to_table(
      regexp_replace(markdown_problem.body, '\{\{ *[a-z_]+ *\}\}', '', 'g'),
      '\n[ \t]*(?:\n|(?:[>*+-]|[0-9]{1,9}[.)])[ \t])') p (block)
    where length(p.block) - length(translate(p.block, '*_~', '')) > 100)
  then
    return 'body: at most 100 of the signs * _ ~ stand in one paragraph.';
  end if;
  if length(markdown_problem.body) - length(translate(markdown_problem.body, '[', '')) > 200 then
    return 'body: at most 200 of the sign [.';
  end if;
  return null;
end
$$;
comment on function usher.markdown_problem
  is $$What of a body the worker could not draw, in words; null when it can. Of each thing that can stand within itself,
there is a most.$$;

create function usher.template_leads_astray(body text) returns boolean
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return exists (
    select from regexp_matches(template_leads_astray.body, '\]\(([^\s()]*)\)', 'g') m (found)
    where not usher.is_redirect(m.found [1]));
end
$$;
comment on function usher.template_leads_astray
  is $$Whether a link of this text leads anywhere but to site_url's origin or an origin in
usher.settings.redirect_origins: the mail comes from the project's own address, and is believed.$$;

create function usher.template_as_read(value text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return regexp_replace(regexp_replace(regexp_replace(regexp_replace(template_as_read.value,
    '\{\{[^{}]*\}\}', e'\u0001', 'g'),
    '\]\([^\s()]*\)', '', 'g'),
    -- A backslash shows the sign that follows it, which then is none of Markdown.
    '\\([!-/:-@\[-`{-~])', '\1', 'g'),
    '<[/a-z]?>|[*_~`\[]', '', 'gi');
end
$$;
comment on function usher.template_as_read
  is $$The text of a template as it stands in a mail: without signs of Markdown and where its links lead, and a
character U+0001 for each placeholder.$$;

create function usher.template_touches(value text) returns text
  language plpgsql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_read text := usher.template_as_read(template_touches.value);
  v_near text;
begin
  -- Letters of scripts without blanks between words may touch one, where they cannot be part of a top level domain.
  v_near := substring(v_read from (
    '(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[.:/@\\．：／＠。｡․﹒]'
    '|[\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff\u0001]|--)\u0001')
    collate "und-x-icu");
  -- What ends a sentence may stand behind one.
  v_near := coalesce(v_near, substring(v_read from (
    '\u0001(?:(?![\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])[[:alnum:]]|[/@\\／＠]|--'
    '|[\u0300-\u036f\u00ad\u034f\u061c\u200b-\u200f\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]'
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
$$;
comment on function usher.template_touches
  is $$Where a placeholder of a template touches what would make a link or an address together with whatever fills it: a
letter, a digit, a dot, a slash, a colon, an @ or another placeholder. Null where none does. For text whose length was
looked at.$$;

create function usher.template_problem(kind text, template jsonb) returns text
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
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
$$;
comment on function usher.template_problem
  is 'What is wrong with a template of this kind, in words; null when it can be saved.';
