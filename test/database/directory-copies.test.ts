import { describe, expect } from 'vitest'
import { changeRoles, leaseChanges, test } from '../support/directory-changes.ts'
import { asWorker } from '../support/worker.ts'

describe('a change of a member', () => {
  test('is marked with the change itself, or not at all', async ({ acme, endpoint }) => {
    await acme.owner
      .run(async (tx) => {
        await tx`select public.update_organisation_member_roles(
          ${acme.id}, ${acme.member.userId}, '{finance}')`
        throw new Error('undo')
      })
      .catch(() => {})
    expect(await leaseChanges(acme)).toEqual([])

    await changeRoles(acme, ['finance'])
    expect(await leaseChanges(acme)).toMatchObject([{ endpoint_id: endpoint, attempts: 1 }])
  })

  test('of nothing that is told marks nothing', async ({ acme, endpoint }) => {
    await acme.sql`update public.organisation_members set status_reason = 'x'
      where organisation_id = ${acme.id}`
    await acme.sql`update auth.users set updated_at = now()`

    expect(await leaseChanges(acme)).toEqual([])
    expect(endpoint).toBeTruthy()
  })

  test('who is a device is told to nobody', async ({ acme, endpoint }) => {
    const { code } = await acme.owner.rpc('create_organisation_device_invite', {
      organisation_id: acme.id,
      device_name: 'Door',
      roles: ['member'],
    })
    await acme.stranger.rpc('enrol_organisation_device', { code })

    for (const taken of await leaseChanges(acme)) {
      const [row] = await asWorker(
        acme,
        (tx) => tx`select usher.prepare_directory_change(
          ${taken.endpoint_id}, ${taken.member_id}, ${taken.fence}) as change`,
      )
      expect(row?.change).toMatchObject({ user: null, remote_id: null })
    }
    expect(endpoint).toBeTruthy()
  })
})
