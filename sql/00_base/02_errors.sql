-- Errors: one closed list of words, and one way to raise them.
--
-- PostgREST turns sqlstate PGRST into the HTTP answer, so that error.code in supabase-js is the word
-- below; psql shows the same word.
-- https://docs.postgrest.org/en/stable/references/errors.html#raise-errors-with-http-status-codes

create function usher.errors() returns table (
  code text,
  status integer,
  message text,
  hint text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('unauthenticated',         401, 'You are not signed in.',
      'Sign in and try again.'),
    ('directory_token_invalid', 401, 'This directory token is not valid, or not any more.',
      'Make a new one on the page Directories, and give it to the identity provider.'),
    ('permission_denied',       403, 'Your roles do not permit this in this organisation.',
      'Ask an admin of the organisation.'),
    ('invite_wrong_email',      403, 'This invite was sent to another address.',
      'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        403, 'Your address has not been confirmed yet.',
      'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     403, 'Your roles do not let you give out this role.',
      'Ask someone who holds it, or choose another role.'),
    ('member_banned',           403, 'This person is banned from the organisation.',
      'An admin can lift the ban.'),
    ('domain_not_allowed',      403, 'The organisation does not take addresses of this domain.',
      'Use an address of one of its own domains.'),
    ('sso_required',            403, 'The organisation asks for another way of signing in.',
      'Sign in the way that details names, then try again.'),
    ('signup_not_invited',      403, 'Only people who have been invited can make an account.',
      'Ask for an invite, and sign up with the address that it was sent to.'),
    ('organisation_not_found',  404, 'There is no such organisation, or you are not in it.',
      'Check the id, and who you are signed in as.'),
    ('member_not_found',        404, 'There is no such member, or you are not in the organisation.',
      'Check the ids, and who you are signed in as.'),
    ('invite_not_found',        404, 'There is no such invite, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('access_review_not_found', 404, 'There is no such review, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('webhook_not_found',       404, 'There is no such webhook, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('directory_not_found',     404, 'The directory holds no such thing, or it is not yours to see.',
      'Check the id, and which token you use.'),
    ('template_not_found',      404, 'There is no such template, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('delivery_not_found',      404, 'There is no such mail, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('credential_not_found',    404, 'There is no such token or domain, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('request_not_found',       404, 'There is no such request, or it is not yours to see.',
      'Check the id, and who you are signed in as.'),
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
    ('request_not_open',        409, 'This request has been decided.',
      'See what was decided; they can ask again.'),
    ('access_review_not_open',  409, 'This has been answered, or the review has ended.',
      'See what the review says; start a new one if need be.'),
    ('already_member',          409, 'This person is already a member.',
      'Change the roles of the member instead.'),
    ('already_invited',         409, 'This address already has an open invite.',
      'Resend that one, or revoke it first; details holds its id.'),
    ('owner_required',          409, 'An organisation cannot be without its owner.',
      'Transfer or delete the organisation first.'),
    ('slug_taken',              409, 'Another organisation has this slug.',
      'Choose another slug, or leave it out.'),
    ('role_in_use',             409, 'Somebody holds this role, or it is part of another.',
      'Take it from members, invites and roles first; details says where it was found.'),
    ('directory_conflict',      409, 'The directory holds another one with this name or address.',
      'Look for that one, and change it instead.'),
    ('seat_limit_reached',      409, 'All seats of the organisation are taken.',
      'Remove a member, or raise the limit.'),
    ('webhook_disabled',        409, 'This webhook is switched off.',
      'Switch it on first; details says why it is off.'),
    ('idempotency_key_in_use',  409, 'A request with this key is being carried out.',
      'Wait a moment, then send the same request with the same key.'),
    ('invite_expired',          410, 'This invite has expired.',
      'Ask for a new one.'),
    ('invite_revoked',          410, 'This invite has been withdrawn.',
      'Ask the organisation if that was not meant.'),
    ('invite_declined',         410, 'This invite has been declined.',
      'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       410, 'A newer mail has replaced this link.',
      'Open the link in the newest mail.'),
    ('batch_too_large',         413, 'Too many invites in one call.',
      'Send at most 10,000 at a time.'),
    ('invalid_email',           422, 'This is not an address that mail can be sent to.',
      'Give one address such as name@example.com, of at most 254 characters.'),
    ('invalid_expiry',          422, 'This lifetime is not allowed.',
      'Give an interval from 1 hour to 30 days, such as "3 days".'),
    ('invalid_slug',            422, 'This slug cannot be used.',
      'Use 2 to 63 of a-z, 0-9 and single hyphens between them, and no word such as admin, api or www.'),
    ('invalid_role',            422, 'There is no such role here, or it cannot be given.',
      'Give 1 to 20 roles of this organisation.'),
    ('invalid_redirect',        422, 'This redirect is not allowed.',
      'Give a path such as /welcome, or an https address of an allowed origin.'),
    ('invalid_message',         422, 'This message cannot be sent.',
      'Give at most 1,000 characters of plain text, without addresses and links.'),
    ('invalid_settings',        422, 'A value is not allowed.',
      'See what the function''s comment says of its parameters.'),
    ('idempotency_key_reused',  422, 'This key belongs to another request.',
      'Take a new key for each new request.'),
    ('inviter_lost_right',      410, 'Whoever sent this invite may not give it any more.',
      'Ask the organisation for a new one.'),
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.'),
    ('try_again',               503, 'Somebody else changed the same thing at this moment.',
      'Send the same request again, after the time in Retry-After.')
$$;
comment on function usher.errors
  is $$Every error that Usher raises: code, HTTP status, message, and what to do about it.

TypeScript's ErrorCode union is generated from this list.$$;

create function usher.invitee_errors() returns table (
  code text,
  message text,
  hint text
)
  language sql
  immutable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
  values
    ('unauthenticated',         null, 'Sign in and try again.'),
    ('permission_denied',       'This cannot be accepted without its link.', 'Accept by the link in the mail.'),
    ('invite_wrong_email',      null, 'Sign in with the address that the invite was sent to.'),
    ('email_unverified',        null, 'Follow the link in the confirmation mail, then try again.'),
    ('role_not_assignable',     'The roles of this invite cannot be yours as they are.',
      'Ask whoever invited you for a new one.'),
    ('member_banned',           'You are banned from the organisation.',
      'Write to the organisation if that is a mistake.'),
    ('domain_not_allowed',      null, 'Ask whoever invited you to invite an address that the organisation takes.'),
    ('sso_required',            null, 'Sign in the way that details names, then try again.'),
    ('organisation_not_found',  'There is no such organisation, or your address does not let you join it.',
      'Check who you are signed in as.'),
    ('invite_not_found',        'There is no such invite, or it is not for you.',
      'Check who you are signed in as, or open the link in the mail.'),
    ('invite_invalid',          'This is not a link or a code of ours.',
      'Open the link straight from the mail, or enter the code as it was shown.'),
    ('invite_already_accepted', null, 'Sign in to see the organisation.'),
    ('invite_not_pending',      null, 'Open the link in the newest mail, or ask for a new one.'),
    ('already_member',          'You are already a member.', 'Go on to the organisation.'),
    ('seat_limit_reached',      null, 'Ask an admin of the organisation to make room, then try again.'),
    ('invite_expired',          null, 'Ask for a new one.'),
    ('invite_revoked',          null, 'Ask the organisation if that was not meant.'),
    ('inviter_lost_right',      null, 'Ask the organisation for a new one.'),
    ('try_again',               null, 'Wait a moment, then try again.'),
    ('invite_declined',         null, 'Ask for a new one if you have changed your mind.'),
    ('invite_superseded',       null, 'Open the link in the newest mail.'),
    ('invalid_role',            'A role that this gives is no longer there.', 'Ask whoever invited you for a new one.'),
    ('invalid_message',         null,
      'Give a reason of at most 500 characters of plain text without addresses and links, or none.'),
    ('rate_limited',            null, 'Wait as long as Retry-After says.')
$$;
comment on function usher.invitee_errors
  is $$The same codes to somebody who answers an invite, enrols a device or joins: what happened to them, and what they
themselves can do about it. message is null where usher.errors() says it well.

A function that they call says so first, by usher.speak_to_invitee().$$;

create function usher.speak_to_invitee() returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  -- For this statement alone: another one of the same transaction may be somebody else's business.
  perform set_config('usher.reader', 'invitee ' || statement_timestamp(), true);
end
$$;
comment on function usher.speak_to_invitee
  is 'Says that the caller answers an invite, enrols a device or joins: errors are worded by usher.invitee_errors().';
grant execute on function usher.speak_to_invitee to anon, authenticated, service_role;

create function usher.is_to_invitee() returns boolean
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  return coalesce(current_setting('usher.reader', true) = 'invitee ' || statement_timestamp(), false);
end
$$;
comment on function usher.is_to_invitee
  is 'Whether usher.speak_to_invitee() was said in this statement.';

create function usher.error_of(
  code text
) returns table (status integer, message text, hint text)
  language plpgsql
  stable
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
begin
  if usher.is_to_invitee() then
    return query
      select e.status, coalesce(i.message, e.message), coalesce(i.hint, e.hint)
      from usher.errors() e
      left join usher.invitee_errors() i on i.code = e.code
      where e.code = error_of.code;
  else
    return query select e.status, e.message, e.hint from usher.errors() e where e.code = error_of.code;
  end if;
end
$$;
comment on function usher.error_of
  is 'An error in the words for whoever is spoken to; no row for an unknown code.';

create function usher.fail(
  code text,
  hint text default null,
  details text default null,
  headers jsonb default '{}'
) returns void
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_error record;
begin
  -- strict: a code that is not in the list is our own mistake, and must not pass for an answer.
  select e.* into strict v_error from usher.error_of(fail.code) e;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', left(fail.details, 2000),
      -- What a rule adds is for those who manage; an invitee is told what they can do. It may repeat what was sent, and
      -- that may be of any length.
      'hint', left(case when usher.is_to_invitee() then v_error.hint else coalesce(fail.hint, v_error.hint) end, 1000)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
end
$$;
comment on function usher.fail
  is $$Refuses: raises the error of this code, so that nothing of the transaction stays.

  code     a word of usher.errors(); an unknown one fails loudly
  hint     what to do about it, where that can be said better than in the list
  details  what it was about, such as the id of the invite in the way; never an address or a token
  headers  HTTP headers of the answer, such as {"Retry-After": "60"}

Never returns.$$;
