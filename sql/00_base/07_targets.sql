-- Targets: addresses that organisations want the project's servers to call.

create function usher.target_problem(url text) returns text
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_parts      text[];
  v_host       text;
  v_is_private boolean;
begin
  -- Measured before it is read.
  if length(target_problem.url) <= 2000 then
    v_parts := regexp_match(target_problem.url,
      '^(https?)://(\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.?)(?::\d{1,5})?(?:[/?][!-~]*)?$', 'i');
    v_host := lower(rtrim(v_parts[2], '.'));
  end if;
  if v_parts is null or target_problem.url ~ '[\\#]' then
    return 'Give an address such as https://example.com: at most 2,000 characters, without user name and fragment.';
  elsif (select s.allow_private_targets from usher.settings s) then
    return null;
  elsif lower(v_parts[1]) <> 'https' then
    return 'The address begins with https://.';
  elsif v_host ~ '(^|\.)(localhost|local|internal)$' or v_host !~ '[.:]' then
    return 'The address is one of the public internet.';
  elsif v_host !~ '^\[' and v_host !~ '(^|\.)(\d+|0x[0-9a-f]*)$' then
    return null;
  end if;

  -- An address can be written in many ways, of which one is allowed; 0177 is 127 to some.
  if v_host ~ '(^|\.)0\d' then
    return 'The address is one of the public internet.';
  end if;
  begin
    v_is_private := case family(btrim(v_host, '[]')::inet)
      when 4 then exists (
        select from unnest('{0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,
          192.0.0.0/24,192.0.2.0/24,192.168.0.0/16,198.18.0.0/15,198.51.100.0/24,203.0.113.0/24,
          224.0.0.0/3}'::cidr[]) c
        where btrim(v_host, '[]')::inet <<= c)
      -- Of IPv6, all that is public begins with 2 or 3; 2002: holds an address of IPv4.
      else not btrim(v_host, '[]')::inet <<= '2000::/3'
        or btrim(v_host, '[]')::inet <<= any ('{2001::/23,2001:db8::/32,2002::/16,3fff::/20}'::cidr[])
    end;
  exception
    when invalid_text_representation then
      v_is_private := true;
  end;
  return case when v_is_private then 'The address is one of the public internet.' end;
end
$$;
comment on function usher.target_problem
  is $$What is wrong with an address that an organisation wants to be called at, as far as its text tells; null for
nothing. Who calls it looks at what its name means at that moment.

Source: OWASP Server-Side Request Forgery Prevention Cheat Sheet.$$;

create function usher.target_host(url text) returns text
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$ select (regexp_match($1, '^https?://([^/?]+)', 'i'))[1] $$;
comment on function usher.target_host
  is 'What the trail says of such an address: without path and query, because whoever knows those can often send.';

create function usher.is_redirect(redirect_to text) returns boolean
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  as $$
  select coalesce(
    -- A path of the pages themselves: one slash, then none and no backslash, which browsers take for one.
    case
      when length(is_redirect.redirect_to) <= 2000
      then is_redirect.redirect_to ~ '^/([!-.0-\[\]-~][!-\[\]-~]*)?$'
    end
    or usher.url_origin(is_redirect.redirect_to) in (
      select usher.url_origin(s.site_url) from usher.settings s
      union all
      select lower(o) from usher.settings s, unnest(s.redirect_origins) o),
    false)
$$;
comment on function usher.is_redirect
  is $$Whether an invite may lead there: a path of the pages, or an address of site_url's origin or of an origin
in usher.settings.redirect_origins. Source: OWASP Unvalidated Redirects Cheat Sheet.$$;
