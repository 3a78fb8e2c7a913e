/**
 * The connection is lost between commit and answer, and elsewhere. Whoever got no answer asks again and hears
 * the truth; and what is created under an idempotency key is created once, over Postgres itself, supabase-js
 * and the REST function alike.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient } from '@supabase/supabase-js'
import postgres from 'postgres'
import { readApiEnvironment } from '../../functions/api/environment.ts'
import { createHandler } from '../../functions/api/handler.ts'
import { Refusal } from '../support/refusal.ts'
import { type Api, startQuietApi } from './api.ts'
import { ask, NoAnswer } from './ask.ts'
import { startCuttingProxy } from './cutting-proxy.ts'
import { createRandom } from './random.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { countAccepts, halfAccepts, startScene } from './scene.ts'

const CLIENTS = 8
const AT_ONCE = 'idempotency_key_in_use'

interface Person {
  userId: string
}
/** One try: throws Refusal, or NoAnswer. */
type Call = (who: Person, name: string, args: Record<string, unknown>) => Promise<unknown>
interface Once {
  result: { id: string }
  is_replay: boolean
}

/** @param options.people - how many accept, and how many invites and organisations are made, each way */
export async function runConnectionFaults(
  options: FaultOptions & { people: number },
): Promise<FaultReport> {
  const { seed, people, say = () => {} } = options
  const random = createRandom(seed)
  const scene = await startScene()
  const api = await startQuietApi(scene.url)
  const wires = {
    postgres: await startCuttingProxy({ port: Number(new URL(scene.url).port), random }),
    api: await startCuttingProxy({ port: Number(new URL(api.url).port), random }),
  }
  const ways: Record<string, { call: Call; once: Call }> = {
    Postgres: overPostgres(scene.url, wires.postgres.port),
    'supabase-js': overSupabase(api, wires.api.port),
    'the REST function': overRest(api, wires.api.port),
  }
  const broken: string[] = []
  const figures: Record<string, number> = { answers: 0, unanswered: 0, replays: 0 }

  try {
    let accepted = 0
    for (const [way, { call, once }] of Object.entries(ways)) {
      await acceptAll(way, call)
      accepted += people
      await createAll(way, once)
      say(`${way}: ${people} accepted, ${people} invites and ${people} organisations were made.`)
    }
    check(broken, 'half an accept', await halfAccepts(scene.sql))
    const counts = await countAccepts(scene.sql, scene.organisationId)
    if ([counts.invites, counts.members, counts.events].some((count) => count !== accepted)) {
      broken.push(`${accepted} people accepted, and the rows say ${JSON.stringify(counts)}`)
    }
    figures['made again without a key'] = await createWithoutKey()
    for (const { cuts } of Object.values(wires)) {
      for (const [cut, count] of Object.entries(cuts)) figures[cut] = (figures[cut] ?? 0) + count
    }
    return { broken, figures }
  } finally {
    await Promise.all(Object.values(wires).map((wire) => wire.stop()))
    await api.stop()
    await scene.stop()
  }

  /** Asks until there is an answer. */
  async function insist<Answer>(attempt: () => Promise<Answer>) {
    for (let unanswered = 0; ; ) {
      try {
        return { answer: await attempt(), unanswered }
      } catch (error) {
        if (error instanceof Refusal && error.code === AT_ONCE) {
          if (unanswered === 0) throw error
        } else if (error instanceof NoAnswer) {
          unanswered += 1
          figures.unanswered = (figures.unanswered ?? 0) + 1
        } else throw error
        await wait(5 + random() * 20)
      }
    }
  }

  async function acceptAll(way: string, call: Call) {
    await inParallel(await scene.invite(people), async (invitee) => {
      const { answer, unanswered } = await insist(() =>
        call(invitee, 'accept_organisation_invite', { token: invitee.token }).then(
          (member) => (member as { status: string }).status,
          (error) => {
            if (error instanceof Refusal) return error.code
            throw error
          },
        ),
      )
      figures.answers = (figures.answers ?? 0) + 1
      const isTrue = answer === 'active' || (answer === 'invite_already_accepted' && unanswered > 0)
      if (!isTrue) check(broken, `${way} answered an accept with ${answer}`, [{ unanswered }])
    })
  }

  async function createAll(way: string, once: Call) {
    const { organisationId, owner } = scene
    const invites = Array.from({ length: people }, () => `new-${randomUUID()}@example.com`)
    await inParallel(invites, async (email) => {
      const args = { organisation_id: organisationId, email, roles: ['member'] }
      const id = await createOnce(way, once, 'create_organisation_invite', args)
      const rows = await scene.sql`select id from usher.invites where email = ${email}`
      if (rows.length !== 1 || rows[0]?.id !== id) {
        check(broken, `${way}: an invite is there ${rows.length} times`, [{ email, id }])
      }
    })
    // Nothing but the key keeps two of them apart.
    const names = Array.from({ length: people }, () => `Made by ${way} ${randomUUID()}`)
    await inParallel(names, async (name) => {
      const id = await createOnce(way, once, 'create_organisation', { name })
      const rows = await scene.sql`select id from public.organisations where name = ${name}`
      if (rows.length !== 1 || rows[0]?.id !== id) {
        check(broken, `${way}: an organisation is there ${rows.length} times`, [{ name, id }])
      }
    })

    async function createOnce(path: string, create: Call, name: string, args: object) {
      const key = randomUUID()
      const { answer, unanswered } = await insist(() => create(owner, name, { key, ...args }))
      const { result, is_replay } = answer as Once
      figures.answers = (figures.answers ?? 0) + 1
      if (is_replay) figures.replays = (figures.replays ?? 0) + 1
      if (is_replay && unanswered === 0) check(broken, `${path}: a replay of nothing`, [result])
      return result.id
    }
  }

  /** The fault is a real one: without a key, what is sent again is done again. */
  async function createWithoutKey(): Promise<number> {
    const name = `Twice ${randomUUID()}`
    wires.postgres.plan('between commit and answer')
    const { call } = ways.Postgres as { call: Call }
    await insist(() => call(scene.owner, 'create_organisation', { name }))
    const rows = await scene.sql`select id from public.organisations where name = ${name}`
    return rows.length - 1
  }
}

function overPostgres(url: string, port: number) {
  const proxied = new URL(url)
  proxied.port = String(port)
  const call: Call = async (who, name, args) => {
    const sql = postgres(proxied.href, { max: 1, fetch_types: false, onnotice: () => {} })
    try {
      return await ask(sql, who, name, args as Record<string, string>)
    } finally {
      await sql.end({ timeout: 0 }).catch(() => {})
    }
  }
  const once: Call = (who, function_name, { key, ...args }) =>
    call(who, 'call_organisation_function_once', {
      idempotency_key: key,
      function_name,
      arguments: JSON.stringify(args),
    })
  return { call, once }
}

function overSupabase(api: Api, port: number) {
  const call: Call = async ({ userId }, name, args) => {
    const token = await api.tokenOf(userId)
    const client = createClient(`http://127.0.0.1:${port}`, api.publishableKey, {
      accessToken: async () => token,
    })
    const { data, error, status } = await client.rpc(name, args)
    if (!error) return data
    throw refusalIn(error, status)
  }
  const once: Call = (who, function_name, { key, ...args }) =>
    call(who, 'call_organisation_function_once', {
      idempotency_key: key,
      function_name,
      arguments: args,
    })
  return { call, once }
}

/** The wire is the function's own, to the API. */
function overRest(api: Api, port: number) {
  const handle = createHandler(
    readApiEnvironment({
      SUPABASE_URL: `http://127.0.0.1:${port}`,
      SUPABASE_ANON_KEY: api.publishableKey,
      USHER_API_URL: 'https://project.test/functions/v1/api',
    }),
  )
  const post = async ({ userId }: Person, path: string, body: object, key?: unknown) => {
    const response = await handle(
      new Request(`http://edge.internal/api${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await api.tokenOf(userId)}`,
          'content-type': 'application/json',
          ...(typeof key === 'string' && { 'idempotency-key': key }),
        },
        body: JSON.stringify(body),
      }),
    )
    const answer = await response.json()
    if (!response.ok) throw refusalIn(answer, response.status)
    return { answer, is_replay: response.headers.has('idempotency-replayed') }
  }
  const call: Call = async (who, _name, args) =>
    (await post(who, '/invitations/accept', args)).answer
  const once: Call = async (who, name, { key, ...args }) => {
    const path = name === 'create_organisation' ? '/organisations' : '/invitations'
    const { answer, is_replay } = await post(who, path, args, key)
    return { result: answer, is_replay }
  }
  return { call, once }
}

/** A word of the contract, or nothing that tells whether it was done. */
function refusalIn(error: { code?: string; message?: string }, status: number): Error {
  if (status < 400 || status >= 500) return new NoAnswer(`${status} ${error.message ?? error.code}`)
  return new Refusal({ code: error.code ?? '', message: error.message ?? '' }, status)
}

async function inParallel<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items]
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let item = waiting.shift(); item; item = waiting.shift()) await work(item)
    }),
  )
}
