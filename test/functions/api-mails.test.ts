/** Mails over REST: how they are worded, tried again, and stopped. */
import { describe, expect } from 'vitest'
import type { Organisation } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { API_URL, test } from '../support/rest.ts'

const mailOf = async ({ sql }: Organisation, inviteId: string) => {
  await fanOut(sql)
  const [mail] = await sql`
    select id, status from public.organisation_deliveries where invite_id = ${inviteId}`
  return mail as { id: string; status: string }
}
const bounce = ({ sql }: Organisation, deliveryId: string) => sql`
  update public.organisation_deliveries
  set status = 'bounced', sent_at = now(), bounced_at = now() where id = ${deliveryId}`

describe('templates', () => {
  const wording = { kind: 'invite', locale: 'de-AT', subject: 'Servus bei {{organisation}}' }

  test('are made, found, changed and deleted', async ({ acme, rest }) => {
    const by = acme.admin
    const created = await rest(`/api/organisations/${acme.id}/email-templates`, {
      by,
      json: wording,
    })
    const path = `/api/email-templates/${created.body.id}`
    const changed = await rest(path, { by, method: 'PATCH', json: { subject: null, button: 'Ja' } })
    const list = await rest(`/api/organisations/${acme.id}/email-templates?locale=de-AT`, { by })
    const found = await rest(path, { by })
    const deleted = await rest(path, { by, method: 'DELETE' })

    expect([created.status, created.body]).toEqual([201, expect.objectContaining(wording)])
    expect(created.headers.get('location')).toBe(`${API_URL}${path.slice('/api'.length)}`)
    expect(changed.body).toMatchObject({ subject: null, button: 'Ja', locale: 'de-AT' })
    expect(list.body).toEqual({ data: [changed.body], next_cursor: null })
    expect(found.body).toEqual(changed.body)
    expect([deleted.status, (await rest(path, { by })).body.code]).toEqual([
      204,
      'template_not_found',
    ])
  })

  test('with an unknown placeholder are refused, and the answer lists those there are', async ({
    acme,
    rest,
  }) => {
    const { status, body } = await rest(`/api/organisations/${acme.id}/email-templates`, {
      by: acme.admin,
      json: { ...wording, subject: '{{password}}' },
    })

    expect([status, body.code]).toEqual([422, 'invalid_settings'])
    expect(body.detail).toContain('{{organisation}}')
  })

  test('of others are not there', async ({ acme, rest }) => {
    const { body } = await rest(`/api/organisations/${acme.id}/email-templates`, {
      by: acme.admin,
      json: wording,
    })
    const by = acme.outsider
    const path = `/api/email-templates/${body.id}`
    const change = await rest(path, { by, method: 'PATCH', json: { subject: 'Mine' } })
    const list = await rest(`/api/organisations/${acme.id}/email-templates`, { by })

    expect((await rest(path, { by })).body.code).toBe('template_not_found')
    expect(change.body.code).toBe('template_not_found')
    expect(list.body.data).toEqual([])
  })

  test('are named by invitations, one by one and in a CSV file', async ({ acme, rest }) => {
    const by = acme.admin
    const template = await rest(`/api/organisations/${acme.id}/email-templates`, {
      by,
      json: wording,
    })
    const { id } = template.body
    const draft = { organisation_id: acme.id, email: 'a@example.com', roles: ['member'] }
    const invite = await rest('/api/invitations', { by, json: { ...draft, template_id: id } })
    const bulk = await rest(`/api/invitations/bulk?organisation_id=${acme.id}`, {
      by,
      body: `email,roles,template_id\nb@example.com,member,${id}\nc@example.com,member,none`,
      headers: { 'content-type': 'text/csv' },
    })
    const stored = await rest(`/api/invitations/${bulk.body.data[0].invite_id}`, { by })

    expect(invite.body.template_id).toBe(id)
    expect(stored.body.template_id).toBe(id)
    expect(bulk.body.data[1]).toMatchObject({ status: 'failed', error_code: 'invalid_settings' })
  })
})

describe('mails', () => {
  test('say that they came back', async ({ acme, rest }) => {
    const { invite } = await acme.invite()
    const { id } = await mailOf(acme, invite.id)
    await bounce(acme, id)

    const path = `/api/organisations/${acme.id}/deliveries?status=bounced`
    const { body } = await rest(path, { by: acme.admin })

    expect(body.data).toEqual([
      expect.objectContaining({ id, status: 'bounced', bounced_at: expect.any(String) }),
    ])
  })

  test('that have failed are tried again; others are not, and say why', async ({ acme, rest }) => {
    const { invite } = await acme.invite()
    const { id } = await mailOf(acme, invite.id)
    await acme.sql`update public.organisation_deliveries set status = 'failed' where id = ${id}`
    const retry = () => rest(`/api/deliveries/${id}/retry`, { method: 'POST', by: acme.admin })

    expect((await retry()).body).toMatchObject({ id, status: 'queued', attempts: 0 })
    expect((await retry()).body).toMatchObject({ code: 'invite_not_pending', details: 'queued' })
  })

  test('go again to an address whose mailbox was made since', async ({ acme, rest }) => {
    const { invite } = await acme.invite()
    await bounce(acme, (await mailOf(acme, invite.id)).id)
    await acme.sql`select usher.suppress_address(${invite.email}, 'bounce')`
    const lift = () =>
      rest(`/api/organisations/${acme.id}/lift-mail-suppression`, {
        by: acme.admin,
        json: { email: invite.email },
      })

    expect((await lift()).body).toEqual({ was_suppressed: true })
    expect((await lift()).body).toEqual({ was_suppressed: false })
  })

  test('are stopped, and let through again, by whoever holds the link', async ({ acme, rest }) => {
    const { invite } = await acme.invite()
    const { id } = await mailOf(acme, invite.id)
    const [row] = await acme.sql`select usher.mint_stop_token(${id}) as token`
    const optOuts = () => acme.sql`
      select 1 from usher.mail_opt_outs where organisation_id = ${acme.id} and email = ${invite.email}`

    const stopped = await rest('/api/stop-mail', { json: { token: row?.token } })
    expect([stopped.body, await optOuts()]).toEqual([
      { organisation_name: 'Acme' },
      [{ '?column?': 1 }],
    ])

    await rest('/api/stop-mail', { json: { token: row?.token, stop: false } })
    expect(await optOuts()).toEqual([])

    await rest('/api/stop-mail', { json: { token: row?.token, everywhere: true } })
    expect(
      await acme.sql`select organisation_id from usher.mail_opt_outs where email = ${invite.email}`,
    ).toEqual([{ organisation_id: null }])
  })

  test('are not stopped by a link that is none, nor by looking', async ({ rest }) => {
    const wrong = await rest('/api/stop-mail', { json: { token: `stp_${'A'.repeat(68)}` } })
    const look = await rest('/api/stop-mail?token=stp_x')

    expect([wrong.status, wrong.body.code]).toEqual([404, 'invite_invalid'])
    expect([look.status, look.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })
})
