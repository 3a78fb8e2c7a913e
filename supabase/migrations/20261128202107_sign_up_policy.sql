-- Pages can ask who may create an account, so that none offers one that would be refused.

set local check_function_bodies = off;

CREATE TYPE "public"."organisation_sign_up_policy" AS ("sign_up" text, "auth_confirms_addresses" boolean);

CREATE OR REPLACE FUNCTION public.organisation_sign_up_policy()
 RETURNS public.organisation_sign_up_policy
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return usher.sign_up_policy();
end
$function$;

CREATE OR REPLACE FUNCTION usher.sign_up_policy()
 RETURNS public.organisation_sign_up_policy
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_policy public.organisation_sign_up_policy;
begin
  select s.sign_up, s.auth_confirms_addresses into strict v_policy from usher.settings s;
  return v_policy;
end
$function$;

COMMENT ON FUNCTION "public"."organisation_sign_up_policy"() IS 'Who may create an account in this project, and whether its Auth confirms addresses: for pages, so that none offers
what would be refused.

sign_up is open, or invite_only: then an account is only for people with a pending invitation, or with an email
address of a domain that lets its people join, and for devices with a code. auth_confirms_addresses says whether
accept_my_organisation_invite accepts without the link. Both are settings of the whole project, which its operator
changes by usher.update_settings. Anyone may.';

COMMENT ON FUNCTION "usher"."sign_up_policy"() IS 'The rule behind public.organisation_sign_up_policy: these two of the settings, and no other, are for everyone.';

COMMENT ON TYPE "public"."organisation_sign_up_policy" IS 'What pages have to know before anybody has an account, as organisation_sign_up_policy returns it.';

REVOKE ALL ON FUNCTION "public"."organisation_sign_up_policy"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "public"."organisation_sign_up_policy"() TO "anon", "authenticated";

GRANT EXECUTE ON FUNCTION "public"."organisation_sign_up_policy"() TO "service_role";

REVOKE ALL ON FUNCTION "usher"."sign_up_policy"() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION "usher"."sign_up_policy"() TO "anon", "authenticated", "service_role";
