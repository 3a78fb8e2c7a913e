import { describe, expect, onTestFinished } from 'vitest'
import { connect, stopMailOf } from '../../functions/_shared/database.ts'
import { createHandler } from '../../functions/stop-mail/handler.ts'
import { test } from '../support/acme.ts'
import { leaseOne, prepare } from '../support/worker.ts'
import { workerUrl } from './worker-role.ts'

describe('a mail program’s one click', () => {
  test('stops invites of the organisation, by POST alone', async ({ acme, database }) => {
    const sql = connect(await workerUrl(acme.sql, database.url))
    onTestFinished(() => sql.end())
    const handler = createHandler(stopMailOf(sql))
    await acme.invite()
    const mail = await prepare(acme, await leaseOne(acme))
    const url = `https://functions.test/stop-mail?token=${mail.stop_link.split('#')[1]}`
    const body = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })

    expect((await handler(new Request(url))).status).toBe(405)
    expect(await acme.events()).not.toContain('mail.stopped')
    expect((await handler(new Request(url, { method: 'POST', body }))).status).toBe(200)
    expect(await acme.events()).toContain('mail.stopped')
    const forged = new Request(`${url.slice(0, -2)}xx`, { method: 'POST', body })
    expect((await handler(forged)).status).toBe(404)
  })

  test('asks to come again when the database is away', async () => {
    const handler = createHandler(() => Promise.reject(new Error('gone')))
    const request = new Request('https://functions.test/stop-mail', { method: 'POST' })

    expect((await handler(request)).status).toBe(503)
  })
})
