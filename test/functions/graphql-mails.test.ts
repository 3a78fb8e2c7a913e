/** Mails through the GraphQL door: how they are worded, what became of them, sending them anew. */
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { type Door, test } from '../support/graphql.ts'
import { fail, leaseOne, prepare } from '../support/worker.ts'

const CREATE = `mutation ($id: UUID!, $name: String, $subject: String, $isDefault: Boolean) {
  createEmailTemplate(organisationId: $id, kind: "invite", locale: "de", name: $name, subject: $subject, isDefault: $isDefault) {
    id organisationId kind locale name subject heading body button isDefault } }`
const TEMPLATES = `query ($id: UUID!, $first: Int! = 50, $after: String) { organisation(id: $id) {
  emailTemplates(first: $first, after: $after) { pageInfo { hasNextPage endCursor } edges { node { name subject } } } } }`

const create = (door: Door, acme: Organisation, variables: object, who = acme.owner) =>
  door.ask(who, CREATE, { id: acme.id, subject: 'Komm zu {{organisation}}', ...variables })

/** A mail that came back for good, and its link to stop more of them. */
async function bounced(acme: Organisation) {
  const { invite } = await acme.invite()
  const lease = await leaseOne(acme)
  const mail = await prepare(acme, lease)
  await fail(acme, lease, 'permanent', '5.1.1')
  return {
    email: invite.email,
    deliveryId: lease.delivery_id,
    token: mail.stop_link.split('#')[1] as string,
  }
}

describe('email templates', () => {
  test('are made, listed, named by an invite, changed and deleted', async ({ door, acme }) => {
    const { data, errors } = await create(door, acme, {})
    expect(errors).toEqual([])
    const template = data.createEmailTemplate
    expect(template).toMatchObject({
      organisationId: acme.id,
      name: 'default',
      subject: 'Komm zu {{organisation}}',
      body: null,
      isDefault: true,
    })
    const listed = await door.ask(acme.admin, TEMPLATES, { id: acme.id })
    expect(listed.data.organisation.emailTemplates.edges).toEqual([
      { node: { name: 'default', subject: 'Komm zu {{organisation}}' } },
    ])

    const invited = await door.ask(
      acme.owner,
      `mutation ($id: UUID!, $templateId: String!) { createInvite(organisationId: $id,
        invite: { email: "worded@example.com", roles: ["member"], templateId: $templateId }) { templateId bouncedAt } }`,
      { id: acme.id, templateId: template.id },
    )
    expect(invited.data.createInvite).toEqual({ templateId: template.id, bouncedAt: null })

    const changed = await door.ask(
      acme.owner,
      `mutation ($id: UUID!) { updateEmailTemplate(templateId: $id,
        changes: { subject: null, heading: "Hallo", isDefault: false }) { name subject heading isDefault } }`,
      { id: template.id },
    )
    expect(changed.data.updateEmailTemplate).toEqual({
      name: 'default',
      subject: null,
      heading: 'Hallo',
      isDefault: false,
    })
    const deleted = await door.ask(
      acme.owner,
      'mutation ($id: UUID!) { deleteEmailTemplate(templateId: $id) }',
      { id: template.id },
    )
    expect(deleted.data.deleteEmailTemplate).toBe(true)
  })

  test('come in pages, the newest first', async ({ door, acme }) => {
    for (const name of ['one', 'two', 'three']) await create(door, acme, { name, isDefault: false })

    const first = await door.ask(acme.owner, TEMPLATES, { id: acme.id, first: 2 })
    const { pageInfo, edges } = first.data.organisation.emailTemplates
    const after = pageInfo.endCursor
    const rest = await door.ask(acme.owner, TEMPLATES, { id: acme.id, first: 2, after })
    const last = rest.data.organisation.emailTemplates

    expect([pageInfo.hasNextPage, last.pageInfo.hasNextPage]).toEqual([true, false])
    expect(
      [...edges, ...last.edges].map(({ node }: { node: { name: string } }) => node.name),
    ).toEqual(['three', 'two', 'one'])
  })

  test('are refused with the hint of the database', async ({ door, acme }) => {
    const { codes, errors } = await create(door, acme, { subject: 'Hello {{nobody}}' })

    expect(codes).toEqual(['invalid_settings'])
    expect(errors[0]?.extensions.hint).toContain('{{nobody}}')
  })

  test('are hidden from whoever may not read invites', async ({ door, acme }) => {
    await create(door, acme, {})

    expect((await create(door, acme, {}, acme.member)).codes).toEqual(['permission_denied'])
    const { data } = await door.ask(acme.member, TEMPLATES, { id: acme.id })
    expect(data.organisation.emailTemplates.edges).toEqual([])
  })
})

describe('mails that came back', () => {
  const RETRY = 'mutation ($id: UUID!) { retryDelivery(deliveryId: $id) { id status attempts } }'
  const LIFT = `mutation ($id: UUID!, $email: String!) {
    liftMailSuppression(organisationId: $id, email: $email) }`

  test('are sent anew, once their address takes mail', async ({ door, acme }) => {
    const { email, deliveryId } = await bounced(acme)
    const lift = () => door.ask(acme.admin, LIFT, { id: acme.id, email })

    expect((await lift()).data.liftMailSuppression).toBe(true)
    expect((await lift()).data.liftMailSuppression).toBe(false)
    const retried = await door.ask(acme.admin, RETRY, { id: deliveryId })
    expect(retried.data.retryDelivery).toEqual({ id: deliveryId, status: 'queued', attempts: 0 })
    const again = await door.ask(acme.admin, RETRY, { id: deliveryId })
    expect(again.errors[0]?.extensions).toMatchObject({
      code: 'invite_not_pending',
      details: 'queued',
    })
  })

  test('are for those to send anew who may resend invites', async ({ door, acme }) => {
    const { email, deliveryId } = await bounced(acme)
    const codes = async (who: Organisation['owner']) => [
      ...(await door.ask(who, RETRY, { id: deliveryId })).codes,
      ...(await door.ask(who, LIFT, { id: acme.id, email })).codes,
    ]

    expect(await codes(acme.member)).toEqual(['permission_denied', 'permission_denied'])
    expect(await codes(acme.outsider)).toEqual(['delivery_not_found', 'organisation_not_found'])
  })

  test('say when, on the mail and on its invite', async ({ door, acme }) => {
    const { deliveryId } = await bounced(acme)
    await acme.sql`select usher.record_delivery_event('test', 'one', 'bounced', ${deliveryId},
      occurred_at => '2026-01-02T03:04:05Z')`

    const { data, errors } = await door.ask(
      acme.owner,
      `query ($id: UUID!) { organisation(id: $id) {
        invites { edges { node { bouncedAt } } }
        deliveries { edges { node { status bouncedAt deliveredAt openedAt complainedAt } } } } }`,
      { id: acme.id },
    )

    expect(errors).toEqual([])
    const { invites, deliveries } = data.organisation
    expect(invites.edges[0].node.bouncedAt).toBeTruthy()
    expect(deliveries.edges[0].node).toMatchObject({
      status: 'bounced',
      bouncedAt: expect.stringMatching(/^2026-01-02T03:04:05/),
      deliveredAt: null,
      openedAt: null,
      complainedAt: null,
    })
  })
})

describe('mails that nobody wants', () => {
  test('are stopped by their link, without a session, and may come again', async ({
    door,
    acme,
  }) => {
    const { email, token } = await bounced(acme)
    const stop =
      'mutation ($token: String!, $stop: Boolean, $everywhere: Boolean) { stopMail(token: $token, stop: $stop, everywhere: $everywhere) }'
    const optOuts = () =>
      acme.sql`select email from usher.mail_opt_outs where organisation_id = ${acme.id}`

    expect((await door.ask(null, stop, { token })).data).toEqual({ stopMail: 'Acme' })
    expect(await optOuts()).toEqual([{ email }])
    await door.ask(null, stop, { token, stop: false })
    expect(await optOuts()).toEqual([])
    await door.ask(null, stop, { token, everywhere: true })
    expect(
      await acme.sql`select organisation_id from usher.mail_opt_outs where email = ${email}`,
    ).toEqual([{ organisation_id: null }])
    expect((await door.ask(null, stop, { token: 'stp_x' })).codes).toEqual(['invite_invalid'])
  })

  test('come under the name that the organisation gives itself', async ({ door, acme }) => {
    const { data } = await door.ask(
      acme.owner,
      `mutation ($id: UUID!) { updateOrganisation(organisationId: $id,
        changes: { senderName: "Acme People", trackOpens: true }) { senderName trackOpens } }`,
      { id: acme.id },
    )

    expect(data.updateOrganisation).toEqual({ senderName: 'Acme People', trackOpens: true })
  })
})
