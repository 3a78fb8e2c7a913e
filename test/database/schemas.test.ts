import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'
import { asWorker } from '../support/worker.ts'

describe("the worker's role", () => {
  test('can call its functions and do nothing else', async ({ acme }) => {
    for (const statement of [
      'select * from public.organisation_deliveries',
      'select * from usher.invites',
      'select * from auth.users',
      `select public.list_my_organisations()`,
      `select usher.mint_invite_token('${acme.id}')`,
      'delete from usher.suppressed_addresses',
    ]) {
      await expect(asWorker(acme, (tx) => tx.unsafe(statement))).rejects.toMatchObject({
        code: '42501',
      })
    }
  })

  test('nobody else can call them', async ({ acme }) => {
    for (const who of [acme.anyone, acme.owner, acme.service]) {
      await expect(who.run((tx) => tx`select usher.lease_deliveries('x')`)).rejects.toMatchObject({
        code: '42501',
      })
    }
  })
})
