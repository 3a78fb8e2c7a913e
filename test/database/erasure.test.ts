/**
 * What is held of a person, and forgetting them. Somebody is planted through every call and into every column that
 * can hold them; what finds them again reads the catalogue, so that a new table or column is looked into by itself.
 */
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { erase, placesOf, type Somebody, somebody, textColumns } from '../support/erasure.ts'
import { CALLS, type Scene, sceneOf } from '../support/matrix-calls.ts'
import { fanOut } from '../support/outbox.ts'
import { person } from '../support/people.ts'

const tableOf = (place: string) => place.split('.').slice(0, 2).join('.')

/** What stays by the list, and why. */
async function keptOf(sql: postgres.Sql, what: ('all' | 'names')[]): Promise<string[]> {
  const rows = await sql`select place from usher.kept_at_erasure() where what = any (${what})`
  return rows.map(({ place }) => place)
}

/** Puts a text in the place of every text of what a call is given. */
function withText(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text
  if (Array.isArray(value)) return value.map((each) => withText(each, text))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withText(each, text)]))
}

/** Keys that changes of one thing or another may have. */
const CHANGES = [
  'name',
  'sender_name',
  'reply_to',
  'description',
  'subject',
  'heading',
  'body',
  'url',
]

/** Those that end the scene. */
const LAST = ['delete_organisation', 'transfer_organisation_ownership', 'leave_organisation']

/** What was made before keeps what it holds, under another name, so that the next call may use its own. */
async function makeRoom({ sql, id }: Organisation) {
  const tag = randomUUID().slice(0, 8)
  await sql`update public.organisation_email_templates
    set name = left(name, 90) || ${` ${tag}`}, is_default = false where organisation_id = ${id}`
  await sql`update public.organisation_roles set name = ${`r-${tag}`}
    where organisation_id = ${id} and name in ('spare', 'extra')`
  await sql`update public.organisation_role_exclusions
    set name = left(name, 90) || ${` ${tag}`} where organisation_id = ${id}`
}

/** Calls every function of public with the person in each of its texts; what is refused holds nothing. */
async function plantByCalls(
  scene: Scene,
  { email, name, sentence }: Somebody,
): Promise<Set<string>> {
  const { sql } = scene
  const functions =
    await sql`select p.proname as name, a.name as arg, format_type(a.type, null) as type
    from pg_proc p, unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[])) a (name, type)
    where p.pronamespace = 'public'::regnamespace and a.type in ('text'::regtype, 'jsonb'::regtype)
      and a.name = any (p.proargnames[1:p.pronargs]) and not p.proname = any (${LAST})`
  const taken = new Set<string>()
  for (const { name: called, arg, type } of functions) {
    for (const text of [email, sentence, name]) {
      const keys = arg === 'changes' ? CHANGES : [null]
      for (const key of keys) {
        const fresh = { ...scene, roleless: await scene.join([]) }
        const attempt = async () => {
          await makeRoom(scene)
          const args = (await CALLS[called]?.(fresh)) ?? {}
          const value =
            type === 'text'
              ? text
              : key
                ? { [key]: text }
                : withText(args[arg] ?? { note: text }, text)
          await scene.owner.rpc(called, { ...args, [arg]: value })
          taken.add(`${called} ${arg}`)
        }
        await attempt().catch(() => {})
      }
    }
  }
  return taken
}

/** Writes the person into every column that takes it, past all rules: what a rule of tomorrow may write there. */
async function plantInColumns({ sql, id }: Organisation, { email, sentence }: Somebody) {
  for (const { schema, table, column, type, isOfOrganisation } of await textColumns(sql)) {
    const text = isOfOrganisation ? sentence : email
    const value =
      type === 'jsonb'
        ? sql`${sql.json({ said: [text] })}`
        : type.endsWith('[]')
          ? sql`array[${text}]`
          : sql`${text}`
    const which = isOfOrganisation ? sql`organisation_id = ${id}` : sql`true`
    const from = sql(`${schema}.${table}`)
    await sql
      .begin(async (tx) => {
        await tx`select set_config('usher.audit_exception', 'UPDATE', true)`
        await tx`update ${from} set ${sql(column)} = ${value}
          where ctid = (select ctid from ${from} where ${which} order by ctid desc limit 1)`
      })
      // What a column does not take, a rule cannot write there either.
      .catch(() => {})
  }
}

describe('a person with an account', () => {
  test('is reported and forgotten wherever any call or any column can hold them', async () => {
    // Of its own: what is written past the rules leaves it as no other test could use it.
    const database = await createDatabase()
    onTestFinished(() => database.drop())
    const { sql } = database
    const acme = await createAcme(sql)
    const planted = somebody()
    const { email, name, sentence, plain } = planted
    const them = await person(sql, 'them', { email, metadata: { full_name: name } })
    await sql`select usher.add_member(${acme.id}, ${them.userId}, '{admin}')`
    const scene = await sceneOf(acme)

    const taken = await plantByCalls(scene, planted)
    // The calls that hold free texts do hold them.
    for (const call of [
      'create_organisation_invite message',
      'start_organisation_access_review title',
      'remove_organisation_member reason',
      'decline_organisation_invite reason',
      'update_organisation changes',
      'create_organisation_email_template body',
    ]) {
      expect(taken).toContain(call)
    }
    // What they did themselves is in the mails to others; what others ask of them, in mails and records of theirs.
    await them.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['finance'],
    })
    const { id: inviteId } = await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email,
      roles: ['member'],
      message: plain,
      metadata: { contact: email },
    })
    await sql`select usher.suppress_address(${email}, 'bounce', '5.1.1')`
    await sql`insert into usher.mail_opt_outs (organisation_id, email) values (${acme.otherId}, ${email})`
    await sql`insert into usher.directory_users (organisation_id, user_name, email, attributes)
        values (${acme.otherId}, ${email}, ${email}, ${sql.json({ displayName: name })})`
    await sql`insert into public.organisation_join_requests (organisation_id, user_id, email, reason)
        values (${acme.otherId}, ${them.userId}, ${email}, ${sentence})`
    await sql`select usher.enqueue_auth_mail(${email}, null, 'sealed', null)`
    await sql`select usher.seal_audit_trail()`
    await plantInColumns(acme, planted)

    const before = await placesOf(sql, email)
    expect(before.length).toBeGreaterThan(30)
    expect(before).toEqual(expect.arrayContaining(['public.organisations.reply_to']))
    const reported = await sql`select place, data from usher.report_person(${them.userId})`
    const places = new Set(reported.map(({ place }) => place))
    for (const text of [email, name]) {
      expect((await placesOf(sql, text)).map(tableOf).filter((each) => !places.has(each))).toEqual(
        [],
      )
    }
    expect([...places]).toEqual(expect.arrayContaining(['auth.users', 'usher.invites']))
    expect(reported.some(({ data }) => data.id === inviteId)).toBe(true)
    const byAddress =
      await sql`select place, data from usher.report_address(${email.toUpperCase()})`
    expect(byAddress).toHaveLength(reported.length)

    await erase(acme, them)

    const holds = async () => {
      const all = await keptOf(sql, ['all'])
      const found = await placesOf(sql, email)
      expect(found.filter((place) => !all.includes(place))).toEqual([])
      const kept = await keptOf(sql, ['all', 'names'])
      const names = await placesOf(sql, name)
      expect(names.filter((place) => !kept.includes(place))).toEqual([])
    }
    await holds()
    // Whatever becomes of the account, nothing of it comes back.
    await sql`update auth.users set raw_user_meta_data = ${sql.json({ full_name: name, colour: 'blue' })}
        where id = ${them.userId}`
    await sql`update auth.users set email = ${`x${email}`} where id = ${them.userId}`
    await sql`update auth.users set email = ${email} where id = ${them.userId}`
    await holds()
  }, 120_000)

  test('is known again where they join anew, and only there', async ({ acme }) => {
    const { sql, member } = acme
    await sql`select usher.add_member(${acme.otherId}, ${member.userId}, '{member}')`
    await erase(acme, member)
    const rows = () =>
      sql`select organisation_id, email from public.organisation_members where user_id = ${member.userId}`
    expect((await rows()).map(({ email }) => email)).toEqual([null, null])

    await member.rpc('leave_organisation', { organisation_id: acme.id })
    const { token } = await acme.invite(member.email)
    await member.rpc('accept_organisation_invite', { token })
    const renamed = `new-${member.email}`
    await sql`update auth.users set email = ${renamed} where id = ${member.userId}`

    expect(
      Object.fromEntries((await rows()).map((row) => [row.organisation_id, row.email])),
    ).toEqual({
      [acme.id]: renamed,
      [acme.otherId]: null,
    })
  })

  test('leaves mails to others that name nobody, and none about what is gone', async ({ acme }) => {
    const { sql, admin } = acme
    await admin.rpc('update_organisation_member_roles', {
      organisation_id: acme.id,
      user_id: acme.member.userId,
      roles: ['finance'],
    })

    await erase(acme, admin)

    await fanOut(sql)
    const [mail] = await sql`select status, facts from public.organisation_deliveries
      where recipient = ${acme.member.email} and kind = 'member_roles_updated'`
    expect(mail).toMatchObject({
      status: 'queued',
      facts: { actor_name: null, actor_email: null, roles: ['finance'] },
    })
  })

  test('takes nothing from others: longer addresses, the same name, a shorter name in a word', async ({
    acme,
  }) => {
    const { sql } = acme
    const { email, name } = somebody()
    const them = await person(sql, 'them', { email, metadata: { full_name: name } })
    const namesake = await person(sql, 'namesake', { metadata: { full_name: name } })
    for (const { userId } of [them, namesake]) {
      await sql`select usher.add_member(${acme.id}, ${userId}, '{member}')`
    }
    const longer = [`x${email}`, `a.${email}`, `${email}.au`, `a-${email}`, `a+${email}`]
    for (const each of longer) await acme.invite(each)
    const description = longer
      .map((each) => `https://h.test/?u=${encodeURIComponent(each)}`)
      .join(' ')
    await acme.owner.rpc('create_organisation_role', {
      organisation_id: acme.id,
      name: 'longer',
      description,
      permissions: [],
      inherits: [],
    })
    const short = await person(sql, 'short', { metadata: { full_name: 'Max' } })
    await sql`select usher.add_member(${acme.id}, ${short.userId}, '{member}')`
    await acme.owner.rpc('update_organisation', {
      organisation_id: acme.id,
      changes: { name: 'Max Maximum' },
    })

    await erase(acme, them)
    await erase(acme, short)

    expect(
      (await sql`select email from usher.invites where organisation_id = ${acme.id}`)
        .map((row) => row.email)
        .sort(),
    ).toEqual([...longer].sort())
    const [role] = await sql`select description from public.organisation_roles
      where organisation_id = ${acme.id} and name = 'longer'`
    expect(role?.description).toBe(description)
    const [same] =
      await sql`select display_name from public.organisation_members where user_id = ${namesake.userId}`
    expect(same?.display_name).toBe(name)
    const [organisation] = await sql`select name from public.organisations where id = ${acme.id}`
    expect(organisation?.name).toBe('Max Maximum')
  })

  test('an address that is somebody else’s by now stays theirs', async ({ acme }) => {
    const { sql } = acme
    const { invite, token } = await acme.invite()
    const them = await acme.person(invite.email)
    await them.rpc('accept_organisation_invite', { token })
    await sql`update auth.users set email = ${`later-${invite.email}`} where id = ${them.userId}`
    const heir = await acme.person(invite.email)
    await sql`select usher.add_member(${acme.id}, ${heir.userId}, '{member}')`

    await erase(acme, them)

    const [row] =
      await sql`select email from public.organisation_members where user_id = ${heir.userId}`
    expect(row?.email).toBe(invite.email)
    expect(await placesOf(sql, `later-${invite.email}`)).toEqual([])
  })

  test('whose account is gone already is still taken out of the trail', async ({ acme }) => {
    await acme.member.rpc('leave_organisation', { organisation_id: acme.id })
    await acme.sql`delete from auth.users where id = ${acme.member.userId}`

    await erase(acme, acme.member)

    const rows = await acme.sql`select ip, user_agent from public.organisation_audit_events
      where actor_id = ${acme.member.userId}`
    expect(rows.map((row) => ({ ...row }))).toEqual([{ ip: null, user_agent: null }])
  })
})

describe('a person without an account', () => {
  test('is reported and forgotten by their address', async ({ acme }) => {
    const { sql } = acme
    const { email, plain } = somebody()
    const { invite, token } = await acme.invite(email)
    await acme.anyone.rpc('decline_organisation_invite', { token, reason: plain })
    await acme.outsider.rpc('create_organisation_invite', {
      organisation_id: acme.otherId,
      email,
      roles: ['member'],
      metadata: { contact: email },
    })
    await sql`select usher.seal_audit_trail()`
    const before = await placesOf(sql, email)
    const reported = await sql`select place from usher.report_address(${email})`
    const places = reported.map(({ place }) => place)
    expect(before.map(tableOf).filter((table) => !places.includes(table))).toEqual([])
    expect(places).not.toContain('auth.users')

    await sql`select usher.erase_address(${` ${email.toUpperCase()}`})`

    expect(await placesOf(sql, email)).toEqual([])
    expect(await acme.owner.select('organisation_invites', { id: invite.id })).toMatchObject([
      { status: 'declined', email: `erased@${invite.id}.invalid` },
    ])
    const events = await sql`select ip, reason, user_agent from public.organisation_audit_events
      where target_id = ${invite.id} and event = 'invite.declined'`
    expect(events).toMatchObject([{ ip: null, reason: null, user_agent: null }])
    expect(
      await acme.owner.rpc('verify_organisation_audit_trail', { organisation_id: acme.id }),
    ).toMatchObject({ is_whole: true })
    expect(await acme.events()).toContain('person.erased')
  })
})

describe('the trail', () => {
  test.for([
    ["Ask o'brien@planted.test", 'Ask …@planted.test'],
    ['Ask quill/zephyrine@planted.test', 'Ask …@planted.test'],
    ['a=anna.b=c@planted.test', '…@planted.test'],
    ['anna%40planted.test', '…@planted.test'],
    ['anna%2540planted.test', '…@planted.test'],
    ['anna＠planted.test', '…@planted.test'],
    ["!#$%&'*+/=?^_`{|}~anna@planted.test", '…@planted.test'],
    ['<anna@planted.test>, "x"', '<…@planted.test>, "x"'],
    ['{"to":"anna@planted.test"}', '{"to":"…@planted.test"}'],
    [
      'https://h.test/a/?x=1&u=o%27brien%40planted.test&y',
      'https://h.test/a/?x=1&u=…@planted.test&y',
    ],
    ["https://h.test?u=o'brien/x@planted.test", 'https://h.test?u=…@planted.test'],
    ['https://h.test/@name and 40%, 100%40', 'https://h.test/@name and 40%, 100%40'],
  ] as const)('takes whole the name before the sign: %s', async ([text, safe], { acme }) => {
    const [row] =
      await acme.sql`select usher.without_addresses(${acme.sql.json({ text })}) as value`
    expect(row?.value.text).toBe(safe)
  })

  test('is written at once, whatever is in it', async ({ acme }) => {
    for (const text of [
      'a'.repeat(50_000),
      '://a.b?x='.repeat(5_000),
      'a=&'.repeat(15_000),
      '%40'.repeat(15_000),
    ]) {
      const asked = performance.now()
      await acme.sql`select usher.without_addresses(${acme.sql.json({ text: `${text} @` })})`
      expect(performance.now() - asked).toBeLessThan(5_000)
    }
  })

  test('holds no address in what changed, whoever writes it there', async ({ acme }) => {
    const { email } = somebody()
    const body = `Questions?\n${email}, or [write](https://example.com/?to=${email})`
    await acme.sql`select usher.record_event(${acme.id}, 'template.created', 'template', ${acme.id},
      after => ${acme.sql.json({ body })})`

    const found = await placesOf(acme.sql, email)
    expect(found.filter((place) => place.startsWith('public.organisation_audit_events'))).toEqual(
      [],
    )
    const [row] = await acme.sql`select after from public.organisation_audit_events
      where organisation_id = ${acme.id} and event = 'template.created'`
    expect(row?.after.body).toBe(
      'Questions?\n…@planted.test, or [write](https://example.com/?to=…@planted.test)',
    )
  })
})
