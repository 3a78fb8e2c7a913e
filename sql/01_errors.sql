-- Errors: one closed list of words, and one way to raise them.
--
-- PostgREST turns sqlstate PGRST into the HTTP answer, so that error.code in supabase-js is the word
-- below; psql shows the same word.
-- https://docs.postgrest.org/en/stable/references/errors.html#raise-errors-with-http-status-codes

create function usher.errors()
returns table (code text, status integer, message text, hint text)
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
    ('invite_invalid',          404, 'This is not a link that we have sent.',
      'Open the link straight from the mail, without changing it.'),
    ('invite_already_accepted', 409, 'This invite has already been accepted.',
      'Sign in to see the organisation.'),
    ('invite_not_pending',      409, 'This invite is no longer open.',
      'Make a new one.'),
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
    ('rate_limited',            429, 'Too many requests.',
      'Wait as long as Retry-After says.')
$$;
comment on function usher.errors is
$$Every error that Usher raises: code, HTTP status, message, and what to do about it.

TypeScript's ErrorCode union is generated from this list.$$;

create function usher.fail(
  code    text,
  hint    text default null,
  details text default null,
  headers jsonb default '{}'
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_error record;
begin
  -- strict: a code that is not in the list is our own mistake, and must not pass for an answer.
  select e.* into strict v_error from usher.errors() e where e.code = fail.code;

  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', fail.code, 'message', v_error.message, 'details', left(fail.details, 2000),
      -- A hint may repeat what was sent, and that may be of any length.
      'hint', left(coalesce(fail.hint, v_error.hint), 1000)),
    detail = json_build_object('status', v_error.status, 'headers', fail.headers);
end
$$;
comment on function usher.fail is
$$Refuses: raises the error of this code, so that nothing of the transaction stays.

  code     a word of usher.errors(); an unknown one fails loudly
  hint     what to do about it, where that can be said better than in the list
  details  what it was about, such as the id of the invite in the way; never an address or a token
  headers  HTTP headers of the answer, such as {"Retry-After": "60"}

Never returns.$$;
