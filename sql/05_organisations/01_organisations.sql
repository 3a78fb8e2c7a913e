-- Organisations: the tenants. Every other row belongs to exactly one of them.
--
-- Anyone signed in with a confirmed address may create one and is then its owner. Reading needs organisation.read.

create table public.organisations (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  slug text not null,
  logo_url text,
  accent_colour text,
  sender_name text,
  reply_to text,
  locale text not null default 'en',
  invite_ttl interval not null default '7 days',
  seat_limit integer,
  allowed_email_domains text[] not null default '{}',
  self_service_resend boolean not null default false,
  expiry_mail boolean not null default false,
  track_opens boolean not null default false,
  reminder_before interval,
  audit_retention interval,
  created_at timestamptz not null default now(),
  credential_grace interval not null default '7 days',
  constraint organisations_slug_key unique (slug),
  constraint organisations_name check (usher.clean_line(name, 100) = name),
  constraint organisations_slug check (usher.is_slug(slug)),
  constraint organisations_logo_url check (
    usher.url_origin(logo_url) is not null or logo_url is null
  ),
  constraint organisations_accent_colour check (
    accent_colour ~ '^#[0-9a-f]{6}$'
  ),
  constraint organisations_sender_name check (
    usher.clean_line(sender_name, 100) = sender_name or sender_name is null
  ),
  constraint organisations_reply_to check (
    usher.normalise_email(reply_to) = reply_to or reply_to is null
  ),
  constraint organisations_locale check (usher.is_locale(locale)),
  constraint organisations_invite_ttl check (
    usher.is_span(invite_ttl, '1 hour', '30 days')
  ),
  constraint organisations_reminder_before check (
    usher.is_span(reminder_before, '1 hour', '14 days')
  ),
  constraint organisations_audit_retention check (
    usher.is_span(audit_retention, '30 days', '100 years')
  ),
  constraint organisations_credential_grace check (
    usher.is_span(credential_grace, '0', '30 days')
  ),
  constraint organisations_seat_limit check (seat_limit between 1 and 1000000),
  constraint organisations_allowed_email_domains check (
    cardinality(allowed_email_domains) <= 1000
      and octet_length(array_to_string(allowed_email_domains, '')) <= 254000
  ),
  constraint organisations_bounds check (
    length(name) <= 100
      and length(sender_name) <= 100
      and length(reply_to) <= 254
  )
);
comment on table public.organisations
  is 'The tenants. Read with organisation.read; written by functions only.';
comment on column public.organisations.accent_colour
  is 'For pages and mails: # and six lower-case hex digits.';
comment on column public.organisations.sender_name
  is 'Who its mails come from by name; null: its name.';
comment on column public.organisations.reply_to
  is 'Where answers to its mails go; null: nowhere.';
comment on column public.organisations.locale
  is 'Language of its mails when an invite names none.';
comment on column public.organisations.invite_ttl
  is 'Lifetime of an invite when it names none: 1 hour to 30 days.';
comment on column public.organisations.seat_limit
  is 'How many active members there may be; null: any number.';
comment on column public.organisations.allowed_email_domains
  is 'Only addresses of these domains may be invited and may accept; empty: any.';
comment on column public.organisations.self_service_resend
  is 'Whether the holder of an expired link gets a new one without asking an admin.';

comment on column public.organisations.expiry_mail
  is 'Whether who sent an invite hears when it has expired.';

comment on column public.organisations.track_opens
  is 'Whether it is recorded that a mail was opened, where the mail provider tells.';

comment on column public.organisations.reminder_before
  is 'How long before its end an unanswered invite is brought to mind again, once; null: not.';
comment on column public.organisations.audit_retention
  is 'How long the trail is kept, 30 days to 100 years; null: for ever. The owner alone changes it.';
comment on column public.organisations.credential_grace
  is 'How long directory tokens and joining by domain go on after who answers for them lost the right: 0 to 30 days.';
