/**
 * Postgres is killed under a running stack: it comes back, or all ends, and the reader is told which.
 *
 * @module-tag long
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@supabase/supabase-js'
import postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createUsher } from '../../client/index.ts'
import { startApi } from '../../supabase/local/api.ts'
import { keepPostgres } from '../../supabase/local/keep-postgres.ts'
import { freePort, isFree } from '../../supabase/local/ports.ts'
import { test } from '../support/acme.ts'
import { freeRange, PORTS, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

const PASSWORD = 'a-long-password'
const A_TRACE = /^ +at /m

/** Kills the server whose data is in this folder, as the system does when memory runs out. */
async function kill(folder: string): Promise<void> {
  const pid = Number(
    (await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
  )
  process.kill(pid, 'SIGKILL')
}

const until = (holds: () => unknown) => expect.poll(holds, { timeout: 30_000 }).toBeTruthy()

async function place() {
  const folder = await temporaryFolder()
  const port = await freeRange()
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return {
    folder,
    port,
    start() {
      const run = runStart({ USHER_DATA: folder, USHER_PORT: String(port), USHER_SEED: 'none' })
      onTestFinished(async () => {
        run.process.kill('SIGTERM')
        await run.ended
      })
      return run
    },
  }
}

describe('a running stack whose Postgres is killed', () => {
  test('says so, and works again with what was there; without its data, it says that and ends', async () => {
    const { folder, port, start } = await place()
    const run = start()
    const stack = await untilReady(run, folder)
    const anyone = () =>
      createClient(stack.apiUrl, stack.publishableKey, { auth: { persistSession: false } })
    const owner = anyone()
    const usher = createUsher(owner)
    const { data: signedUp } = await owner.auth.signUp({
      email: 'owner@example.com',
      password: PASSWORD,
    })
    const authorization = `Bearer ${signedUp.session?.access_token}`
    const { data: organisation } = await usher.organisations.create({ name: 'Survivors' })

    const overRpc = async () => (await usher.organisations.listMine()).data?.map(({ name }) => name)
    const overRest = async () => {
      const url = `${stack.functionsUrl}/api/organisations`
      const answer = await fetch(url, { headers: { authorization } })
      await answer.text()
      return answer.status
    }
    /** All parts that hold connections do their work. */
    async function expectToWork(email: string) {
      await expect.poll(overRpc).toEqual(['Survivors'])
      await expect.poll(overRest).toBe(200)
      const { error } = await anyone().auth.signUp({ email, password: PASSWORD })
      expect(error).toBeNull()
      const to = { email: `to-${email}`, roles: ['member'] }
      expect((await usher.invites.create(organisation?.id ?? '', to)).error).toBeNull()
      const mails = async () => (await fetch(`${stack.mailboxUrl}/email`)).text()
      await until(async () => (await mails()).includes(to.email))
    }
    /** In the midst of the work of many. */
    async function whileTheyWork(kill: () => Promise<unknown>, said: string) {
      let isOver = false
      const working = Array.from({ length: 4 }, async () => {
        while (!isOver) await Promise.all([overRpc(), overRest()])
      })
      await kill()
      await until(() => run.output().includes(said))
      isOver = true
      await Promise.all(working)
    }
    await expectToWork('before@example.com')

    await whileTheyWork(() => kill(folder), 'Postgres is back after')
    await expectToWork('after@example.com')

    const sql = postgres(stack.databaseUrl, { max: 1, onnotice: () => {} })
    const [backend] = await sql`select pid from pg_stat_activity where usename = 'usher_worker'`
    await sql.end()
    await whileTheyWork(async () => process.kill(backend?.pid, 'SIGKILL'), 'lost a process')
    await expectToWork('later@example.com')

    await mkdir(join(folder, 'elsewhere'))
    await rename(join(folder, 'postgres'), join(folder, 'elsewhere', 'postgres'))
    await kill(join(folder, 'elsewhere'))

    expect(await run.ended).toBe(1)
    expect(run.output().match(/^(?:Postgres|There) .*/gm)).toEqual([
      'Postgres has ended (signal SIGKILL) and is being started again.',
      expect.stringMatching(/^Postgres is back after [12]?\d\.\d seconds\.$/),
      'Postgres is back, after it lost a process and cut all connections.',
      'Postgres has ended (signal SIGKILL) and is being started again.',
      `There is no database in ${folder} any more; the stack has stopped.`,
    ])
    expect(run.output()).not.toMatch(A_TRACE)
    expect(existsSync(join(folder, 'stack.json'))).toBe(false)
    expect(await readdir(join(folder, 'pids'))).toEqual([])
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFree(port + i)))
    expect(free).not.toContain(false)
  }, 180_000)

  test('before it was ready ends with one sentence, and the next start does the rest', async () => {
    const { folder, start } = await place()
    const run = start()
    await until(() => run.output().includes('✓ Postgres'))
    await kill(folder)

    expect(await run.ended).toBe(1)
    expect(run.output()).toMatch(
      /\n\nPostgres ended \(signal SIGKILL\) while the stack was starting; try again\.\n$/,
    )
    expect(run.output()).not.toMatch(A_TRACE)
    await untilReady(start(), folder)
  }, 120_000)
})

describe('Postgres, kept', () => {
  async function kept(onReset = async () => {}) {
    const folder = await temporaryFolder()
    const heard: string[] = []
    const stopping = new AbortController()
    let end: () => void = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const server = await keepPostgres({
      ...{ folder, port: await freePort(), durable: false, signal: stopping.signal },
      onEnd(how) {
        heard.push(how)
        end()
      },
      async onBack() {
        heard.push('back')
      },
      onReset,
      onGiveUp: (reason) => heard.push(reason),
    })
    const stop = () => {
      stopping.abort()
      return server.stop()
    }
    onTestFinished(async () => {
      await stop()
      await rm(folder, { recursive: true, force: true })
    })
    return { folder, heard, ended, server, stop }
  }

  const ask = async (url: string) => {
    const sql = postgres(url, { max: 1 })
    const [row] = await sql`select 1 as one`
    await sql.end()
    return row?.one
  }

  test('comes back as often as it is killed', async () => {
    const { folder, heard, server } = await kept()
    for (const times of [1, 2, 3]) {
      await kill(folder)
      await until(() => heard.length === 2 * times)
      expect(server.isUp()).toBe(true)
      expect(await ask(server.url)).toBe(1)
    }

    expect(heard).toEqual(Array(3).fill(['signal SIGKILL', 'back']).flat())
  })

  test('is given up where its data is broken, with what Postgres says of it', async () => {
    const { folder, heard, server } = await kept()
    await rm(join(folder, 'postgres', 'global', 'pg_control'))
    await kill(folder)

    await until(() => heard.length === 2)
    expect(server.isUp()).toBe(false)
    expect(heard[1]).toMatch(/^Postgres did not start: postgres: could not .*pg_control.*\.$/)
  })

  test('is given up where one of its processes is killed and no new connections can be made', async () => {
    const { heard, server } = await kept(() => Promise.reject(new Error('No connection.')))
    const sql = postgres(server.url, { max: 1 })
    const [backend] = await sql`select pg_backend_pid() as pid`
    process.kill(backend?.pid, 'SIGKILL')
    await sql.end({ timeout: 0 })

    await until(() => heard.length > 0)
    expect(heard).toEqual(['Error: No connection.'])
  })

  test('is known to have been killed by whoever stops the stack for what failed by it', async () => {
    const { folder, server, stop } = await kept()
    await kill(folder)
    await stop()

    expect(server.lostBy()).toBe('signal SIGKILL')
  })

  test('stays ended once the stack is told to stop, and is stopped if it was just coming back', async () => {
    const early = await kept()
    await early.stop()
    expect(early.heard).toEqual([])

    const late = await kept()
    await kill(late.folder)
    await late.ended
    await late.stop()
    expect(existsSync(join(late.folder, 'postgres', 'postmaster.pid'))).toBe(false)
    expect(late.heard).toEqual(['signal SIGKILL'])
  })
})

/** The gateway alone, over a database. */
async function gateway(databaseUrl: string, isDatabaseUp = () => true) {
  const secrets = {
    jwtSecret: 's'.repeat(64),
    publishableKey: 'sb_publishable_x',
    secretKey: 'sb_secret_x',
  }
  const api = await startApi({
    ...{ databaseUrl, isDatabaseUp, port: await freePort(), siteUrl: 'https://app.test', secrets },
  })
  onTestFinished(() => api.stop())
  return { api, apikey: secrets.publishableKey }
}

test('whoever waits for an answer when the connections are cut hears 503', async ({ database }) => {
  const { sql, url } = database
  await sql`create function public.wait() returns void language sql as 'select pg_sleep(60)'`
  await sql`grant execute on function public.wait() to anon`
  const { api, apikey } = await gateway(url)

  const answer = fetch(`${api.url}/rest/v1/rpc/wait`, { method: 'POST', headers: { apikey } })
  await until(
    async () =>
      (
        await sql`select from pg_stat_activity where wait_event = 'PgSleep'
        and datname = current_database()`
      ).length,
  )
  await api.reconnect()

  expect((await answer).status).toBe(503)
  const next = await fetch(`${api.url}/rest/v1/rpc/organisation_sign_up_policy`, {
    method: 'POST',
    headers: { apikey },
  })
  expect(next.status).toBe(200)
})

test('without a database REST and Auth answer 503, to pages as well, so that a session is kept', async ({
  database,
}) => {
  const { api } = await gateway(database.url, () => false)

  for (const path of ['/rest/v1/organisations', '/auth/v1/token?grant_type=refresh_token']) {
    const answer = await fetch(api.url + path, {
      method: 'POST',
      headers: { origin: 'https://app.test' },
    })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(await answer.json()).toMatchObject({ code: 'PGRST001' })
  }
})
