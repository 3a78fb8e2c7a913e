/** Applications that answer oddly: whoever is out here is out there, and whatever is refused stops nothing else. */
import { expect } from 'vitest'
import type { Outgoing } from '../../functions/_shared/outgoing.ts'
import { createScimClient } from '../../functions/sync-directories/client.ts'
import type { Organisation } from '../support/acme.ts'
import { ids, type Resource, startApplication } from '../support/application.ts'
import { endpointAt, remove, roles, test } from '../support/two-workers.ts'

type Application = Awaited<ReturnType<typeof startApplication>>

const userOf = ({ Users }: Application, email: string) =>
  [...Users.values()].find(({ userName }) => userName === email)
const copyOf = async (acme: Organisation) => {
  const [row] = await acme.sql`select status, last_error from public.organisation_directory_copies
    where member_id = (select id from public.organisation_members
      where organisation_id = ${acme.id} and user_id = ${acme.member.userId})`
  return row
}
/** Nobody waits until the endpoint is asked again. */
const askAgain = (acme: Organisation) =>
  acme.sql`update public.organisation_directory_endpoints set retry_at = null
    where organisation_id = ${acme.id}`

/** An application that makes the member, whereupon nobody hears of it until it is back. */
async function startLossy(acme: Organisation) {
  let isAway = false
  let wasAway = false
  const application = await startApplication({
    answer(method, _, { userName }) {
      if (isAway) return 503
      isAway = method === 'POST' && userName === acme.member.email && !wasAway
      wasAway ||= isAway
      return isAway ? 'lost' : undefined
    },
  })
  await endpointAt(acme, application.url)
  const comeBack = async () => {
    isAway = false
    await askAgain(acme)
  }
  return { application, comeBack }
}

test('turns off whoever was made there, though the answer was lost, and was removed since', async ({
  acme,
  sync,
}) => {
  const { application, comeBack } = await startLossy(acme)
  await sync()
  expect(userOf(application, acme.member.email)?.active).toBe(true)

  await remove(acme)
  await comeBack()
  await sync()

  expect(userOf(application, acme.member.email)?.active).toBe(false)
})

test('finds them by comparing as well', async ({ acme, sync }) => {
  const application = await startApplication()
  const { id } = await endpointAt(acme, application.url)
  await sync()
  await remove(acme)
  await sync()
  const user = userOf(application, acme.member.email) as Resource
  user.active = true
  await acme.sql`update public.organisation_directory_copies set remote_id = null
    where endpoint_id = ${id} and remote_id = ${user.id}`

  await acme.owner.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id })
  await sync()

  expect(user.active).toBe(false)
})

test('makes nobody twice whose address has changed since the answer was lost', async ({
  acme,
  sync,
}) => {
  const { application, comeBack } = await startLossy(acme)
  await sync()
  const made = userOf(application, acme.member.email)

  await acme.sql`update public.organisation_members set email = 'renamed@example.com'
    where organisation_id = ${acme.id} and user_id = ${acme.member.userId}`
  await comeBack()
  await sync()

  expect(made?.userName).toBe('renamed@example.com')
  const theirs = [...application.Users.values()].filter(
    ({ externalId }) => externalId === acme.member.userId,
  )
  expect(theirs).toEqual([made])
})

test('takes the Group of a role that is gone, though what else has changed is refused', async ({
  acme,
  sync,
}) => {
  let isRefusing = false
  const application = await startApplication({
    answer: (method, path) =>
      isRefusing && method === 'PATCH' && path.startsWith('/Users/') ? 400 : undefined,
  })
  await endpointAt(acme, application.url)
  await roles(acme, acme.member.userId, ['member', 'finance'])
  await sync()
  expect(application.groupsOf(acme.member.email)).toEqual(['finance', 'member'])

  isRefusing = true
  await roles(acme, acme.member.userId, ['member'])
  await sync()

  expect(application.groupsOf(acme.member.email)).toEqual(['member'])
  expect(await copyOf(acme)).toMatchObject({ status: 'failed' })
})

// OneUptime/oneuptime#3852 answered 200 and did nothing; RFC 7644 section 3.5.2.3 has both ways.
test.for([
  ['refuses one way to turn somebody off is told the other', 400, false],
  ['answers 200 to one way, and does nothing, is told the other', 200, false],
  ['refuses both is said to do so, and the Groups are left all the same', 400, true],
] as const)('an application that %s', async ([, status, isBoth], { acme, sync }) => {
  const application = await startApplication({
    answer: (method, _, { Operations }) => {
      if (method !== 'PATCH') return undefined
      const [operation] = Operations
      const isOff = operation.path === 'active' || (isBoth && operation.value?.active === false)
      return isOff ? status : undefined
    },
  })
  await endpointAt(acme, application.url)
  await sync()

  await remove(acme)
  await sync()

  expect(userOf(application, acme.member.email)?.active).toBe(isBoth)
  expect(application.groupsOf(acme.member.email)).toEqual([])
  expect(await copyOf(acme)).toMatchObject({ status: isBoth ? 'failed' : 'current' })
})

const asNumbers = ({ id, members, ...rest }: Resource) => ({
  ...rest,
  id: Number(id),
  ...(members ? { members: ids(members).map((value) => ({ value: Number(value) })) } : {}),
})
const asTexts = ({ members, ...rest }: Resource) => ({
  ...rest,
  ...(members ? { members: ids(members) } : {}),
})

// goauthentik/authentik#15533, limosa-io/laravel-scim-server#40
test.for([
  ['numbers, by PATCH', { show: asNumbers }],
  ['numbers, by PUT', { show: asNumbers, patch: false }],
  ['bare texts', { show: asTexts }],
] as const)('knows who is in a Group where ids are %s', async ([, can], { acme, sync }) => {
  const takes = await startApplication(can)
  const takesNobodyOut = await startApplication({ ...can, patch: true, remove: () => false })
  await endpointAt(acme, takes.url)
  const { id } = await endpointAt(acme, takesNobodyOut.url)
  await sync()
  expect(takes.groupsOf(acme.member.email)).toEqual(['member'])

  await remove(acme)
  await sync()

  expect(takes.groupsOf(acme.member.email)).toEqual([])
  const failed = await acme.owner.select('organisation_directory_copies', {
    endpoint_id: id,
    status: 'failed',
  })
  expect(failed).toHaveLength(1)
})

test('keeps the Group that it has written to under any name, where no externalId is kept', async ({
  acme,
  sync,
}) => {
  const application = await startApplication({
    keep: ({ externalId: _, ...kept }) => kept as Resource,
  })
  const { id } = await endpointAt(acme, application.url)
  await sync()
  const own = [...application.Groups.values()].find(({ displayName }) => displayName === 'member')
  if (own) own.displayName = 'Staff'
  const user = userOf(application, acme.member.email)
  expect(ids(own?.members)).toContain(user?.id)

  await acme.owner.rpc('reconcile_organisation_directory_endpoint', { endpoint_id: id })
  await sync()
  await remove(acme)
  await sync()

  expect(ids(own?.members)).not.toContain(user?.id)
  const names = [...application.Groups.values()].map(({ displayName }) => displayName)
  expect(names.sort()).toEqual(['Staff', 'admin', 'finance', 'owner'])
})

// pocket-id/pocket-id#1295 (500), goauthentik/authentik#24486; RFC 7644 section 4
test.for([
  ['500, and says which kinds it has', 500, ['/Users']],
  ['501', 501, undefined],
] as const)(
  'gets its Users where Groups are answered with %s, and what it can do is not said',
  async ([, status, types], { acme, sync }) => {
    const application = await startApplication({
      ...(types && { types: [...types] }),
      answer: (_, path) =>
        path.startsWith('/Groups') ? status : path === '/ServiceProviderConfig' ? 403 : undefined,
    })
    const { id } = await endpointAt(acme, application.url)

    await sync()

    expect(application.Users.size).toBe(5)
    const [endpoint] = await acme.owner.select('organisation_directory_endpoints', { id })
    expect(endpoint).toMatchObject({ last_error: null, features: { groups: false } })
  },
)

test.for([
  ['says of the page that it is all', 200, (page: number) => page],
  ['says nothing of how many there are', 7, () => undefined],
  ['says how many there are', 7, () => 450],
] as const)('a list is read to its end where the application %s', async ([, most, totalOf]) => {
  const all = Array.from({ length: 450 }, (_, i) => ({ id: `u${i}` }))
  const outgoing: Outgoing = async ({ url }) => {
    const start = Number(new URL(url).searchParams.get('startIndex'))
    const Resources = all.slice(start - 1, start - 1 + most)
    const body = JSON.stringify({ Resources, totalResults: totalOf(Resources.length) })
    return { status: 200, headers: {}, body, isCut: false }
  }

  const client = createScimClient({ url: 'https://app.test', token: 'x' }, outgoing)

  expect(await client.list('Users')).toEqual(all)
})
