-- The page of an invitation has to come back to its organisation without the token; names that nobody can see are none.

set local check_function_bodies = off;

ALTER TYPE "public"."organisation_invite_preview" ADD ATTRIBUTE "organisation_id" uuid CASCADE;

CREATE OR REPLACE FUNCTION usher.clean_name(value jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
declare
  v_name text := clean_name.value #>> '{}';
begin
  -- Measured before anything else is done with it: four characters may become one.
  if jsonb_typeof(clean_name.value) <> 'string' or length(v_name) > 400 then
    return null;
  end if;
  v_name := usher.clean_line(v_name, 100);
  return case
    when v_name !~ '=\?[^?]+\?[bqBQ]\?'
      -- Fillers and the blank of Braille are letters and symbols to Unicode, and nothing to the eye.
      and translate(v_name, u&'\115f\1160\2800\3164\ffa0\034f\17b4\17b5', '') ~ ('[[:graph:]]' collate "und-x-icu")
    then v_name
  end;
end
$function$;

CREATE OR REPLACE FUNCTION usher.display_name(user_metadata jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return coalesce(
    usher.clean_name(display_name.user_metadata -> 'display_name'),
    usher.clean_name(display_name.user_metadata -> 'full_name'),
    usher.clean_name(display_name.user_metadata -> 'name'));
end
$function$;

CREATE OR REPLACE FUNCTION usher.validate_invite(token text)
 RETURNS public.organisation_invite_preview
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_reading usher.token_reading := usher.read_invite_token(validate_invite.token);
  v_invite  usher.invites := v_reading.invite;
  v_preview public.organisation_invite_preview;
begin
  v_preview.reason := v_reading.problem;
  v_preview.status := case v_reading.problem
    when 'invite_invalid' then 'invalid'
    when 'invite_superseded' then 'superseded'
    when 'invite_expired' then 'expired'
    else v_invite.status
  end;
  if v_reading.problem = 'invite_invalid' then
    return v_preview;
  end if;

  select o.id, o.name, o.logo_url, o.accent_colour, coalesce(v_invite.locale, o.locale)
  into v_preview.organisation_id, v_preview.organisation_name, v_preview.organisation_logo_url,
    v_preview.organisation_accent_colour, v_preview.locale
  from public.organisations o
  where o.id = v_invite.organisation_id;

  -- A link that is spent shows whose it was, and no more.
  if v_reading.problem is null or v_reading.problem = 'invite_expired' then
    v_preview.email := v_invite.email;
    v_preview.roles := v_invite.roles;
    v_preview.message := v_invite.message;
    v_preview.redirect_to := v_invite.redirect_to;
    v_preview.expires_at := v_invite.expires_at;
    v_preview.membership_ends_at := v_invite.membership_ends_at;
    v_preview.has_account := usher.has_account(v_invite.email);
    select r.provider, r.domain, r.level
    into v_preview.sign_in_provider, v_preview.sign_in_domain, v_preview.sign_in_level
    from public.organisation_sign_in_rules r where r.organisation_id = v_invite.organisation_id;
    v_preview.one_click := (usher.one_click_invite(validate_invite.token)).id is not null;
    select m.display_name, m.email into v_preview.inviter_name, v_preview.inviter_email
    from public.organisation_members m
    where m.organisation_id = v_invite.organisation_id and m.user_id = v_invite.invited_by;
  end if;
  return v_preview;
end
$function$;

COMMENT ON FUNCTION "public"."validate_organisation_invite"(text) IS 'What an invitee may see before deciding: who invites to what, as what, until when.

  token  as the mailed link carries it

Never raises for a bad token and never changes anything. status is pending, accepted, declined, revoked,
expired, superseded (a newer mail was sent) or invalid; reason is the error code that accepting would give,
null while it is pending. membership_ends_at says until when the membership would count; null: without an
end. has_account says whether to offer signing in or registering; sign_in_provider, sign_in_domain and
sign_in_level say which way in the organisation asks for, as its sign-in rule has it; one_click says whether
functions/one-click takes this link. A link that is
spent shows the organisation only; one that is not ours, nothing. organisation_id is no secret: it, and never
the token, may stand in an address that passes through mail and Supabase Auth. Anyone may.';

COMMENT ON FUNCTION "usher"."clean_name"(jsonb) IS 'What a person calls themselves, out of data that they can write as they like: one line of at most 100 characters
of which at least one can be seen. Null for anything else, also for what a mail program would read as an encoded
word (RFC 2047).';

COMMENT ON FUNCTION "usher"."display_name"(jsonb) IS 'What a person calls themselves in their sign-up data: display_name, full_name or name, the first that may be shown
(usher.clean_name). They can write anything there: it is shown beside the address, and decides nothing.';

REVOKE ALL ON FUNCTION "usher"."clean_name"(jsonb) FROM PUBLIC;
