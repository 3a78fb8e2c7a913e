-- Settings of the whole project: one row, typed, each limit with its unit. Operators change them by SQL.

create table usher.settings (
  is_only_row boolean primary key default true,
  site_url text not null default 'http://localhost:3000',
  redirect_origins text[] not null default '{}',
  resend_cooldown interval not null default '1 minute',
  resends_per_day integer not null default 5,
  invites_per_day integer not null default 20000,
  auth_confirms_addresses boolean not null default false,
  sign_up text not null default 'open',
  functions_url text,
  one_click text not null default 'off',
  one_click_within interval not null default '24 hours',
  mails_per_minute_to_domain integer,
  mails_per_minute_of_organisation integer,
  mails_per_hour_to_recipient integer default 20,
  mails_per_hour_of_sender integer default 10000,
  organisation_is_new_for interval not null default '7 days',
  new_mails_per_hour_to_recipient integer default 8,
  new_mails_per_hour_of_sender integer default 1000,
  access_end_notice interval not null default '3 days',
  allow_private_targets boolean not null default false,
  webhook_failing_for interval not null default '5 days',
  webhook_answers_kept_for interval not null default '30 days',
  client_address_header text not null default 'cf-connecting-ip',
  trusted_proxies cidr[] not null default '{}',
  constraint settings_is_only_row check (is_only_row),
  constraint settings_sign_up check (sign_up in ('open', 'invite_only')),
  constraint settings_one_click check (
    one_click in ('off', 'new_addresses')
      and usher.is_span(one_click_within, '1 minute', '24 hours')
  ),
  constraint settings_limits check (
    resends_per_day >= 0
      and invites_per_day >= 0
      and mails_per_minute_to_domain > 0
      and mails_per_minute_of_organisation > 0
  ),
  -- What an account sends does not hold up its new organisation's first 50 single mails, whatever else is set; only one
  -- to a mailbox that gets too much waits as any other.
  constraint settings_allowances check (
    mails_per_hour_to_recipient >= 1
      and mails_per_hour_to_recipient <= 10000
      and mails_per_hour_of_sender >= 50
      and mails_per_hour_of_sender <= 1000000
      and usher.is_span(organisation_is_new_for, '0', '365 days')
      and new_mails_per_hour_to_recipient >= 1
      and new_mails_per_hour_to_recipient <= 10000
      and new_mails_per_hour_of_sender >= 50
      and new_mails_per_hour_of_sender <= 1000000
  ),
  constraint settings_bounds check (
    length(site_url) <= 2000
      and length(functions_url) <= 2000
      and cardinality(redirect_origins) <= 100
      and octet_length(array_to_string(redirect_origins, '')) <= 30000
      and usher.is_span(resend_cooldown, '0', '30 days')
      and resends_per_day <= 10000
      and invites_per_day <= 2000000000
      and usher.is_span(access_end_notice, '0', '1 year')
      and client_address_header ~ '^[a-z0-9-]{1,60}$'
      and cardinality(trusted_proxies) <= 100
      and usher.is_span(webhook_failing_for, '1 hour', '1 year')
      and usher.is_span(webhook_answers_kept_for, '1 day', '10 years')
      and mails_per_minute_to_domain <= 1000000
      and mails_per_minute_of_organisation <= 1000000
  )
);
comment on table usher.settings
  is 'Settings of the project. One row; change it by usher.update_settings.';
comment on column usher.settings.site_url
  is 'Where the pages are, without a slash at the end. Mailed links are {site_url}/invite#{token}.';
comment on column usher.settings.redirect_origins
  is 'Origins, beside site_url''s own, that an invite may lead to once it is accepted.';
comment on column usher.settings.resend_cooldown
  is 'Time between two resends of one invite. A minute, as Supabase Auth has it between two mails.';
comment on column usher.settings.resends_per_day
  is 'Resends of one invite within 24 hours: whoever ignores five will ignore the sixth.';
comment on column usher.settings.invites_per_day
  is 'Invites of one organisation within 24 hours: two full batches, so that a stolen session cannot spam.';

comment on column usher.settings.auth_confirms_addresses
  is 'Whether the project''s Auth confirms an address by a mail to it. Only then is having the address proof
enough to accept an invite without its link.';

comment on column usher.settings.sign_up
  is 'open: anyone may make an account; invite_only: those with a pending invite, or a device with a code.';

comment on column usher.settings.functions_url
  is 'Where edge functions answer, without a slash at the end, such as https://<project>.supabase.co/functions/v1.
With it, mails to invitees carry a one-click header to stop them (RFC 8058).';
comment on column usher.settings.one_click
  is 'Who may register by one click, without a second mail. new_addresses: addresses that nobody has an account with;
off: nobody. It takes functions/one-click and Supabase Auth''s admin API.';
comment on column usher.settings.one_click_within
  is 'How long after its mail a link registers by one click: 1 minute to 24 hours.';
comment on column usher.settings.mails_per_minute_to_domain
  is 'How many mails may go to one domain in a minute; null: as many as there are.';
comment on column usher.settings.mails_per_minute_of_organisation
  is 'How many mails of one organisation may go out in a minute; null: as many as there are.';
comment on column usher.settings.mails_per_hour_to_recipient
  is 'How many mails go to one mailbox (an address without its +tag) within an hour, of all organisations together; what
is more goes later. Mails of Supabase Auth are not held and not counted. Null: as many as there are.';
comment on column usher.settings.mails_per_hour_of_sender
  is 'How many mails that one account causes go out within an hour, over all its organisations, single ones and bulk
counted apart; what is more goes later. 10,000 is one full batch. Null: as many as there are.';
comment on column usher.settings.organisation_is_new_for
  is 'How long an organisation counts as new, for the two smaller allowances; 0: none does.';
comment on column usher.settings.new_mails_per_hour_to_recipient
  is 'Of mails_per_hour_to_recipient, how many may come from new organisations, all of them together. Null: no fewer.';
comment on column usher.settings.new_mails_per_hour_of_sender
  is 'Of mails_per_hour_of_sender, how many may come from new organisations: at least 50. Null: no fewer.';
comment on column usher.settings.access_end_notice
  is 'How long before a membership or a role ends its member is told; 0: not at all.';
comment on column usher.settings.allow_private_targets
  is 'Whether organisations may name private addresses, and http, to be called at. The worker calls those that
its own USHER_ALLOW_PRIVATE_TARGETS names, and no others.';
comment on column usher.settings.webhook_failing_for
  is 'A webhook that has taken nothing for so long is switched off. Longer than the ten tries of one event take.';
comment on column usher.settings.client_address_header
  is $$The header in which the gateway itself says who called, in lower case. cf-connecting-ip: Cloudflare's, in front
of hosted projects, which callers cannot write. Behind a gateway that only appends to it, such as Kong:
x-forwarded-for, of which the last place counts. Anything else that a request says of its address is kept as claimed.

Sources: developers.cloudflare.com/fundamentals/reference/http-headers; github.com/orgs/supabase/discussions/34647$$;
comment on column usher.settings.trusted_proxies
  is $$Proxies of one's own between callers and that gateway, as networks. Where the gateway names one of these, who
called it is read from x-forwarded-for, from the last place on to the first that is none of them.$$;
comment on column usher.settings.webhook_answers_kept_for
  is 'How long the log keeps what endpoints answered.';

alter table usher.settings enable row level security;
create policy settings_nobody
  on usher.settings
  for select
  to public
  using (false);

insert into usher.settings default values;

create function usher.update_settings(changes jsonb) returns usher.settings
  language plpgsql
  volatile
  security invoker
  set search_path = pg_catalog, pg_temp
  as $$
declare
  v_settings usher.settings;
  v_unknown  text;
begin
  select s.* into strict v_settings from usher.settings s;

  select k into v_unknown
  from jsonb_object_keys(update_settings.changes) k
  where not to_jsonb(v_settings) - 'is_only_row' ? k;
  if found then
    perform usher.fail('invalid_settings', hint => format('There is no setting %L.', v_unknown));
  end if;

  v_settings := jsonb_populate_record(v_settings, update_settings.changes);
  v_settings.site_url := rtrim(v_settings.site_url, '/');
  if usher.url_origin(v_settings.site_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'site_url is an absolute https address (http only for this machine itself).');
  end if;
  v_settings.functions_url := rtrim(v_settings.functions_url, '/');
  if v_settings.functions_url is not null and usher.url_origin(v_settings.functions_url) is null then
    perform usher.fail('invalid_settings',
      hint => 'functions_url is an absolute https address (http only for this machine itself), or null.');
  end if;

  begin
    delete from usher.settings;
    insert into usher.settings select v_settings.*;
  exception
    when check_violation or not_null_violation then
      perform usher.fail('invalid_settings', hint => sqlerrm);
  end;
  return v_settings;
end
$$;
comment on function usher.update_settings
  is $$Changes settings of the project, for operators: no role of the API may call it.

  changes  an object of column names of usher.settings and their new values, such as
           {"site_url": "https://app.example.com", "resend_cooldown": "2 minutes"}

Returns all settings. Fails with invalid_settings.$$;
