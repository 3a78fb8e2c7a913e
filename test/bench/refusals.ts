/**
 * What refusing a megabyte costs: text in the worst shapes that we know, beside a megabyte of plain letters.
 *
 *   npm run bench:refusals
 *
 * The figures are written into docs/performance.md. The aim: the worst costs at most twice what letters cost.
 *
 * @module
 */
import postgres from 'postgres'
import { TEXTS } from '../support/worst-texts.ts'
import { refusalTable, writeFigures } from './report.ts'
import { ORGANISATION, OWNER } from './scene.ts'
import { startServer } from './server.ts'

const ROUNDS = 25
const AIM = 2

interface Refusal {
  /** Of which text. */
  name: string
  role: 'anon' | 'authenticated' | 'usher_worker'
  statement: string
  values(text: string): unknown[]
}

const server = await startServer()
try {
  await measureAll(await server.database(1_000))
} finally {
  await server.stop()
}

async function measureAll(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const rows = []
    for (const refusal of await refusalsOf(sql)) {
      const row = { name: refusal.name, ...(await compareTexts(sql, refusal)) }
      rows.push(row)
      console.log(refusalTable([row], AIM).split('\n').at(-1))
    }
    await writeFigures('refusals', refusalTable(rows, AIM))
  } finally {
    await sql.end()
  }
}

/** Each text in turn, round by round, so that whatever else the machine does falls on all of them. */
async function compareTexts(sql: postgres.Sql, refusal: Refusal) {
  const times = new Map(Object.keys(TEXTS).map((shape) => [shape, [] as number[]]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [shape, text] of Object.entries(TEXTS)) {
      const time = await timeOf(sql, refusal, text)
      // The first round only warms up.
      if (round > 0) times.get(shape)?.push(time)
    }
  }
  // The fastest, because whatever else the machine does only adds to it.
  const costs = [...times].map(([shape, all]) => ({ shape, time: Math.min(...all) }))
  const letters = costs.find(({ shape }) => shape === 'letters')?.time ?? 0
  const worst = costs.toSorted((a, b) => b.time - a.time)[0] ?? { shape: '', time: 0 }
  return { letters, worst: worst.time, shape: worst.shape }
}

/** From sending to the refusal, in milliseconds. Nothing of it stays. */
async function timeOf(sql: postgres.Sql, { role, statement, values }: Refusal, text: string) {
  const given = values(text)
  let time = 0
  await sql
    .begin(async (tx) => {
      const claims = JSON.stringify({ role, ...(role === 'authenticated' && { sub: OWNER }) })
      await tx`select set_config('role', ${role}, true), set_config('request.jwt.claims', ${claims}, true)`
      const sentAt = performance.now()
      await tx.unsafe(statement, given as never[], { prepare: true }).catch(() => {})
      time = performance.now() - sentAt
      throw new Error('Undone')
    })
    .catch(() => {})
  return time
}

async function refusalsOf(sql: postgres.Sql): Promise<Refusal[]> {
  const [invite] = await sql`select usher.mint_invite_token(i.id) as token from usher.invites i
    where i.status = 'pending' and i.expires_at > now() limit 1`
  await sql`select set_config('request.jwt.claims', ${JSON.stringify({ sub: OWNER })}, false)`
  const [directory] =
    await sql`select token from public.create_organisation_directory_token(${ORGANISATION}, 'Bench')`

  const owner = (name: string, call: string, values: (text: string) => unknown[]): Refusal => ({
    name,
    role: 'authenticated',
    statement: `select * from public.${call}`,
    values,
  })
  const invitation = `create_organisation_invite($1, $2, '{member}', message => $3, redirect_to => $4)`
  return [
    owner('name of an organisation', 'create_organisation($1)', (text) => [text]),
    owner('slug', `create_organisation('Bench', $1)`, (text) => [text]),
    owner('address of an invite', invitation, (text) => [ORGANISATION, text, null, null]),
    owner('message of an invite', invitation, (text) => [ORGANISATION, 'a@b.example', text, null]),
    owner('redirect of an invite', invitation, (text) => [ORGANISATION, 'a@b.example', null, text]),
    owner('row of a batch', 'create_organisation_invites($1, $2)', (text) => [
      ORGANISATION,
      [{ email: 'a@b.example', roles: ['member'], message: text }],
    ]),
    owner('role', `create_organisation_invite($1, 'a@b.example', $2)`, (text) => [
      ORGANISATION,
      [text],
    ]),
    owner('setting of an organisation', 'update_organisation($1, $2)', (text) => [
      ORGANISATION,
      { sender_name: text },
    ]),
    owner('description of a role', `create_organisation_role($1, 'extra', $2)`, (text) => [
      ORGANISATION,
      text,
    ]),
    owner(
      'body of a template',
      `create_organisation_email_template($1, 'invite', 'en', body => $2)`,
      (text) => [ORGANISATION, text],
    ),
    owner('address of a webhook', 'create_organisation_webhook($1, $2)', (text) => [
      ORGANISATION,
      text,
    ]),
    owner('domain', 'create_organisation_domain($1, $2)', (text) => [ORGANISATION, text]),
    owner('search', 'list_organisation_invites($1, search => $2)', (text) => [ORGANISATION, text]),
    {
      name: 'reason of whoever declines, not signed in',
      role: 'anon',
      statement: 'select * from public.decline_organisation_invite($1, $2)',
      values: (text) => [invite?.token, text],
    },
    {
      name: 'token, not signed in',
      role: 'anon',
      statement: 'select * from public.validate_organisation_invite($1)',
      values: (text) => [text],
    },
    {
      name: 'name of a User of a directory',
      role: 'usher_worker',
      statement: 'select usher.save_directory_user($1, null, $2)',
      values: (text) => [directory?.token, { user_name: text, email: 'a@b.example' }],
    },
  ]
}
