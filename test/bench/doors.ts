/**
 * What each door costs over the bare RPC: the same call through all four in turn, on one running stack.
 *
 *   npm run bench:doors           400 calls of each kind through each door
 *   npm run bench:doors -- 1000   more of them: what a p99 says rests on the slowest hundredth
 *
 * One caller, one call at a time, over HTTP on this machine. RPC, REST and GraphQL are sent with bare `fetch`;
 * the client runs in this process. GraphQL answers the four fields it is asked for, the others whole rows. The
 * worker sends the mails of new invites meanwhile, as it would anywhere.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createClient } from '@supabase/supabase-js'
import postgres from 'postgres'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { DOORS } from '../doors/all.ts'
import type { Door, Person } from '../doors/door.ts'
import { fanOut } from '../support/outbox.ts'
import { freeRange, runStart, temporaryFolder, untilReady } from '../support/stack.ts'
import { median, quantile } from './measure.ts'

const CALLS = Number(process.argv[2] ?? 400)
/** For plans, caches and compiled code; not counted. */
const WARM_UP = 40
const PAGE = 50

if (!Number.isInteger(CALLS) || CALLS < 1) throw new Error('Say how many calls, such as 400.')

const folder = await temporaryFolder()
const run = runStart({
  USHER_DATA: folder,
  USHER_PORT: String(await freeRange()),
  USHER_SEED: 'none',
})
try {
  await measure(await untilReady(run, folder))
} finally {
  run.process.kill('SIGTERM')
  await run.ended
  await rm(folder, { recursive: true, force: true })
}

async function measure(stack: Stack): Promise<void> {
  const owner = await register(stack)
  const doors = Object.entries(DOORS).map(([name, open]) => ({ name, door: open(stack, owner) }))
  const [first] = doors
  if (!first) return
  const { id } = await first.door.createOrganisation('Acme')
  await first.door.inviteMany(id, Array.from({ length: 1_000 }, draft))
  await cancelMails(stack)

  const cases: [string, (door: Door) => Promise<unknown>][] = [
    [`list invites, a page of ${PAGE}`, (door) => door.invites(id, PAGE)],
    ['create an invite', (door) => door.invite(id, draft())],
  ]
  for (const [name, call] of cases) {
    const times = await inTurn(doors, call)
    const [rpc = []] = times.values()
    console.log(`\n${name}, ${CALLS} calls through each door`)
    console.table(
      Object.fromEntries([...times].map(([door, latencies]) => [door, figures(latencies, rpc)])),
    )
  }
}

function draft() {
  return { email: `new-${randomUUID()}@example.com`, roles: ['member'] }
}

async function register({ apiUrl, publishableKey }: Stack): Promise<Person> {
  const supabase = createClient(apiUrl, publishableKey, { auth: { persistSession: false } })
  const email = 'owner@example.com'
  const { data, error } = await supabase.auth.signUp({ email, password: 'password' })
  if (error || !data.user || !data.session) throw error ?? new Error('There is no session.')
  return { email, userId: data.user.id, accessToken: data.session.access_token }
}

/** So that the worker does not send a thousand mails while it is measured. */
async function cancelMails({ databaseUrl }: Stack): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  await fanOut(sql)
  await sql`update public.organisation_deliveries set status = 'cancelled' where status = 'queued'`
  await sql.end()
}

/** Round by round each door once, beginning with another each time, so that what else happens falls on all. */
async function inTurn(
  doors: { name: string; door: Door }[],
  call: (door: Door) => Promise<unknown>,
): Promise<Map<string, number[]>> {
  const times = new Map(doors.map(({ name }) => [name, [] as number[]]))
  for (let round = -WARM_UP; round < CALLS; round++) {
    const start = (round + WARM_UP) % doors.length
    for (const { name, door } of [...doors.slice(start), ...doors.slice(0, start)]) {
      const startedAt = performance.now()
      await call(door)
      if (round >= 0) times.get(name)?.push(performance.now() - startedAt)
    }
  }
  return times
}

/** Milliseconds, and how many times those of the RPC they are. */
function figures(latencies: number[], rpc: number[]) {
  const [middle, slowest] = [median(latencies), quantile(latencies, 0.99)]
  return {
    'median, ms': rounded(middle),
    'p99, ms': rounded(slowest),
    'median ÷ RPC': rounded(middle / median(rpc)),
    'p99 ÷ RPC': rounded(slowest / quantile(rpc, 0.99)),
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
