/** The client against the real stack: what it answers, and in which words it is refused. */
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createUsher, isUsherError, UsherError } from '../../client/index.ts'
import { type ClientPerson, freshStack } from './people.ts'

const stack = freshStack()

/** The mail of a new invite, and the way to the database for what only the worker can do. */
async function mailed(owner: ClientPerson, organisationId: string) {
  const sql = postgres(stack.stack.databaseUrl, { max: 1 })
  onTestFinished(() => sql.end())
  const { data: invite } = await owner.must.invites.create(organisationId, {
    email: `mailed-${randomUUID().slice(0, 8)}@example.com`,
    roles: ['member'],
  })
  const mails = async () =>
    (await owner.must.deliveries.list(organisationId, { inviteId: invite.id })).data
  await expect.poll(async () => (await mails()).length).toBe(1)
  const [mail] = await mails()
  if (!mail) throw new Error('The invite has no mail.')
  return { mail, sql }
}

describe('an answer', () => {
  test('is data or an error, with the word of the contract, its status and a hint', async () => {
    const { id, owner } = await stack.organisation()
    const draft = { email: 'twice@example.com', roles: ['member'] }
    const { data: invite, error: none } = await owner.usher.invites.create(id, draft)

    const { data, error } = await owner.usher.invites.create(id, draft)

    expect(none).toBeNull()
    expect(invite).toMatchObject({ status: 'pending', email: 'twice@example.com', resendCount: 0 })
    expect(data).toBeNull()
    expect(error).toMatchObject({ code: 'already_invited', status: 409, details: invite?.id })
    expect(error?.hint).toBeTruthy()
  })

  test('to text that no database can hold is in the words of the contract, and says which', async () => {
    const { id, owner } = await stack.organisation()
    const draft = { email: 'text@example.com', roles: ['member'] }

    const message = await owner.usher.invites.create(id, { ...draft, message: 'Hi\0there' })
    const name = await owner.usher.organisations.create({ name: 'cut \ud83d' })
    const search = await owner.usher.invites.list(id, { search: '\0' })
    const { data: preview } = await stack.anyone().invites.validate('inv_\0')

    expect(message.error).toMatchObject({ code: 'invalid_message', status: 422 })
    expect(message.error?.hint).toContain('NUL (U+0000)')
    expect(name.error?.hint).toContain('cut in two (U+D83D)')
    expect([name, search].map(({ error }) => error?.code)).toEqual([
      'invalid_settings',
      'invalid_settings',
    ])
    expect(preview?.reason).toBe('invite_invalid')
    const endpoint = { name: 'Tickets', url: 'https://tickets.example/scim', token: 'secret\0' }
    const secret = await owner.usher.directories.createEndpoint(id, endpoint)
    expect(secret.error).toMatchObject({ code: 'invalid_settings', status: 422 })
    await expect(owner.must.invites.list(id, { search: '\0' })).rejects.toThrow(UsherError)
  })

  test('without a session is a refusal, for functions and for lists', async () => {
    const anyone = stack.anyone()
    const { id } = await stack.organisation()

    expect((await anyone.organisations.listMine()).error?.code).toBe('unauthenticated')
    expect((await anyone.invites.accept('inv_x')).error?.code).toBe('unauthenticated')
    expect((await anyone.members.list(id)).error?.code).toBe('unauthenticated')
  })

  test('of a server that is not there is unreachable', async () => {
    const person = await stack.person(undefined, {
      fetch: (input, init) =>
        String(input).includes('/rpc/')
          ? Promise.reject(new TypeError('down'))
          : fetch(input, init),
    })

    expect((await person.usher.organisations.listMine()).error).toMatchObject({
      code: 'unreachable',
      status: 0,
    })
  })

  test('is thrown instead where throwing is asked for', async () => {
    const { id, owner } = await stack.organisation()
    const stranger = await stack.person()

    const refusal = await stranger.must.invites.list(id).catch((error) => error)
    const { data, error } = await owner.must.invites.list(id)

    expect(refusal).toBeInstanceOf(UsherError)
    expect(isUsherError(refusal, 'organisation_not_found')).toBe(true)
    expect(isUsherError(refusal, 'invite_not_found')).toBe(false)
    expect([data, error]).toEqual([[], null])
  })

  test('has dates where dates are asked for, and text otherwise', async () => {
    const { id, owner } = await stack.organisation()
    const dated = createUsher(owner.supabase, { dates: true })

    const [member] = (await dated.members.list(id)).data ?? []
    const [asText] = (await owner.usher.members.list(id)).data ?? []
    const { data: invite } = await dated.throwOnError().invites.create(id, {
      email: 'dated@example.com',
      roles: ['member'],
      metadata: { seen_at: '2026-01-31' },
    })

    expect(member?.joinedAt).toBeInstanceOf(Date)
    expect(member?.endedAt).toBeNull()
    expect(asText?.joinedAt).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(invite.expiresAt.getTime()).toBeGreaterThan(Date.now())
    expect(invite.metadata).toEqual({ seen_at: '2026-01-31' })
  })

  test('is given up when its signal says so', async () => {
    const { id, owner } = await stack.organisation()
    const usher = owner.usher.abortSignal(AbortSignal.abort())

    expect((await usher.members.list(id)).error?.code).toBe('aborted')
    expect((await usher.invites.list(id)).error?.code).toBe('aborted')
  })
})

describe('usher.organisations', () => {
  test('creates, reads, changes, hands over and deletes', async () => {
    const { id, owner } = await stack.organisation()
    const heir = await stack.join(owner, id, ['admin'])

    const changed = await owner.must.organisations.update(id, { name: 'Acme 2', seatLimit: 9 })
    expect(changed.data).toMatchObject({ name: 'Acme 2', seatLimit: 9 })
    expect((await owner.must.organisations.get(id)).data).toEqual(changed.data)
    expect((await owner.must.organisations.hasPermission(id, 'audit.read')).data).toBe(true)
    expect((await owner.must.organisations.listMyPermissions(id)).data).toContain('invite.create')

    await owner.must.organisations.transferOwnership(id, heir.userId)
    expect((await heir.must.organisations.listMine()).data).toMatchObject([{ id, isOwner: true }])
    expect((await owner.usher.organisations.delete(id)).error?.code).toBe('permission_denied')
    expect(await heir.usher.organisations.delete(id)).toEqual({ data: null, error: null })
    expect((await heir.must.organisations.get(id)).data).toBeNull()
  })

  test('is joined by those whose domain is let in only', async () => {
    const { id } = await stack.organisation()
    const stranger = await stack.person()

    expect((await stranger.must.organisations.listJoinable()).data).toEqual([])
    expect((await stranger.usher.organisations.join(id)).error?.code).toBe('organisation_not_found')
  })
})

describe('usher.invites', () => {
  test('goes from the mail to a membership', async () => {
    const { id, owner } = await stack.organisation()
    const newcomer = await stack.person()
    const draft = { email: newcomer.email, roles: ['finance'], expiresIn: '2 days' }
    const { data: invite } = await owner.must.invites.create(id, draft)
    const token = await stack.tokenOf(owner, invite.id)

    const { data: preview } = await stack.anyone().throwOnError().invites.validate(token)
    expect(preview).toMatchObject({ status: 'pending', reason: null, roles: ['finance'] })
    expect((await owner.usher.invites.accept(token)).error?.code).toBe('invite_wrong_email')
    expect((await newcomer.must.invites.listMine()).data).toMatchObject([{ id: invite.id }])
    expect((await newcomer.must.invites.accept(token)).data).toMatchObject({
      status: 'active',
      roles: ['finance'],
    })
    expect((await newcomer.usher.invites.accept(token)).error?.code).toBe('invite_already_accepted')
    expect((await owner.must.invites.get(invite.id)).data?.status).toBe('accepted')
  })

  test('is changed, expired, sent again, revoked and declined', async () => {
    const { id, owner } = await stack.organisation()
    const { data: invite } = await owner.must.invites.create(id, {
      email: 'tried@example.com',
      roles: ['member'],
    })

    const { data: changed } = await owner.must.invites.updateRoles(invite.id, ['finance'])
    expect(changed.roles).toEqual(['finance'])
    const token = await stack.tokenOf(owner, invite.id)
    expect((await owner.must.invites.expire(invite.id)).data.status).toBe('expired')
    expect(await stack.anyone().invites.requestResend(token)).toEqual({ data: null, error: null })
    expect(
      (
        await owner.must.invites.revoke(
          (
            await owner.must.invites.create(id, { email: 'r@example.com', roles: ['member'] })
          ).data.id,
          { reason: 'A mistake' },
        )
      ).data,
    ).toMatchObject({ status: 'revoked', revokedReason: 'A mistake' })
    expect((await owner.usher.invites.revoke(invite.id)).error?.code).toBe('invite_not_pending')
    const { error } = await owner.usher.invites.resend(invite.id)
    expect(error).toMatchObject({ code: 'rate_limited', status: 429 })
    expect(Number(error?.details)).toBeGreaterThan(0)

    const { data: other } = await owner.must.invites.create(id, {
      email: 'no@example.com',
      roles: ['member'],
    })
    const declined = await stack
      .anyone()
      .invites.decline(await stack.tokenOf(owner, other.id), { reason: 'No, thank you' })
    expect(declined.data?.status).toBe('declined')
    expect((await owner.usher.invites.acceptMine(other.id)).error?.code).toBe('permission_denied')
  })

  test('is counted, with rates as numbers', async () => {
    const { id, owner } = await stack.organisation()
    await stack.join(owner, id, ['member'])

    const since = new Date(Date.now() - 3_600_000)
    const { data } = await owner.must.invites.metrics(id, { since })

    expect(data).toMatchObject({ created: 1, accepted: 1, pending: 0, acceptanceRate: 1 })
    expect(data.days).toMatchObject([{ created: 1, accepted: 1 }])
  })
})

describe('usher.invites.stopMail', () => {
  test('stops the mails of one organisation, without a session, and takes it back', async () => {
    const { id, owner } = await stack.organisation()
    const { mail, sql } = await mailed(owner, id)
    const [row] = await sql`select usher.mint_stop_token(${mail.id}) as token`
    const { invites } = stack.anyone()
    const optOuts = () => sql`select email from usher.mail_opt_outs where organisation_id = ${id}`

    expect(await invites.stopMail(row?.token)).toEqual({ data: 'Acme', error: null })
    expect(await optOuts()).toEqual([{ email: mail.recipient }])
    expect((await invites.stopMail(row?.token, { stop: false })).data).toBe('Acme')
    expect(await optOuts()).toEqual([])

    const ofAll = () =>
      sql`select email from usher.mail_opt_outs
        where organisation_id is null and email = ${mail.recipient}`
    expect((await invites.stopMail(row?.token, { everywhere: true })).data).toBe('Acme')
    expect(await ofAll()).toHaveLength(1)
    await invites.stopMail(row?.token, { stop: false, everywhere: true })
    expect(await ofAll()).toEqual([])
    expect((await invites.stopMail('stp_x')).error?.code).toBe('invite_invalid')
  })
})

describe('usher.members', () => {
  test('are given roles, removed, banned and let in again', async () => {
    const { id, owner } = await stack.organisation()
    const { userId, must } = await stack.join(owner, id, ['member'])

    expect((await owner.must.members.updateRoles(id, userId, ['finance'])).data.roles).toEqual([
      'finance',
    ])
    expect((await owner.must.members.listRoles(id, userId)).data).toEqual(['finance'])
    expect((await owner.must.members.listPermissions(id, userId)).data).toContain('billing.read')
    expect((await must.members.leave(id)).data.status).toBe('left')
    expect((await owner.must.members.ban(id, userId, { reason: 'Spam' })).data).toMatchObject({
      status: 'banned',
      statusReason: 'Spam',
    })
    expect((await owner.usher.members.remove(id, userId)).error?.code).toBe('member_not_found')
    expect((await owner.must.members.unban(id, userId)).data.status).toBe('removed')
    expect((await owner.must.members.get(id, userId)).data?.status).toBe('removed')
  })

  test('of another organisation are none, and cannot be changed', async () => {
    const { id, owner } = await stack.organisation()
    const stranger = await stack.person()

    expect((await stranger.must.members.list(id)).data).toEqual([])
    expect((await stranger.must.members.get(id, owner.userId)).data).toBeNull()
    expect((await stranger.usher.members.remove(id, owner.userId)).error?.code).toBe(
      'organisation_not_found',
    )
  })
})

describe('usher.roles', () => {
  test('are made, changed, kept apart and deleted', async () => {
    const { id, owner } = await stack.organisation()
    const { roles } = owner.must

    await roles.create(id, { name: 'clerk', description: 'Keeps books', inherits: ['member'] })
    await roles.update(id, 'clerk', { permissions: ['audit.read'] })
    await roles.grantPermission(id, 'clerk', 'billing.read')
    await roles.revokePermission(id, 'clerk', 'audit.read')
    expect((await roles.list(id)).data.map(({ name }) => name)).toEqual([
      'admin',
      'clerk',
      'finance',
      'member',
      'owner',
    ])
    expect((await roles.list(id)).data.find(({ name }) => name === 'clerk')).toMatchObject({
      organisationId: id,
      grantedPermissions: ['billing.read'],
    })
    expect((await roles.listPermissions(id, 'clerk')).data).toContain('member.read')
    expect((await roles.listMembers(id, 'owner')).data).toMatchObject([{ userId: owner.userId }])

    const apart = { name: 'Four eyes', roles: ['clerk', 'admin'] }
    await roles.createExclusion(id, apart)
    expect((await roles.listExclusions(id)).data).toMatchObject([{ name: 'Four eyes' }])
    expect((await owner.usher.roles.delete(id, 'clerk')).error).toMatchObject({
      code: 'role_in_use',
      details: 'exclusions',
    })
    await roles.deleteExclusion(id, 'Four eyes')
    expect(await roles.delete(id, 'clerk')).toEqual({ data: null, error: null })
  })
})

describe('usher.devices', () => {
  test('enrol with a code, once', async () => {
    const { id, owner } = await stack.organisation()
    const { data: code } = await owner.must.devices.invite(id, {
      deviceName: 'Till 1',
      roles: ['member'],
    })
    expect((await owner.must.devices.listInvites(id, { status: 'pending' })).data).toMatchObject([
      { id: code.inviteId, kind: 'device', deviceName: 'Till 1' },
    ])
    const till = await stack.person()

    expect((await till.usher.devices.enrol('AAAAA-AAAAA')).error?.code).toBe('invite_invalid')
    expect((await till.must.devices.enrol(code.code)).data).toMatchObject({
      kind: 'device',
      organisationId: id,
    })
    expect((await owner.must.devices.list(id)).data).toMatchObject([{ userId: till.userId }])
  })
})

describe('usher.domains', () => {
  test('are claimed, set up and given up', async () => {
    const { id, owner } = await stack.organisation()

    const { data } = await owner.must.domains.create(id, 'acme.test')
    expect(data).toMatchObject({ domain: 'acme.test', joinPolicy: 'none', verifiedAt: null })
    await owner.must.domains.update(id, 'acme.test', { joinPolicy: 'ask', role: 'finance' })
    expect((await owner.must.domains.list(id)).data).toMatchObject([
      { joinPolicy: 'ask', role: 'finance' },
    ])
    await owner.must.domains.delete(id, 'acme.test')
    expect((await owner.must.domains.list(id)).data).toEqual([])
  })

  test('let people ask to join, and be approved or declined', async () => {
    const { id, owner } = await stack.organisation()
    await owner.must.domains.create(id, 'asking.test')
    await owner.must.domains.update(id, 'asking.test', { joinPolicy: 'ask' })
    const sql = postgres(stack.stack.databaseUrl, { max: 1 })
    onTestFinished(() => sql.end())
    await sql`select usher.update_settings('{"auth_confirms_addresses": true}')`
    await sql`update public.organisation_domains set verified_at = now() where organisation_id = ${id}`
    const [kim, lou] = [
      await stack.person('kim@asking.test'),
      await stack.person('lou@asking.test'),
    ]

    expect((await kim.must.organisations.listJoinable()).data).toMatchObject([
      { id, joinPolicy: 'ask' },
    ])
    expect((await kim.must.organisations.join(id)).data).toBe('requested')
    expect((await lou.must.organisations.join(id)).data).toBe('requested')
    const { data: requests } = await owner.must.joinRequests.list(id, { status: 'pending' })
    expect(requests.map(({ email }) => email)).toEqual(['lou@asking.test', 'kim@asking.test'])
    const [second, first] = requests.map((request) => request.id)
    expect((await kim.usher.joinRequests.approve(first ?? '')).error?.code).toBe(
      'request_not_found',
    )
    const { data: member } = await owner.must.joinRequests.approve(first ?? '', {
      roles: ['finance'],
    })
    expect(member).toMatchObject({ userId: kim.userId, roles: ['finance'] })
    const { data: declined } = await owner.must.joinRequests.decline(second ?? '', {
      reason: 'Not yet',
    })
    expect(declined).toMatchObject({ status: 'declined', reason: 'Not yet' })
    expect((await owner.usher.joinRequests.decline(first ?? '')).error?.code).toBe(
      'request_not_open',
    )
  })
})

describe('usher.templates', () => {
  const draft = { kind: 'invite', locale: 'de', subject: 'Komm zu {{organisation}}' } as const

  test('word the mails of an organisation, and of single invites', async () => {
    const { id, owner } = await stack.organisation()
    const { templates } = owner.must

    const { data: usual } = await templates.create(id, draft)
    expect(usual).toMatchObject({ ...draft, name: 'default', body: null, isDefault: true })
    const { data: second } = await templates.create(id, {
      ...draft,
      name: 'for trainers',
      subject: null,
      body: 'Willkommen, {{invitee}}.',
      isDefault: false,
    })
    await templates.create(id, { kind: 'member_removed', locale: 'de', heading: 'Auf Wiedersehen' })
    expect((await templates.list(id)).data.map(({ name }) => name)).toEqual([
      'default',
      'for trainers',
      'default',
    ])
    expect((await templates.list(id, { kind: 'invite' })).data).toEqual([usual, second])

    const { data: changed } = await templates.update(second.id, { body: null, button: 'Ja' })
    expect(changed).toMatchObject({ name: 'for trainers', body: null, button: 'Ja' })
    const { data: invite } = await owner.must.invites.create(id, {
      email: 'trainer@example.com',
      roles: ['member'],
      templateId: second.id,
    })
    expect(invite.templateId).toBe(second.id)
    expect(await templates.delete(second.id)).toEqual({ data: null, error: null })
    expect((await owner.must.invites.get(invite.id)).data?.templateId).toBeNull()
  })

  test('are refused with a hint that says what is wrong', async () => {
    const { id, owner } = await stack.organisation()
    const subject = 'Hello {{nobody}}'

    const { error } = await owner.usher.templates.create(id, { ...draft, subject })

    expect(error).toMatchObject({ code: 'invalid_settings', status: 422 })
    expect(error?.hint).toContain('{{nobody}}')
  })

  test('are for admins to change, and for nobody outside to see', async () => {
    const { id, owner } = await stack.organisation()
    const member = await stack.join(owner, id, ['member'])
    const stranger = await stack.person()
    const { data: template } = await owner.must.templates.create(id, draft)

    expect((await member.usher.templates.create(id, draft)).error?.code).toBe('permission_denied')
    expect((await stranger.must.templates.list(id)).data).toEqual([])
    expect((await stranger.usher.templates.delete(template.id)).error?.code).toBe(
      'template_not_found',
    )
  })
})

describe('usher.audit and usher.deliveries', () => {
  test('tell what happened, narrowed by time, event and person', async () => {
    const { id, owner } = await stack.organisation()
    const member = await stack.join(owner, id, ['member'])

    const { data: all } = await owner.must.audit.list(id)
    const { data: made } = await owner.must.audit.list(id, { event: 'invite.created' })
    const { data: byMember } = await owner.must.audit.list(id, { actorId: member.userId })
    const first = all.at(-1)

    expect(first?.event).toBe('organisation.created')
    expect(made).toMatchObject([{ actorId: owner.userId, actorKind: 'user' }])
    expect(byMember.map(({ event }) => event)).toContain('invite.accepted')
    expect(
      (await owner.must.audit.list(id, { since: new Date(Date.now() + 60_000) })).data,
    ).toEqual([])
    expect((await owner.must.audit.list(id, { until: new Date(0) })).data).toEqual([])
    expect((await member.must.audit.list(id)).data).toEqual([])
    expect((await owner.must.audit.verify(id)).data).toMatchObject({ isWhole: true, problem: null })
    expect((await member.usher.audit.verify(id)).error?.code).toBe('permission_denied')
  })

  test('tell which mail an invite caused', async () => {
    const { id, owner } = await stack.organisation()
    const { data: invite } = await owner.must.invites.create(id, {
      email: 'mailed@example.com',
      roles: ['member'],
    })

    const mails = async () =>
      (await owner.must.deliveries.list(id, { inviteId: invite.id, kind: 'invite' })).data

    await expect
      .poll(mails)
      .toMatchObject([{ recipient: 'mailed@example.com', inviteId: invite.id }])
  })

  test('have a mail that came back sent anew, once its address takes mail', async () => {
    const { id, owner } = await stack.organisation()
    const { mail, sql } = await mailed(owner, id)
    const { deliveries } = owner.usher
    await sql`select usher.suppress_address(${mail.recipient}, 'bounce', '5.1.1')`
    await sql`update public.organisation_deliveries set status = 'failed', sent_at = null
      where id = ${mail.id}`
    expect((await owner.must.deliveries.list(id, { status: 'failed' })).data).toHaveLength(1)

    expect(await deliveries.liftSuppression(id, mail.recipient)).toEqual({
      data: true,
      error: null,
    })
    expect((await deliveries.liftSuppression(id, mail.recipient)).data).toBe(false)
    expect((await deliveries.retry(mail.id)).data).toMatchObject({ id: mail.id, status: 'queued' })
    const { error } = await deliveries.retry(mail.id)
    expect(error).toMatchObject({ code: 'invite_not_pending', status: 409 })
    expect(error?.details).toMatch(/^(queued|sending|sent)$/)
  })

  test('let nobody else send a mail anew', async () => {
    const { id, owner } = await stack.organisation()
    const { mail } = await mailed(owner, id)
    const [member, stranger] = [await stack.join(owner, id, ['member']), await stack.person()]

    expect((await member.usher.deliveries.retry(mail.id)).error?.code).toBe('permission_denied')
    expect((await stranger.usher.deliveries.retry(mail.id)).error?.code).toBe('delivery_not_found')
    expect((await stranger.usher.deliveries.liftSuppression(id, mail.recipient)).error?.code).toBe(
      'organisation_not_found',
    )
  })
})
