-- folders

set local check_function_bodies = off;

CREATE OR REPLACE FUNCTION usher.normalise_email(email text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_address text;
begin
  -- Measured before anything else is done with it: blanks around it go, and of two characters may become one.
  if length(normalise_email.email) > 1016 then
    return null;
  end if;
  v_address := lower(
    usher.nfc(regexp_replace(normalise_email.email, '^[\s\u00a0\u200b\ufeff]+|[\s\u00a0\u200b\ufeff]+$', '', 'g'))
    collate "und-x-icu");
  return case
    when length(v_address) <= 254
      -- The local part as an RFC 5321 dot-atom of at most 64; anything else needs SMTPUTF8 all the
      -- way to the mailbox, which no sender can promise.
      and position('@' in v_address) <= 65
      -- Behind it labels of letters (of any script), digits and inner hyphens, and a top level not all digits.
      and v_address ~ (
        '^[a-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@'
        '([[:alnum:]]([[:alnum:]-]*[[:alnum:]])?\.)+[[:alpha:]][[:alnum:]-]*[[:alnum:]]$'
        collate "und-x-icu")
      -- Each label at most 63. Not part of the shape above: counting makes a match fifty times as slow.
      and (length(v_address) <= 64 or v_address !~ '@.*[^.]{64}')
    then v_address
  end;
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
$function$;

COMMENT ON COLUMN "public"."organisation_deliveries"."organisation_id" IS 'Null for mails of Supabase Auth only, which no member can read: see 50_mail/10_auth_mails.sql.';

COMMENT ON COLUMN "public"."organisation_members"."ends_at" IS 'When the membership stops counting; null: it has no end. See 40_administration/06_temporary_access.sql.';

COMMENT ON FUNCTION "usher"."delivery_status"(text, integer, timestamp with time zone) IS 'The status of a mail, and delayed for one that was never tried and is due later: an allowance or a pace of
50_mail/07_delivery_pace.sql delays it. It is not stuck.';

COMMENT ON FUNCTION "usher"."erased_recipient"(uuid) IS 'What stands in the place of a mail''s recipient who was erased (90_operators/06_erasure.sql).';

COMMENT ON TABLE "usher"."erased_members" IS 'Memberships whose person was forgotten (90_operators/06_erasure.sql): what the account is called does not come back into them.';
