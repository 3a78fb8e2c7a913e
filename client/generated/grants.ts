// Generated from the database by npm run generate. Do not edit.
/** Each table and function, with who may do what; how a project's database has to look. */
export const GRANTS: Record<string, string[]> = {
  'function public.accept_my_organisation_invite(invite_id uuid)': ['authenticated execute'],
  'function public.accept_organisation_invite(token text)': ['authenticated execute'],
  'function public.answer_organisation_access_review(review_id uuid, answers jsonb)': [
    'authenticated execute',
  ],
  'function public.approve_organisation_join_request(request_id uuid, roles text[])': [
    'authenticated execute',
  ],
  'function public.ban_organisation_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.call_organisation_function_once(idempotency_key text, function_name text, arguments jsonb)':
    ['authenticated execute'],
  'function public.close_organisation_access_review(review_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.create_organisation(name text, slug text)': ['authenticated execute'],
  'function public.create_organisation_device_invite(organisation_id uuid, device_name text, roles text[], expires_in interval)':
    ['authenticated execute'],
  'function public.create_organisation_directory_endpoint(organisation_id uuid, name text, url text, token text)':
    ['authenticated execute'],
  'function public.create_organisation_directory_token(organisation_id uuid, name text, expires_in interval)':
    ['authenticated execute'],
  'function public.create_organisation_domain(organisation_id uuid, domain text)': [
    'authenticated execute',
  ],
  'function public.create_organisation_email_template(organisation_id uuid, kind text, locale text, name text, subject text, heading text, body text, button text, is_default boolean)':
    ['authenticated execute'],
  'function public.create_organisation_invite(organisation_id uuid, email text, roles text[], expires_in interval, message text, locale text, redirect_to text, metadata jsonb, template_id uuid, membership_ends_at timestamp with time zone)':
    ['authenticated execute'],
  'function public.create_organisation_invites(organisation_id uuid, invites jsonb)': [
    'authenticated execute',
  ],
  'function public.create_organisation_role(organisation_id uuid, name text, description text, permissions text[], inherits text[])':
    ['authenticated execute'],
  'function public.create_organisation_role_exclusion(organisation_id uuid, name text, roles text[], cardinality integer)':
    ['authenticated execute'],
  'function public.create_organisation_webhook(organisation_id uuid, url text, events text[], description text)':
    ['authenticated execute'],
  'function public.decline_organisation_invite(token text, reason text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function public.decline_organisation_join_request(request_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.delete_organisation(organisation_id uuid)': ['authenticated execute'],
  'function public.delete_organisation_directory_endpoint(endpoint_id uuid)': [
    'authenticated execute',
  ],
  'function public.delete_organisation_domain(organisation_id uuid, domain text)': [
    'authenticated execute',
  ],
  'function public.delete_organisation_email_template(template_id uuid)': ['authenticated execute'],
  'function public.delete_organisation_role(organisation_id uuid, role text)': [
    'authenticated execute',
  ],
  'function public.delete_organisation_role_exclusion(organisation_id uuid, name text)': [
    'authenticated execute',
  ],
  'function public.delete_organisation_webhook(webhook_id uuid)': ['authenticated execute'],
  'function public.enrol_organisation_device(code text)': ['authenticated execute'],
  'function public.expire_organisation_invite(invite_id uuid)': ['authenticated execute'],
  'function public.export_organisation_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)':
    ['authenticated execute'],
  'function public.grant_organisation_permission(organisation_id uuid, role text, permission text)':
    ['authenticated execute'],
  'function public.has_organisation_permission(organisation_id uuid, permission text)': [
    'authenticated execute',
  ],
  'function public.join_organisation(organisation_id uuid)': ['authenticated execute'],
  'function public.leave_organisation(organisation_id uuid)': ['authenticated execute'],
  'function public.lift_organisation_mail_suppression(organisation_id uuid, email text)': [
    'authenticated execute',
  ],
  'function public.list_assignable_organisation_roles(organisation_id uuid)': [
    'authenticated execute',
  ],
  'function public.list_joinable_organisations()': ['authenticated execute'],
  'function public.list_my_organisation_invites()': ['authenticated execute'],
  'function public.list_my_organisation_permissions(organisation_id uuid)': [
    'authenticated execute',
  ],
  'function public.list_my_organisations()': ['authenticated execute'],
  'function public.list_organisation_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)':
    ['authenticated execute'],
  'function public.list_organisation_invites(organisation_id uuid, status text, search text, cursor uuid, page_size integer)':
    ['authenticated execute'],
  'function public.list_organisation_member_permissions(organisation_id uuid, user_id uuid)': [
    'authenticated execute',
  ],
  'function public.list_organisation_member_roles(organisation_id uuid, user_id uuid)': [
    'authenticated execute',
  ],
  'function public.list_organisation_role_members(organisation_id uuid, role text)': [
    'authenticated execute',
  ],
  'function public.list_organisation_role_permissions(organisation_id uuid, role text)': [
    'authenticated execute',
  ],
  'function public.organisation_invite_metrics(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)':
    ['authenticated execute'],
  'function public.organisation_sign_up_policy()': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function public.reconcile_organisation_directory_endpoint(endpoint_id uuid)': [
    'authenticated execute',
  ],
  'function public.reissue_organisation_invites(invite_ids uuid[])': ['authenticated execute'],
  'function public.remove_organisation_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.replay_organisation_webhook_deliveries(webhook_id uuid, delivery_id uuid, since timestamp with time zone)':
    ['authenticated execute'],
  'function public.request_organisation_invite_resend(token text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function public.resend_organisation_invite(invite_id uuid)': ['authenticated execute'],
  'function public.retry_organisation_delivery(delivery_id uuid)': ['authenticated execute'],
  'function public.reveal_organisation_invite_link(invite_id uuid)': ['authenticated execute'],
  'function public.revoke_organisation_directory_token(token_id uuid)': ['authenticated execute'],
  'function public.revoke_organisation_invite(invite_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.revoke_organisation_permission(organisation_id uuid, role text, permission text)':
    ['authenticated execute'],
  'function public.rotate_organisation_webhook_secret(webhook_id uuid, keep_old_for interval)': [
    'authenticated execute',
  ],
  'function public.start_organisation_access_review(organisation_id uuid, title text, due_at timestamp with time zone)':
    ['authenticated execute'],
  'function public.stop_organisation_mail(token text, stop boolean, everywhere boolean)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function public.take_over_organisation_credentials(ids uuid[])': ['authenticated execute'],
  'function public.test_organisation_webhook(webhook_id uuid)': ['authenticated execute'],
  'function public.transfer_organisation_ownership(organisation_id uuid, new_owner_id uuid)': [
    'authenticated execute',
  ],
  'function public.unban_organisation_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function public.update_organisation(organisation_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function public.update_organisation_directory_endpoint(endpoint_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function public.update_organisation_domain(organisation_id uuid, domain text, join_policy text, role text)':
    ['authenticated execute'],
  'function public.update_organisation_email_template(template_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function public.update_organisation_invite_roles(invite_id uuid, roles text[])': [
    'authenticated execute',
  ],
  'function public.update_organisation_member_ends(organisation_id uuid, user_id uuid, ends_at timestamp with time zone, role_ends jsonb)':
    ['authenticated execute'],
  'function public.update_organisation_member_roles(organisation_id uuid, user_id uuid, roles text[])':
    ['authenticated execute'],
  'function public.update_organisation_role(organisation_id uuid, role text, description text, permissions text[], inherits text[])':
    ['authenticated execute'],
  'function public.update_organisation_sign_in_rule(organisation_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function public.update_organisation_webhook(webhook_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function public.validate_organisation_invite(token text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function public.verify_organisation_audit_trail(organisation_id uuid)': [
    'authenticated execute',
  ],
  'function usher.accept_invite(token text)': ['authenticated execute'],
  'function usher.accept_my_invite(invite_id uuid)': ['authenticated execute'],
  'function usher.accept_open_invite(invite usher.invites)': [],
  'function usher.access_changes(organisation_id uuid)': [],
  'function usher.access_review_for_change(review_id uuid)': [],
  'function usher.access_rights(organisation_id uuid)': [],
  'function usher.accounts_of(email text)': [],
  'function usher.acts_as_directory()': [],
  'function usher.add_member(organisation_id uuid, user_id uuid, roles text[], ends_at timestamp with time zone, kind text)':
    [],
  'function usher.add_webhook_secret(webhook public.organisation_webhooks)': [],
  'function usher.address_hash(email text)': [],
  'function usher.addresses_of(organisation_id uuid, user_id uuid)': [],
  'function usher.admit_directory_user(directory_user usher.directory_users)': [],
  'function usher.allowance_used(key text, period interval)': [],
  'function usher.amr_entries(claims jsonb)': [],
  'function usher.announce_ending_access(batch_size integer)': ['usher_worker execute'],
  'function usher.announce_ending_access_of(organisation_id uuid, ids uuid[], batch_size integer)':
    [],
  'function usher.answer_access_review(review_id uuid, answers jsonb)': ['authenticated execute'],
  'function usher.answer_allowance(taken usher.rate_limits, allowance integer, period interval, is_secret boolean)':
    [],
  'function usher.answer_error(code text)': [],
  'function usher.answer_review_item(item public.organisation_access_review_items, decision text, reason text)':
    [],
  'function usher.approve_join_request(request_id uuid, roles text[])': ['authenticated execute'],
  'function usher.ban_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function usher.before_user_created(event jsonb)': [],
  'function usher.bring_back_stops(recipients text[])': [],
  'function usher.call_function_once(idempotency_key text, function_name text, arguments jsonb)': [
    'authenticated execute',
  ],
  'function usher.call_statement(function_name text, arguments jsonb)': ['authenticated execute'],
  'function usher.caller_membership(organisation_id uuid)': [],
  'function usher.check_audit_trail(organisation_id uuid)': [],
  'function usher.check_audit_trails()': [],
  'function usher.clean_description(value text, max_length integer)': [],
  'function usher.clean_events(events text[])': [],
  'function usher.clean_line(value text, max_length integer)': [],
  'function usher.clean_name(value text, max_length integer, may_link boolean)': [],
  'function usher.clean_roles(roles text[])': [],
  'function usher.clean_text(value text, max_length integer)': [],
  'function usher.client_address(headers jsonb, OUT ip text, OUT claimed_ip text)': [],
  'function usher.close_access_review(review_id uuid, reason text)': ['authenticated execute'],
  'function usher.collect_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone, with_people boolean, with_invites boolean)':
    [],
  'function usher.collect_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)':
    [],
  'function usher.complete_access_review(review_id uuid)': [],
  'function usher.complete_delivery(delivery_id uuid, fence bigint, response text, provider_message_id text)':
    ['usher_worker execute'],
  'function usher.complete_directory_change(endpoint_id uuid, member_id uuid, fence bigint, change bigint, remote_id text, roles text[], error text)':
    ['usher_worker execute'],
  'function usher.confirm_domain(organisation_id uuid, domain text, txt_values text[])': [
    'usher_worker execute',
  ],
  'function usher.counting_roles(roles text[], ends_at timestamp with time zone, role_ends jsonb)':
    [],
  'function usher.create_device_invite(organisation_id uuid, device_name text, roles text[], expires_in interval)':
    ['authenticated execute'],
  'function usher.create_directory_endpoint(organisation_id uuid, name text, url text, token text)':
    ['authenticated execute'],
  'function usher.create_directory_token(organisation_id uuid, name text, expires_in interval)': [
    'authenticated execute',
  ],
  'function usher.create_domain(organisation_id uuid, domain text)': ['authenticated execute'],
  'function usher.create_email_template(organisation_id uuid, draft jsonb)': [
    'authenticated execute',
  ],
  'function usher.create_invite(organisation_id uuid, draft jsonb)': ['authenticated execute'],
  'function usher.create_invites(organisation_id uuid, drafts jsonb)': ['authenticated execute'],
  'function usher.create_organisation(name text, slug text)': ['authenticated execute'],
  'function usher.create_permission(name text, description text, roles text[])': [],
  'function usher.create_role(organisation_id uuid, name text, description text, permissions text[], inherits text[])':
    ['authenticated execute'],
  'function usher.create_role_exclusion(organisation_id uuid, name text, roles text[], cardinality integer)':
    ['authenticated execute'],
  'function usher.create_webhook(organisation_id uuid, url text, events text[], description text)':
    ['authenticated execute'],
  'function usher.custom_access_token_hook(event jsonb)': [],
  'function usher.decline_invite(token text, reason text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.decline_join_request(request_id uuid, reason text)': ['authenticated execute'],
  'function usher.delay_mails(judgement usher.mail_judgement, settings usher.settings)': [],
  'function usher.delete_directory_endpoint(endpoint_id uuid)': ['authenticated execute'],
  'function usher.delete_directory_group(token text, id uuid)': ['usher_worker execute'],
  'function usher.delete_directory_user(token text, id uuid)': ['usher_worker execute'],
  'function usher.delete_domain(organisation_id uuid, domain text)': ['authenticated execute'],
  'function usher.delete_email_template(template_id uuid)': ['authenticated execute'],
  'function usher.delete_organisation(organisation_id uuid)': ['authenticated execute'],
  'function usher.delete_role(organisation_id uuid, role text)': ['authenticated execute'],
  'function usher.delete_role_exclusion(organisation_id uuid, name text)': [
    'authenticated execute',
  ],
  'function usher.delete_webhook(webhook_id uuid)': ['authenticated execute'],
  'function usher.delivery_end(delivery public.organisation_deliveries, invite usher.invites)': [],
  'function usher.delivery_metrics()': ['usher_worker execute'],
  'function usher.delivery_status(status text, attempts integer, due_at timestamp with time zone)':
    [],
  'function usher.device_code_hash(code text, key_id integer)': [],
  'function usher.directory_account(directory_user usher.directory_users)': [],
  'function usher.directory_endpoint_for_change(endpoint_id uuid, lock text)': [],
  'function usher.directory_giving_ends_at(organisation_id uuid, permission text, roles text[])':
    [],
  'function usher.directory_group_external_id(organisation_id uuid, role text)': [],
  'function usher.directory_groups_of(organisation_id uuid)': [],
  'function usher.directory_membership(organisation_id uuid)': [],
  'function usher.directory_metrics()': ['usher_worker execute'],
  'function usher.directory_url(url text)': [],
  'function usher.directory_user_for_change(organisation_id uuid, id uuid)': [],
  'function usher.directory_user_problem(directory_user usher.directory_users)': [],
  'function usher.directory_users_of(organisation_id uuid)': [],
  'function usher.disable_webhook(webhook_id uuid, reason text)': [],
  'function usher.dismiss_directory_user(directory_user usher.directory_users)': [],
  'function usher.display_name(user_metadata jsonb)': [],
  'function usher.domain_word_ends_at(domain public.organisation_domains)': [],
  'function usher.email_domain(email text)': [],
  'function usher.enabled_webhook_for_change(webhook_id uuid)': [],
  'function usher.end_access(member public.organisation_members)': [],
  'function usher.end_directory_lease(endpoint_id uuid, member_id uuid, fence bigint)': [],
  'function usher.end_due_access(batch_size integer)': ['usher_worker execute'],
  'function usher.end_due_access_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.end_invite(invite_id uuid, reason text, actor_kind text, revoked_by uuid)': [],
  'function usher.end_membership(member_id uuid, status text, event text, reason text, actor_kind text)':
    [],
  'function usher.end_queued_webhook_deliveries(webhook_id uuid)': [],
  'function usher.end_undeliverable(delivery public.organisation_deliveries, invite usher.invites)':
    [],
  'function usher.endpoint_token(endpoint_id uuid)': [],
  'function usher.enqueue_auth_mail(recipient text, locale text, sealed text, dedupe_key bytea)': [
    'usher_worker execute',
  ],
  'function usher.enrol_device(code text)': ['authenticated execute'],
  'function usher.ensure_signing_key()': [],
  'function usher.erase_address(email text)': [],
  'function usher.erase_from_trail(traces usher.person_traces)': [],
  'function usher.erase_person(user_id uuid)': [],
  'function usher.erase_traces(traces usher.person_traces)': [],
  'function usher.erased_recipient(delivery_id uuid)': [],
  'function usher.error_of(code text)': [],
  'function usher.errors()': [],
  'function usher.event_hash(event public.organisation_audit_events)': [],
  'function usher.event_text(event public.organisation_audit_events)': [],
  'function usher.evidence_tables(organisation_id uuid, since timestamp with time zone, until timestamp with time zone, with_people boolean, with_invites boolean)':
    [],
  'function usher.evidence_trail(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)':
    [],
  'function usher.excluded_together(organisation_id uuid, roles text[])': [],
  'function usher.expire_due_invites(batch_size integer)': ['usher_worker execute'],
  'function usher.expire_due_invites_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.expire_invite(invite_id uuid)': ['authenticated execute'],
  'function usher.expire_overdue_invites(organisation_id uuid, emails text[])': [],
  'function usher.export_evidence(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)':
    ['authenticated execute'],
  'function usher.fail(code text, hint text, details text, headers jsonb)': [],
  'function usher.fail_delivery(delivery_id uuid, fence bigint, failure text, response text, status_code text, about text)':
    ['usher_worker execute'],
  'function usher.fail_directory_change(endpoint_id uuid, member_id uuid, fence bigint, failure text, error text, retry_after integer)':
    ['usher_worker execute'],
  'function usher.fail_directory_reconcile(endpoint_id uuid, fence bigint, error text, retry_after integer)':
    ['usher_worker execute'],
  'function usher.fail_rate_limited(wait interval, headers jsonb)': [],
  'function usher.fail_template(template_id uuid, failure text)': ['usher_worker execute'],
  'function usher.fan_out(batch_size integer, after_id bigint, OUT followed integer, OUT newest_id bigint)':
    ['usher_worker execute'],
  'function usher.find_links(value text)': [],
  'function usher.finish_directory_reconcile(endpoint_id uuid, fence bigint, features jsonb, users jsonb, groups jsonb)':
    ['usher_worker execute'],
  'function usher.finish_one_click(invite_id uuid, issue integer, user_id uuid)': [
    'usher_worker execute',
  ],
  'function usher.follow_lines(event_ids uuid[], bulk_ids uuid[])': [],
  'function usher.follow_lost_rights(batch_size integer)': ['usher_worker execute'],
  'function usher.follow_lost_rights_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.free_slug(name text)': [],
  'function usher.giving_ends_at(member public.organisation_members, permission text, roles text[])':
    [],
  'function usher.grant_permission(organisation_id uuid, role text, permission text)': [
    'authenticated execute',
  ],
  'function usher.has_account(email text)': [],
  'function usher.has_identity(user_id uuid, provider text, email text)': [],
  'function usher.has_permission(organisation_id uuid, permission text)': ['authenticated execute'],
  'function usher.has_proven_address(user_id uuid)': [],
  'function usher.has_sanction(organisation_id uuid, email text, status text)': [],
  'function usher.held_events(event_ids uuid[])': [],
  'function usher.invite_end(lifetime interval, membership_ends_at timestamp with time zone)': [],
  'function usher.invite_fingerprint(email text, roles text[])': [],
  'function usher.invite_for_change(invite_id uuid, permission text)': [],
  'function usher.invite_lifetime(expires_in text, organisation_ttl interval)': [],
  'function usher.invite_mails(lines public.organisation_audit_events[])': [],
  'function usher.invite_metrics(organisation_id uuid, since timestamp with time zone, until timestamp with time zone)':
    ['authenticated execute'],
  'function usher.invite_problem(invite usher.invites)': [],
  'function usher.invite_state_problem(invite usher.invites)': [],
  'function usher.invite_status(status text, expires_at timestamp with time zone)': [
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.invite_view(invite_id uuid)': [],
  'function usher.invitee_errors()': [],
  'function usher.inviter_right_ends_at(invite usher.invites)': [],
  'function usher.is_anonymous()': [],
  'function usher.is_banned(organisation_id uuid, user_id uuid)': [],
  'function usher.is_erased_address(email text)': [],
  'function usher.is_for_owners(organisation_id uuid, roles text[])': [],
  'function usher.is_heaped(value text)': [],
  'function usher.is_kept_out(member public.organisation_members)': [],
  'function usher.is_locale(locale text)': [],
  'function usher.is_mail_stopped()': ['usher_worker execute'],
  'function usher.is_redirect(redirect_to text)': [],
  'function usher.is_reserved_slug(slug text)': [],
  'function usher.is_slug(slug text)': [],
  'function usher.is_sound_event(actor_kind text, reason text, ip text, claimed_ip text, user_agent text)':
    [],
  'function usher.is_sound_invite(status text, inviter_kind text, email text, device_name text, roles text[], message text, locale text, redirect_to text, metadata jsonb, lifetime interval, membership_ends_at timestamp with time zone, expires_at timestamp with time zone, accepted_at timestamp with time zone, accepted_by uuid, declined_at timestamp with time zone, declined_reason text, revoked_at timestamp with time zone, revoked_reason text)':
    [],
  'function usher.is_sound_member(kind text, status text, roles text[], email text, display_name text, status_reason text, ended_at timestamp with time zone, ends_at timestamp with time zone, role_ends jsonb, next_end_at timestamp with time zone, announced_end_at timestamp with time zone)':
    [],
  'function usher.is_span(value interval, at_least interval, at_most interval)': [],
  'function usher.is_suppressed(email text, mailbox text)': [],
  'function usher.is_title(labels text[], is_alone boolean)': [],
  'function usher.is_to_invitee()': [],
  'function usher.issue_again(invite_id uuid, actor_kind text, inviter_id uuid)': [],
  'function usher.join_by_invite(invite usher.invites, email text, asks text[], kind text)': [],
  'function usher.join_organisation(organisation_id uuid)': ['authenticated execute'],
  'function usher.join_request_for_change(request_id uuid, is_joining boolean)': [],
  'function usher.judge_mails(ids uuid[], is_bulk boolean, settings usher.settings)': [],
  'function usher.judge_new_address(member public.organisation_members, email text)': [],
  'function usher.keep_endpoint_token(endpoint_id uuid, token text)': [],
  'function usher.keep_idempotent_result(idempotency_key text, request_hash bytea, result jsonb)': [
    'authenticated execute',
  ],
  'function usher.keep_late_stop(delivery_id uuid, organisation_id uuid)': [],
  'function usher.keep_late_suppression(delivery_id uuid, reason text, status_code text)': [],
  'function usher.keep_stops(emails text[])': [],
  'function usher.kept_at_erasure()': [],
  'function usher.label_to_ascii(label text)': [],
  'function usher.label_to_unicode(label text)': [],
  'function usher.lacks_identity(organisation_id uuid, user_id uuid, email text)': [],
  'function usher.lease_deliveries(worker text, batch_size integer, lease interval)': [
    'usher_worker execute',
  ],
  'function usher.lease_directory_changes(batch_size integer, lease interval)': [
    'usher_worker execute',
  ],
  'function usher.lease_directory_group(endpoint_id uuid, role text, lease interval)': [
    'usher_worker execute',
  ],
  'function usher.lease_directory_reconcile()': ['usher_worker execute'],
  'function usher.lease_in_turn(worker text, wanted integer, lease interval, is_bulk boolean, settings usher.settings)':
    [],
  'function usher.lease_webhook_deliveries(worker text, batch_size integer, lease interval)': [
    'usher_worker execute',
  ],
  'function usher.leave_organisation(organisation_id uuid)': ['authenticated execute'],
  'function usher.lift_erased_stop(hash bytea, organisation_id uuid)': [],
  'function usher.lift_mail_suppression(organisation_id uuid, email text)': [
    'authenticated execute',
  ],
  'function usher.lift_suppression(email text)': [],
  'function usher.list_assignable_roles(organisation_id uuid)': ['authenticated execute'],
  'function usher.list_directory_groups(token text, id uuid, display_name text, with_members boolean, for_change boolean)':
    ['usher_worker execute'],
  'function usher.list_directory_users(token text, id uuid, user_name text, external_id text, email text, start_index integer, page_size integer, for_change boolean)':
    ['usher_worker execute'],
  'function usher.list_domains_to_verify()': ['usher_worker execute'],
  'function usher.list_evidence_events(organisation_id uuid, last_seal integer, after_seal integer, after_position integer, page_size integer)':
    ['authenticated execute'],
  'function usher.list_invites(organisation_id uuid, status text, search text, cursor uuid, page_size integer)':
    ['authenticated execute'],
  'function usher.list_joinable_organisations()': ['authenticated execute'],
  'function usher.list_member_permissions(organisation_id uuid, user_id uuid)': [
    'authenticated execute',
  ],
  'function usher.list_member_roles(organisation_id uuid, user_id uuid)': ['authenticated execute'],
  'function usher.list_my_invites()': ['authenticated execute'],
  'function usher.list_my_organisations()': ['authenticated execute'],
  'function usher.list_my_permissions(organisation_id uuid)': ['authenticated execute'],
  'function usher.list_role_members(organisation_id uuid, role text)': ['authenticated execute'],
  'function usher.list_role_permissions(organisation_id uuid, role text)': [
    'authenticated execute',
  ],
  'function usher.lock_for_joining(organisation_id uuid, user_id uuid, inviter_id uuid)': [],
  'function usher.lock_members(organisation_id uuid, user_ids uuid[])': [],
  'function usher.lock_open_invites(organisation_id uuid, email text)': [],
  'function usher.lock_open_review(review_id uuid)': [],
  'function usher.lock_organisation(organisation_id uuid, lock text)': [],
  'function usher.lock_person(organisation_id uuid, email text)': [],
  'function usher.mail_kinds()': [],
  'function usher.mailbox(email text)': [],
  'function usher.mailbox_free_at(mailbox text, allowance integer, since timestamp with time zone, except_ids uuid[])':
    [],
  'function usher.mails_to_try(batch_size integer, lease interval)': [],
  'function usher.make_directory_role(organisation_id uuid, display_name text)': [],
  'function usher.mark_bounced(delivery public.organisation_deliveries)': [],
  'function usher.mark_copies(endpoint_id uuid)': [],
  'function usher.markdown_problem(body text)': [],
  'function usher.may_sign_up(email text, user_metadata jsonb)': [],
  'function usher.may_take_answers(organisation_id uuid, email text)': [],
  'function usher.member_for_change(organisation_id uuid, user_id uuid, permission text)': [],
  'function usher.mint_invite_token(invite_id uuid, is_mailed boolean)': [],
  'function usher.mint_return_tag(delivery_id uuid)': ['usher_worker execute'],
  'function usher.mint_stop_token(delivery_id uuid)': [],
  'function usher.my_joinable_domains()': [],
  'function usher.new_inviter(invite usher.invites)': [],
  'function usher.next_place(line text, step interval, not_before timestamp with time zone)': [],
  'function usher.nfc(value text)': [],
  'function usher.normalise_email(email text)': [],
  'function usher.note_lost_right(organisation_id uuid, user_id uuid, carried_roles text[], is_banned boolean)':
    [],
  'function usher.note_refusal(response text, status_code text)': [],
  'function usher.note_signature(signed_by text, signing_key text)': ['usher_worker execute'],
  'function usher.note_taken()': [],
  'function usher.notices_to_admins(lines public.organisation_audit_events[])': [],
  'function usher.notices_to_members(lines public.organisation_audit_events[])': [],
  'function usher.one_click_invite(token text)': [],
  'function usher.open_directory(token text, for_change boolean)': [],
  'function usher.organisations_in_turn(is_bulk boolean, after uuid, at timestamp with time zone, how_many integer)':
    [],
  'function usher.organisations_where(permission text)': ['authenticated execute'],
  'function usher.other_notices(lines public.organisation_audit_events[])': [],
  'function usher.outbox_metrics(OUT count bigint, OUT oldest_seconds double precision)': [
    'usher_worker execute',
  ],
  'function usher.own_role_for_change(organisation_id uuid, role text)': [],
  'function usher.own_tables()': [],
  'function usher.pace_mails(ids uuid[], settings usher.settings)': [],
  'function usher.pause_directory_endpoint(endpoint_id uuid, error text, retry_after integer)': [],
  'function usher.percent_pattern(letter text)': [],
  'function usher.permissions_of(organisation_id uuid, roles text[])': [],
  'function usher.permits(organisation_id uuid, roles text[], permission text)': [],
  'function usher.person_traces(user_ids uuid[], email text)': [],
  'function usher.personal_hash(event public.organisation_audit_events, salt bytea)': [],
  'function usher.personal_text(event public.organisation_audit_events)': [],
  'function usher.prepare_delivery(delivery_id uuid, fence bigint)': ['usher_worker execute'],
  'function usher.prepare_directory_change(endpoint_id uuid, member_id uuid, fence bigint)': [
    'usher_worker execute',
  ],
  'function usher.prepare_webhook_delivery(delivery_id uuid, fence bigint)': [
    'usher_worker execute',
  ],
  'function usher.punycode_bias(delta bigint, points integer, is_first boolean)': [],
  'function usher.purge_audit_trail(batch_size integer)': ['usher_worker execute'],
  'function usher.purge_audit_trail_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.purge_auth_mails()': ['usher_worker execute'],
  'function usher.purge_auth_mails_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.purge_webhook_answers()': ['usher_worker execute'],
  'function usher.purge_webhook_answers_of(organisation_id uuid, ids uuid[], batch_size integer)':
    [],
  'function usher.queue_mails(lines public.organisation_audit_events[], bulk_ids uuid[])': [],
  'function usher.random_device_code()': [],
  'function usher.rate_limit_headers(policy text, allowance integer, remaining integer, period interval, reset interval)':
    [],
  'function usher.read_address(value text)': [],
  'function usher.read_invite_token(token text)': [],
  'function usher.read_time(value text)': [],
  'function usher.recipient_problems(organisation_id uuid, emails text[])': [],
  'function usher.reconcile_directory_endpoint(endpoint_id uuid)': ['authenticated execute'],
  'function usher.record_delivery_event(provider text, event_id text, kind text, delivery_id uuid, provider_message_id text, occurred_at timestamp with time zone, is_permanent boolean, response text, status_code text)':
    ['usher_worker execute'],
  'function usher.record_event(organisation_id uuid, event text, target_kind text, target_id uuid, before jsonb, after jsonb, reason text, actor_kind text, is_bulk boolean)':
    [],
  'function usher.record_events(organisation_id uuid, event text, target_kind text, target_ids uuid[], before jsonb, afters jsonb[], reason text, actor_kind text, is_bulk boolean)':
    [],
  'function usher.record_expiry(invites usher.invites[])': [],
  'function usher.record_mail_report(tag text, event_id text, recipients text[], action text, about text, response text, status_code text)':
    ['usher_worker execute'],
  'function usher.record_turn(delivery public.organisation_deliveries, event text)': [],
  'function usher.record_webhook_try(delivery_id uuid, fence bigint, status_code integer, response text, milliseconds integer, retry_after integer)':
    ['usher_worker execute'],
  'function usher.redact(value jsonb, pattern text, replacement text)': [],
  'function usher.redact(value text, pattern text, replacement text)': [],
  'function usher.redact_everywhere(traces usher.person_traces)': [],
  'function usher.refuse_directory_reconcile(endpoint_id uuid, fence bigint, error text)': [
    'usher_worker execute',
  ],
  'function usher.reissue_invites(invite_ids uuid[])': ['authenticated execute'],
  'function usher.release_directory_group(endpoint_id uuid, role text, fence bigint, remote_id text)':
    ['usher_worker execute'],
  'function usher.remind_due_invites(batch_size integer)': ['usher_worker execute'],
  'function usher.remind_due_invites_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.remind_overdue_reviews(batch_size integer)': ['usher_worker execute'],
  'function usher.remind_overdue_reviews_of(organisation_id uuid, ids uuid[], batch_size integer)':
    [],
  'function usher.remove_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function usher.replay_webhook_deliveries(webhook_id uuid, delivery_id uuid, since timestamp with time zone)':
    ['authenticated execute'],
  'function usher.report_address(email text)': [],
  'function usher.report_person(user_id uuid)': [],
  'function usher.report_traces(traces usher.person_traces)': [],
  'function usher.request_invite_resend(token text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.requeue_deliveries(delivery_ids uuid[])': [],
  'function usher.require_confirmed_person()': [],
  'function usher.require_end(ends_at timestamp with time zone)': [],
  'function usher.require_free_seat(organisation_id uuid)': [],
  'function usher.require_lasting_right(organisation_id uuid, permissions text[])': [],
  'function usher.require_mailed(invite usher.invites)': [],
  'function usher.require_manageable(organisation_id uuid, permissions text[])': [],
  'function usher.require_may_join(organisation_id uuid, user_id uuid, email text, roles text[], asks text[])':
    [],
  'function usher.require_no_owners_set(actor public.organisation_members, before text[], after text[])':
    [],
  'function usher.require_other_than_responsible(organisation_id uuid, email text, member_id uuid)':
    [],
  'function usher.require_owner_of_role(organisation_id uuid, roles text[])': [],
  'function usher.require_permission(organisation_id uuid, permission text, lock text, not_found text)':
    [],
  'function usher.require_person()': [],
  'function usher.require_reviewed_member(organisation_id uuid, user_id uuid)': [],
  'function usher.require_role(organisation_id uuid, role text)': [],
  'function usher.require_roles(organisation_id uuid, roles text[])': [],
  'function usher.require_room(thing text, organisation_id uuid, more integer)': [],
  'function usher.require_room_for_invites(organisation_id uuid, day usher.rate_limits)': [],
  'function usher.require_sign_in(organisation_id uuid, user_id uuid, email text)': [],
  'function usher.require_webhook(url text, events text[], description text)': [],
  'function usher.resend_invite(invite_id uuid)': ['authenticated execute'],
  'function usher.response_to_keep(delivery public.organisation_deliveries, response text)': [],
  'function usher.resting_organisations(step text)': [],
  'function usher.resume_mail()': [],
  'function usher.retry_delivery(delivery_id uuid)': ['authenticated execute'],
  'function usher.return_tag_hmac(key_id integer, delivery_id uuid)': [],
  'function usher.reveal_invite_link(invite_id uuid)': ['authenticated execute'],
  'function usher.review_facts(review_id uuid)': [],
  'function usher.review_results(review_id uuid)': [],
  'function usher.reviewers(organisation_id uuid)': [],
  'function usher.revoke_directory_token(token_id uuid)': ['authenticated execute'],
  'function usher.revoke_invite(invite_id uuid, reason text)': ['authenticated execute'],
  'function usher.revoke_invites_to(organisation_id uuid, email text, reason text)': [],
  'function usher.revoke_permission(organisation_id uuid, role text, permission text)': [
    'authenticated execute',
  ],
  'function usher.role_ends_of_gift(member public.organisation_members, permission text, roles text[])':
    [],
  'function usher.role_facts(role public.organisation_roles)': [],
  'function usher.roles_problem(organisation_id uuid, roles text[], assigner_roles text[])': [],
  'function usher.roles_with_inherited(organisation_id uuid, roles text[])': [],
  'function usher.rotate_signing_key()': [],
  'function usher.rotate_webhook_secret(webhook_id uuid, keep_old_for interval)': [
    'authenticated execute',
  ],
  'function usher.run_upkeep(step text, items usher.upkeep_item[], batch_size integer)': [],
  'function usher.sanction_hash(organisation_id uuid, email text)': [],
  'function usher.save_directory_group(token text, id uuid, facts jsonb)': ['usher_worker execute'],
  'function usher.save_directory_user(token text, id uuid, facts jsonb)': ['usher_worker execute'],
  'function usher.save_email_template(template public.organisation_email_templates)': [],
  'function usher.save_own_role(role public.organisation_roles, event text, before jsonb)': [],
  'function usher.seal_audit_trail(batch_size integer)': ['usher_worker execute'],
  'function usher.seal_audit_trail_of(organisation_id uuid, ids uuid[], batch_size integer)': [],
  'function usher.seal_events(organisation_id uuid, batch_size integer)': [],
  'function usher.seal_hash(organisation_id uuid, number integer, previous bytea)': [],
  'function usher.seal_trail(organisation_id uuid)': [],
  'function usher.searched_words(traces usher.person_traces)': [],
  'function usher.session_came_by(claims jsonb, provider text, since timestamp with time zone)': [],
  'function usher.set_directory_members(organisation_id uuid, role text, user_ids uuid[])': [],
  'function usher.set_directory_role(organisation_id uuid, user_id uuid, role text, is_held boolean)':
    [],
  'function usher.settle_open_invite(member public.organisation_members)': [],
  'function usher.sign_in_problem(rule public.organisation_sign_in_rules, user_id uuid, email text)':
    [],
  'function usher.sign_up_policy()': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.sign_up_secrets()': [],
  'function usher.signing_key_secret(key_id integer)': [],
  'function usher.slot_allowance(slot smallint, allowance integer, slots integer)': [],
  'function usher.speak_to_invitee()': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.spellings(email text)': [],
  'function usher.sso_provider_of(domain text)': [],
  'function usher.start_access_review(organisation_id uuid, title text, due_at timestamp with time zone)':
    ['authenticated execute'],
  'function usher.start_one_click(token text)': ['usher_worker execute'],
  'function usher.stop_credentials(organisation_id uuid, user_id uuid, carried_roles text[], is_banned boolean)':
    [],
  'function usher.stop_mail(token text, stop boolean, everywhere boolean)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
    'usher_worker execute',
  ],
  'function usher.suppress_address(email text, reason text, status_code text)': [],
  'function usher.suppress_recipient(delivery public.organisation_deliveries, reason text, status_code text)':
    [],
  'function usher.take_allowance(key text, amount integer, allowance integer, period interval, is_secret boolean)':
    [],
  'function usher.take_fresh(batch_size integer, after_id bigint)': [],
  'function usher.take_from_slots(key text, amount integer, allowance integer, slots integer)': [],
  'function usher.take_idempotency_key(idempotency_key text, request_hash bytea)': [
    'authenticated execute',
  ],
  'function usher.take_over_credentials(ids uuid[])': ['authenticated execute'],
  'function usher.take_shared_allowance(key text, amount integer, allowance integer, period interval)':
    [],
  'function usher.target_host(url text)': [],
  'function usher.target_problem(url text)': [],
  'function usher.tell_webhooks(lines public.organisation_audit_events[])': [],
  'function usher.template_as_read(value text)': [],
  'function usher.template_facts(template public.organisation_email_templates)': [],
  'function usher.template_for_change(template_id uuid, lock text)': [],
  'function usher.template_for_mail(kind text, organisation_id uuid, locale text, template_id uuid)':
    [],
  'function usher.template_leads_astray(body text)': [],
  'function usher.template_problem(kind text, template jsonb)': [],
  'function usher.template_touches(value text)': [],
  'function usher.tenant_limits(only_thing text)': [],
  'function usher.test_webhook(webhook_id uuid)': ['authenticated execute'],
  'function usher.tg_directory_endpoint_tokens__forget()': [],
  'function usher.tg_identities__no_secrets()': [],
  'function usher.tg_organisation_audit_events__append_only()': [],
  'function usher.tg_organisation_deliveries__bring_back_stops()': [],
  'function usher.tg_organisation_members__follow_ends()': [],
  'function usher.tg_organisation_members__join_directory()': [],
  'function usher.tg_organisation_members__keep_owner()': [],
  'function usher.tg_organisation_members__keep_sanctions()': [],
  'function usher.tg_organisation_members__known_again()': [],
  'function usher.tg_organisation_members__lapse_review_items()': [],
  'function usher.tg_organisation_members__lose_directory_roles()': [],
  'function usher.tg_organisation_members__mark_copies()': [],
  'function usher.tg_organisation_members__note_lost_rights()': [],
  'function usher.tg_organisation_roles__note_lost_rights()': [],
  'function usher.tg_users__closed_door()': [],
  'function usher.tg_users__end_memberships()': [],
  'function usher.tg_users__follow_profile()': [],
  'function usher.tg_users__join_when_confirmed()': [],
  'function usher.tg_users__no_secrets()': [],
  'function usher.tg_webhook_secrets__leave_vault()': [],
  'function usher.top_level_domains()': [],
  'function usher.transfer_ownership(organisation_id uuid, new_owner_id uuid)': [
    'authenticated execute',
  ],
  'function usher.unassignable_role(organisation_id uuid, roles text[], assigner_roles text[])': [],
  'function usher.unban_member(organisation_id uuid, user_id uuid, reason text)': [
    'authenticated execute',
  ],
  'function usher.update_directory_endpoint(endpoint_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function usher.update_domain(organisation_id uuid, domain text, join_policy text, role text)': [
    'authenticated execute',
  ],
  'function usher.update_email_template(template_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function usher.update_invite_roles(invite_id uuid, roles text[])': ['authenticated execute'],
  'function usher.update_member_ends(organisation_id uuid, user_id uuid, ends_at timestamp with time zone, role_ends jsonb)':
    ['authenticated execute'],
  'function usher.update_member_roles(organisation_id uuid, user_id uuid, roles text[])': [
    'authenticated execute',
  ],
  'function usher.update_organisation(organisation_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function usher.update_role(organisation_id uuid, role text, description text, permissions text[], inherits text[])':
    ['authenticated execute'],
  'function usher.update_settings(changes jsonb)': [],
  'function usher.update_sign_in_rule(organisation_id uuid, changes jsonb)': [
    'authenticated execute',
  ],
  'function usher.update_webhook(webhook_id uuid, changes jsonb)': ['authenticated execute'],
  'function usher.url_origin(url text)': [],
  'function usher.validate_invite(token text)': [
    'anon execute',
    'authenticated execute',
    'service_role execute',
  ],
  'function usher.verify_audit_trail(organisation_id uuid)': ['authenticated execute'],
  'function usher.verify_invite_token(token text)': [],
  'function usher.verify_return_tag(tag text)': [],
  'function usher.verify_stop_token(token text)': [],
  'function usher.webhook_body(event public.organisation_audit_events)': [],
  'function usher.webhook_event_types()': [],
  'function usher.webhook_facts(webhook public.organisation_webhooks)': [],
  'function usher.webhook_for_change(webhook_id uuid, lock text)': [],
  'function usher.webhook_hears(webhook public.organisation_webhooks, event text, target_id uuid)':
    [],
  'function usher.webhook_metrics()': ['usher_worker execute'],
  'function usher.webhook_signatures(webhook_id uuid, content text)': [],
  'function usher.without_addresses(value jsonb)': [],
  'function usher.without_secrets(user_metadata jsonb)': [],
  'function usher.word_pattern(word text)': [],
  'function usher.words_pattern(words text[], is_whole boolean)': [],
  'table public.organisation_access_review_items': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_access_reviews': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_audit_events': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_deliveries': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_directory_copies': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_directory_endpoints': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_directory_tokens': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_domains': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_email_templates': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_invites': ['authenticated select', 'service_role select'],
  'table public.organisation_join_requests': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_members': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_role_exclusions': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_roles': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_sign_in_rules': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisation_webhook_deliveries': [
    'rls',
    'authenticated select',
    'service_role select',
  ],
  'table public.organisation_webhooks': ['rls', 'authenticated select', 'service_role select'],
  'table public.organisations': ['rls', 'authenticated select', 'service_role select'],
  'table usher.access_register': [],
  'table usher.address_salt': ['rls'],
  'table usher.audit_export': [],
  'table usher.audit_seals': ['rls'],
  'table usher.current_members': [],
  'table usher.delayed_deliveries': [],
  'table usher.delivery_events': ['rls'],
  'table usher.device_codes': ['rls'],
  'table usher.directory_endpoint_tokens': ['rls'],
  'table usher.directory_group_copies': ['rls'],
  'table usher.directory_groups': ['rls'],
  'table usher.directory_token_hashes': ['rls'],
  'table usher.directory_users': ['rls'],
  'table usher.erased_deliveries': ['rls'],
  'table usher.erased_members': ['rls'],
  'table usher.erased_stops': ['rls'],
  'table usher.expiring_invites': [],
  'table usher.idempotency_keys': ['rls'],
  'table usher.invite_tokens': ['rls'],
  'table usher.invites': ['rls', 'authenticated select', 'service_role select'],
  'table usher.lost_rights': ['rls'],
  'table usher.mail_opt_outs': ['rls'],
  'table usher.mail_pace': ['rls'],
  'table usher.mail_transport': ['rls'],
  'table usher.mail_turns': ['rls'],
  'table usher.one_clicks': ['rls'],
  'table usher.outbox': ['rls'],
  'table usher.permissions': ['rls'],
  'table usher.rate_limits': ['rls'],
  'table usher.role_assigners': ['rls'],
  'table usher.sanctions': ['rls'],
  'table usher.sealed_events': ['rls'],
  'table usher.sent_mails': [],
  'table usher.settings': ['rls'],
  'table usher.sign_up_invites': ['rls'],
  'table usher.signing_key_states': [],
  'table usher.signing_keys': ['rls'],
  'table usher.stuck': [],
  'table usher.stuck_deliveries': [],
  'table usher.suppressed_addresses': ['rls'],
  'table usher.unsealed_trails': [],
  'table usher.upkeep_failures': ['rls'],
  'table usher.webhook_secrets': ['rls'],
}
