/** A client whose types are made of docs/openapi.json by openapi-typescript. Takes USHER_URL and USHER_TOKEN. */
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { paths } from './usher-rest.ts'

const headers = { authorization: `Bearer ${process.env.USHER_TOKEN}` }
const usher = createClient<paths>({ baseUrl: String(process.env.USHER_URL), headers })
const made = await usher.POST('/api/organisations', { body: { name: 'Ten Lines' } })
assert(made.data, made.error?.detail)
const organisation_id = made.data.id
const invite = { organisation_id, email: 'ts@example.com', roles: ['member'], expires_in: '3 days' }
const { data, error } = await usher.POST('/api/invitations', { body: invite })
assert(data?.status === 'pending', error?.code)
const page = await usher.GET('/api/invitations', { params: { query: { organisation_id } } })
assert.deepEqual(
  page.data?.data.map(({ email }) => email),
  ['ts@example.com'],
)
const params = { path: { organisation_id } }
const patched = await usher.PATCH('/api/organisations/{organisation_id}', {
  params,
  body: { seat_limit: 10, accent_colour: null },
})
assert.equal(patched.data?.seat_limit, 10)
const again = await usher.POST('/api/invitations', { body: invite })
assert.equal(again.error?.code, 'already_invited')
assert.equal(
  (await usher.DELETE('/api/organisations/{organisation_id}', { params })).error,
  undefined,
)
console.log('openapi-typescript: all of it works.')
