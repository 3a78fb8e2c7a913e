/** Through the whole stack: what a removed admin leaves is tidied up within seconds, and others take it on. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { sharedStack } from './people.ts'

const stack = sharedStack()

const soon = { timeout: 15_000, interval: 200 }

describe('an admin who is removed', () => {
  test('has invited nobody any more, and another sends the invites in their own name', async () => {
    const { id, owner } = await stack.organisation()
    const admin = await stack.join(owner, id, ['admin'])
    const invitee = await stack.person()
    const { data: invite } = await admin.must.invites.create(id, {
      email: invitee.email,
      roles: ['member'],
      message: 'See you on Monday',
    })
    const token = await stack.tokenOf(admin, invite.id)
    await owner.must.members.remove(id, admin.userId)

    // At once, for whoever holds the link.
    const { error } = await invitee.usher.invites.accept(token)
    expect(error).toMatchObject({ code: 'inviter_lost_right', status: 410 })
    const { data: preview } = await invitee.must.invites.validate(token)
    expect(preview).toMatchObject({ status: 'revoked', reason: 'inviter_lost_right' })
    // Within seconds, for everybody.
    await vi.waitFor(async () => {
      const { data } = await owner.must.invites.get(invite.id)
      expect(data).toMatchObject({ status: 'revoked', revokedReason: 'inviter_lost_right' })
    }, soon)

    const { data: outcomes } = await owner.must.invites.reissue([invite.id])

    const [outcome] = outcomes
    expect(outcome).toMatchObject({ rowNumber: 1, status: 'created', email: invitee.email })
    const { data: anew } = await owner.must.invites.get(outcome?.inviteId ?? '')
    expect(anew).toMatchObject({
      status: 'pending',
      invitedBy: owner.userId,
      roles: ['member'],
      message: 'See you on Monday',
    })
    const { data: member } = await invitee.must.invites.accept(
      await stack.tokenOf(owner, anew?.id ?? ''),
    )
    expect(member.status).toBe('active')
  })

  test('answers for a token of a directory for some days more, and then another does', async () => {
    const { id, owner } = await stack.organisation()
    const admin = await stack.join(owner, id, ['admin'])
    const { data: token } = await admin.must.directories.createToken(id, { name: 'Okta' })
    const tokenNow = async () =>
      (await owner.must.directories.listTokens(id)).data.find((each) => each.id === token.id)
    expect(await tokenNow()).toMatchObject({ responsibleId: admin.userId, stopsAt: null })

    await owner.must.members.remove(id, admin.userId)
    expect((await tokenNow())?.stopsAt).toBeTruthy()
    const { data: taken } = await owner.must.organisations.takeOverCredentials([token.id])

    expect(taken).toEqual([
      { id: token.id, kind: 'directory_token', organisationId: id, name: 'Okta' },
    ])
    expect(await tokenNow()).toMatchObject({ responsibleId: owner.userId, stopsAt: null })
  })
})

describe('reissue', () => {
  test('has an outcome for each id, in order and across chunks, and no new invite for what is none', async () => {
    const { id, owner } = await stack.organisation()
    const { data: open } = await owner.must.invites.create(id, {
      email: 'open@example.com',
      roles: ['member'],
    })
    const progress: number[] = []

    const { data } = await owner.must.invites.reissue([open.id, randomUUID(), open.id], {
      chunkSize: 2,
      onProgress: ({ done }) => progress.push(done),
    })

    expect(data.map(({ rowNumber, errorCode }) => [rowNumber, errorCode])).toEqual([
      [1, 'invite_not_pending'],
      [2, 'invite_not_found'],
      [3, 'invite_not_pending'],
    ])
    expect(progress).toEqual([2, 3])
    const { data: invites } = await owner.must.invites.list(id)
    expect(invites.map((invite) => invite.id)).toEqual([open.id])
  })

  test('is refused as a whole to those who may not invite, and tells strangers nothing', async () => {
    const { id, owner } = await stack.organisation()
    const member = await stack.join(owner, id, ['member'])
    const stranger = await stack.person()
    const { data: invite } = await owner.must.invites.create(id, {
      email: 'new@example.com',
      roles: ['member'],
    })

    const byMember = await member.usher.invites.reissue([invite.id])
    const byStranger = await stranger.usher.invites.reissue([invite.id])

    expect(byMember.error?.code).toBe('permission_denied')
    expect(byStranger.error?.code).toBe('invite_not_found')
  })
})

test('what one may not answer for, one does not take over', async () => {
  const { id, owner } = await stack.organisation()
  const { data: token } = await owner.must.directories.createToken(id, { name: 'Okta' })
  const member = await stack.join(owner, id, ['member'])
  const stranger = await stack.person()

  const byMember = await member.usher.organisations.takeOverCredentials([token.id])
  const byStranger = await stranger.usher.organisations.takeOverCredentials([token.id])
  const ofNothing = await owner.usher.organisations.takeOverCredentials([])

  expect(byMember.error?.code).toBe('permission_denied')
  expect(byStranger.error?.code).toBe('credential_not_found')
  expect(ofNothing.error?.code).toBe('invalid_settings')
})
