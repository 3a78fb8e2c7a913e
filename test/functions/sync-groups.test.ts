/**
 * The Groups of an application that holds names for no more than names, and answers what it likes: RFC 7643 section
 * 8.7.1 makes no name of a Group unique, and PyPI's scim2-server is such a one.
 */
import { expect } from 'vitest'
import { ids, startApplication } from '../support/application.ts'
import { endpointAt, remove, roles, test } from '../support/two-workers.ts'

test.for([
  ['by PATCH', {}],
  ['by PATCH that is answered without a word', { say: false }],
  ['by PUT', { patch: false }],
] as const)('makes each Group once, and loses nobody, %s', async ([, can], { acme, sync }) => {
  const application = await startApplication(can)
  for (const { userId } of [acme.finance, acme.roleless, acme.admin]) {
    await roles(acme, userId, ['member', 'finance'])
  }
  await endpointAt(acme, application.url)

  await sync()

  const names = [...application.Groups.values()].map(({ displayName }) => displayName)
  expect(names.sort()).toEqual(['finance', 'member', 'owner'])
  for (const { email } of [acme.finance, acme.roleless, acme.admin]) {
    expect(application.groupsOf(email)).toEqual(['finance', 'member'])
  }
  expect([...application.Groups.values()].map(({ externalId }) => externalId).sort()).toEqual(
    ['finance', 'member', 'owner'].map((role) => `${acme.id}:${role}`),
  )

  await remove(acme)
  await sync()
  expect(application.groupsOf(acme.member.email)).toEqual([])
})

test('empties and deletes what is double when it compares, and knows its own under any name', async ({
  acme,
  sync,
}) => {
  const application = await startApplication()
  const { id } = await endpointAt(acme, application.url)
  await sync()
  const [user] = [...application.Users.values()].filter(
    ({ userName }) => userName === acme.member.email,
  )
  const own = [...application.Groups.values()].find(({ displayName }) => displayName === 'member')
  if (own) own.displayName = 'Staff'
  const members = [{ value: user?.id }]
  application.Groups.set('lost', { id: 'lost', displayName: 'member', members })
  application.Groups.set('theirs', {
    id: 'theirs',
    displayName: 'member',
    externalId: 'x',
    members,
  })
  await roles(acme, acme.member.userId, ['finance'])

  await acme.owner.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id })
  await sync()

  expect(application.Groups.has('lost')).toBe(false)
  expect(application.Groups.has('theirs')).toBe(true)
  expect(ids(own?.members)).not.toContain(user?.id)
  expect(application.groupsOf(acme.member.email)).toEqual(['finance', 'member'])
})

test('takes out by another way what the first did not, and says who is in still', async ({
  acme,
  sync,
}) => {
  const knowsValues = await startApplication({ remove: ({ path }) => path === 'members' })
  const knowsNothing = await startApplication({ remove: () => false, say: false })
  await endpointAt(acme, knowsValues.url)
  await endpointAt(acme, knowsNothing.url)
  await sync()

  await remove(acme)
  await sync()

  expect(knowsValues.groupsOf(acme.member.email)).toEqual([])
  expect(knowsNothing.groupsOf(acme.member.email)).toEqual(['member'])
  const failed = (
    await acme.owner.select('organisation_directory_copies', { organisation_id: acme.id })
  ).filter(({ status }) => status === 'failed')
  expect(failed).toMatchObject([{ roles: ['member'] }])
  expect(failed[0]?.last_error).toContain('Group member: Somebody is in it still')
})
