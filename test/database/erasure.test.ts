/**
 * What is held of a person, and forgetting them. Somebody is planted through every call and into every column that
 * can hold them; what finds them again reads the catalogue, so that a new table or column is looked into by itself.
 */
import { randomUUID } from 'node:crypto'
import { domainToASCII } from 'node:url'
import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createAcme, type Organisation, test } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { CALLS, type Scene, sceneOf } from '../support/matrix-calls.ts'
import { type Person, person } from '../support/people.ts'
import { delivery, lease, leaseOne, prepare } from '../support/worker.ts'

/** Somebody whose address and name stand nowhere by chance. */
function somebody() {
  const tag = randomUUID().slice(0, 8)
  const email = `zephyrine-${tag}@planted.test`
  const name = `Zephyrine Quill${tag}`
  return {
    email,
    name,
    sentence: `Ask ${name} <${email}> about it.`,
    plain: `Ask ${name} about it.`,
  }
}
type Somebody = ReturnType<typeof somebody>

interface Column {
  schema: string
  table: string
  column: string
  type: string
  isOfOrganisation: boolean
}

/** Every column of a table in public or usher that can hold a text. */
const textColumns = (sql: postgres.Sql) =>
  sql<
    Column[]
  >`select n.nspname as schema, c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
      exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'organisation_id') as "isOfOrganisation"
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    where c.relkind in ('r', 'p') and n.nspname in ('public', 'usher')
      and (t.typcategory in ('S', 'U') or t.typtype = 'd' or format_type(a.atttypid, null) like '%[]')
      and a.atttypid not in ('uuid'::regtype, 'bytea'::regtype)
    order by 1, 2, 3`

const placeOf = ({ schema, table, column }: Column) => `${schema}.${table}.${column}`

/** Where a text stands, in whatever case, also of letters that the C locale does not know. */
async function placesOf(sql: postgres.Sql, text: string): Promise<string[]> {
  const found: string[] = []
  for (const each of await textColumns(sql)) {
    const [row] = await sql`select exists (
      select from ${sql(`${each.schema}.${each.table}`)}
      where position(lower(${text} collate "und-x-icu") in lower(${sql(each.column)}::text collate "und-x-icu")) > 0) as is`
    if (row?.is) found.push(placeOf(each))
  }
  return found
}

const tableOf = (place: string) => place.split('.').slice(0, 2).join('.')

/** What stays by the list, and why. */
async function keptOf(sql: postgres.Sql, what: ('all' | 'names')[]): Promise<string[]> {
  const rows = await sql`select place from usher.kept_at_erasure() where what = any (${what})`
  return rows.map(({ place }) => place)
}

const erase = ({ sql }: Organisation, { userId }: Person) =>
  sql`select usher.erase_person(${userId})`

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

  test.for(['report_address', 'erase_address'])(
    '%s refuses what is no address',
    async (name, { acme }) => {
      for (const address of ['nobody', null]) {
        await expect(acme.sql`select usher.${acme.sql(name)}(${address})`).rejects.toThrow(
          /invalid_email/,
        )
      }
    },
  )
})

describe('what stopped mail', () => {
  test('stops it again for an address that was erased and is entered anew', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    await acme.invite(email)
    await sql`insert into usher.mail_opt_outs (organisation_id, email) values (${acme.id}, ${email})`

    await sql`select usher.erase_address(${email})`
    expect(await placesOf(sql, email)).toEqual([])
    const { invite } = await acme.invite(email)
    const leased = await leaseOne(acme)
    await sql`select usher.prepare_delivery(${leased.delivery_id}, ${leased.fence})`

    expect(await delivery(acme, leased.delivery_id)).toMatchObject({
      status: 'suppressed',
      invite_id: invite.id,
    })
    const [stop] = await sql`select organisation_id from usher.mail_opt_outs where email = ${email}`
    expect(stop?.organisation_id).toBe(acme.id)
  })

  test('is kept by the mailbox, whatever the tag that is erased', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+news@')
    const { invite } = await acme.invite(tagged)
    const [mail] = await sql`select usher.mint_stop_token(d.id) as token
      from public.organisation_deliveries d where d.invite_id = ${invite.id}`
    await acme.anyone.rpc('stop_organisation_mail', { token: mail?.token })

    await sql`select usher.erase_address(${tagged})`
    expect(await placesOf(sql, email.split('@')[0] as string)).toEqual([])

    await acme.invite(tagged)
    expect(await sql`select email from usher.mail_opt_outs where email = ${email}`).toHaveLength(1)
  })

  test('of the whole project does so for any organisation, with its reason', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    await sql`select usher.suppress_address(${email}, 'complaint')`

    await sql`select usher.erase_address(${email})`
    await acme.invite(email)

    expect(
      await sql`select reason from usher.suppressed_addresses where email = ${email}`,
    ).toMatchObject([{ reason: 'complaint' }])
  })
})

describe('a mail that was delivered before its recipient was erased', () => {
  /** Invites, lets the mail go out, and erases whom it went to. */
  async function mailed(acme: Organisation, email: string) {
    const { sql } = acme
    const { invite } = await acme.invite(email)
    const [mail] = await sql`update public.organisation_deliveries
      set status = 'sent', fence = 1, sent_at = now() where invite_id = ${invite.id}
      returning id, usher.mint_stop_token(id) as token`
    await sql`select usher.erase_address(${email})`
    return mail as unknown as { id: string; token: string }
  }
  const placesOfErased = async ({ sql }: Organisation, { id }: { id: string }) =>
    (await placesOf(sql, `erased@${id}.invalid`)).filter(
      (place) => !place.startsWith('public.organisation_deliveries.'),
    )
  /** What becomes of the mail of a new invite to the address. */
  async function statusOfNext(acme: Organisation, email: string) {
    const { invite } = await acme.invite(email)
    const leased = await lease(acme)
    for (const each of leased) await prepare(acme, each)
    const [mail] = await acme.sql`select status from public.organisation_deliveries
      where invite_id = ${invite.id} and kind = 'invite'`
    return mail?.status
  }

  test.for([false, true])(
    'can still be answered with a stop (everywhere: %s)',
    async (everywhere, { acme }) => {
      const { email } = somebody()
      const mail = await mailed(acme, email)

      for (const _ of [1, 2]) {
        await acme.anyone.rpc('stop_organisation_mail', { token: mail.token, everywhere })
      }

      expect(await placesOf(acme.sql, email)).toEqual([])
      expect(await placesOfErased(acme, mail)).toEqual([])
      expect((await acme.events()).filter((event) => event === 'mail.stopped')).toHaveLength(1)
      // Also to another tag of the mailbox.
      expect(await statusOfNext(acme, email.replace('@', '+again@'))).toBe('suppressed')
    },
  )

  test('stops one that is under way to the address again', async ({ acme }) => {
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.invite(email)
    const leased = await leaseOne(acme)

    await acme.anyone.rpc('stop_organisation_mail', { token: mail.token })

    expect(await prepare(acme, leased)).toBeNull()
    expect(await delivery(acme, leased.delivery_id)).toMatchObject({ status: 'suppressed' })
  })

  test.for(['before', 'after'])(
    'takes a stop back %s the address is entered again',
    async (when, { acme }) => {
      const { email } = somebody()
      const mail = await mailed(acme, email)
      const stop = (is: boolean) =>
        acme.anyone.rpc('stop_organisation_mail', { token: mail.token, stop: is })
      await stop(true)
      if (when === 'after') expect(await statusOfNext(acme, email)).toBe('suppressed')

      await stop(false)

      expect(
        await acme.sql`select from usher.erased_stops where organisation_id = ${acme.id}`,
      ).toEqual([])
      if (when === 'after') {
        expect(await acme.sql`select from usher.mail_opt_outs where email = ${email}`).toEqual([])
      } else {
        expect(await statusOfNext(acme, email)).toBe('sending')
      }
    },
  )

  test('says so where nothing was kept of whom it went to', async ({ acme }) => {
    const mail = await mailed(acme, somebody().email)
    await acme.sql`delete from usher.erased_deliveries where delivery_id = ${mail.id}`

    await expect(
      acme.anyone.rpc('stop_organisation_mail', { token: mail.token }),
    ).rejects.toMatchObject({ code: 'invite_invalid' })
  })

  test('is complained about for the mailbox, and bounces for the address', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+news@')
    const mail = await mailed(acme, tagged)
    const tell = (kind: string) =>
      sql`select usher.record_delivery_event('resend', ${randomUUID()}, ${kind}, ${mail.id}, is_permanent => true,
        response => ${`550 5.1.1 <${tagged}>: no such user`}, status_code => '5.1.1')`

    await tell('bounced')
    await tell('complained')
    await tell('bounced')

    expect(await placesOf(sql, tagged)).toEqual([])
    expect(await placesOf(sql, email)).toEqual([])
    expect(await placesOfErased(acme, mail)).toEqual([])
    const [row] =
      await sql`select last_response, status from public.organisation_deliveries where id = ${mail.id}`
    expect(row).toMatchObject({ last_response: null, status: 'complained' })

    expect(await statusOfNext(acme, tagged)).toBe('suppressed')
    const rows = await sql`select email, reason from usher.suppressed_addresses
      where usher.mailbox(email) = ${email} order by reason`
    expect(rows.map((each) => ({ ...each }))).toEqual([
      { email: tagged, reason: 'bounce' },
      { email, reason: 'complaint' },
    ])
    expect(await statusOfNext(acme, email.replace('@', '+other@'))).toBe('suppressed')
  })

  test('an operator lets mails go to it again before it is entered', async ({ acme }) => {
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.sql`select usher.record_delivery_event('resend', ${randomUUID()}, 'complained', ${mail.id})`

    const [row] =
      await acme.sql`select usher.lift_suppression(${email.replace('@', '+x@')}) as lifted`

    expect(row?.lifted).toBe(true)
    expect(await statusOfNext(acme, email)).toBe('sending')
  })

  test('leaves nothing of who answers it, once they are erased again', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const mail = await mailed(acme, email)
    await acme.anyone.rpc('stop_organisation_mail', { token: mail.token })
    await sql.begin(async (tx) => {
      await tx`select set_config('usher.audit_exception', 'UPDATE', true)`
      await tx`update public.organisation_audit_events set ip = '192.0.2.1'
        where target_id = ${mail.id} and event = 'mail.stopped'`
    })

    await sql`select usher.erase_address(${email})`

    expect(
      await sql`select ip from public.organisation_audit_events where target_id = ${mail.id} and event = 'mail.stopped'`,
    ).toMatchObject([{ ip: null }])
  })
})

describe('however they are written', () => {
  /** Puts texts into an organisation; they are found again by their marks, which erasing leaves. */
  async function written({ sql, invite }: Organisation, texts: string[]) {
    const mark = randomUUID()
    for (const text of texts) {
      const { invite: made } = await invite()
      await sql`update usher.invites set message = ${`${mark} ${text} end`},
        metadata = ${sql.json({ said: `${mark} ${text} end` })} where id = ${made.id}`
    }
    return async () =>
      (
        await sql`select message, metadata ->> 'said' as said from usher.invites
          where message like ${`${mark}%`}`
      ).flatMap(({ message, said }) => [message.slice(mark.length), said.slice(mark.length)])
  }

  test('an address goes', async ({ acme }) => {
    const { sql } = acme
    const tag = randomUUID().slice(0, 8)
    const email = `zeph'${tag}/x+news@münchen-${tag}.test`
    const ascii = `zeph'${tag}/x+news@${domainToASCII(`münchen-${tag}.test`)}`
    const encoded = encodeURIComponent(email)
    const forms = [
      email,
      `<${email}>`,
      email.toUpperCase(),
      ascii,
      `https://h.test/?u=${encoded}&x=1`,
      `https://h.test/?u=${encoded.replaceAll("'", '%27').toLowerCase()}`,
      `https://h.test/?u=${encodeURIComponent(email.toUpperCase())}`,
      `https://h.test/?u=${encodeURIComponent(encoded)}`,
      `https://h.test/?q=${encodeURIComponent(`ask ${email} now`)}`,
      `https://h.test/?q=ask+${encoded}+now`,
      `https://h.test/?u=${encodeURIComponent(ascii)}`,
    ]
    for (const given of [email, ascii]) {
      const texts = await written(acme, forms)
      expect((await sql`select from usher.report_address(${given})`).length).toBeGreaterThanOrEqual(
        forms.length,
      )

      await sql`select usher.erase_address(${given})`

      const left = await texts()
      expect(left).toHaveLength(2 * forms.length)
      expect(left.filter((text) => /zeph|news/i.test(text))).toEqual([])
      expect(left.every((text) => text.endsWith(' end'))).toBe(true)
    }
  })

  test('a name goes', async ({ acme }) => {
    const { sql } = acme
    const tag = randomUUID().slice(0, 8)
    const name = `Özlem "Öz"  O'Quill${tag}`
    const them = await person(sql, 'them', { metadata: { full_name: name } })
    await sql`select usher.add_member(${acme.id}, ${them.userId}, '{member}')`
    const single = name.replace('  ', ' ')
    const forms = [
      name,
      single,
      single.toUpperCase(),
      single.replaceAll(' ', '\n'),
      single.replaceAll(' ', ' \n\t '),
      single.replaceAll(' ', '\u00a0'),
      `https://h.test/?q=${encodeURIComponent(`ask ${single} now`)}`,
    ]
    const texts = await written(acme, forms)
    expect(
      (await sql`select from usher.report_person(${them.userId})`).length,
    ).toBeGreaterThanOrEqual(forms.length)

    await erase(acme, them)

    const left = await texts()
    expect(left).toHaveLength(2 * forms.length)
    expect(left.filter((text) => /quill/i.test(text))).toEqual([])
    expect(left.every((text) => text.endsWith(' end'))).toBe(true)
  })

  test.for([
    'münchen',
    'bücher',
    'faß',
    'президент',
    '他们为什么不说中文',
    '3年b組金八先生',
    'δοκιμή',
    'مثال',
    'a-ö-z',
    'plain',
  ])('the label %s is one in both spellings', async (label, { acme }) => {
    const ascii = label === 'faß' ? 'xn--fa-hia' : domainToASCII(label)
    const [row] = await acme.sql`select usher.label_to_ascii(${label}) as ascii,
      usher.label_to_unicode(${ascii}) as unicode`
    expect(row).toMatchObject({ ascii, unicode: label })
  })

  test.for([
    'xn--',
    'xn--ü',
    'xn--99999999999',
    `xn--${'9'.repeat(59)}`,
    'xn--a-',
    'xn--zzzzzzz',
    '',
  ])('what is no punycode stays as it is: %s', async (label, { acme }) => {
    const [row] = await acme.sql`select usher.label_to_unicode(${label}) as unicode`
    expect(typeof row?.unicode).toBe('string')
  })

  test('a stop by an address with a tag is in the report of it', async ({ acme }) => {
    const { sql } = acme
    const { email } = somebody()
    const tagged = email.replace('@', '+a@')
    await sql`insert into usher.mail_opt_outs (organisation_id, email) values (${acme.id}, ${email})`
    await sql`select usher.suppress_address(${email.replace('@', '+b@')}, 'complaint')`

    for (const asked of [tagged, email]) {
      const rows = await sql`select place from usher.report_address(${asked}) order by place`
      expect(rows.map(({ place }) => place)).toEqual([
        'usher.mail_opt_outs',
        'usher.suppressed_addresses',
      ])
    }
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

describe('the lists', () => {
  test('own_tables names every table of ours in public, and none of an application', async ({
    acme,
  }) => {
    const { sql } = acme
    await sql`create table public.organisation_theirs (note text)`
    try {
      const rows = await sql`select c.oid::regclass::text as name from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)`
      const own = await sql`select t::text as name from usher.own_tables() t`
      expect([...own.map(({ name }) => name), 'organisation_theirs'].sort()).toEqual(
        rows.map(({ name }) => name).sort(),
      )
    } finally {
      await sql`drop table public.organisation_theirs`
    }
  })

  test('kept_at_erasure names columns that are there, each with a reason', async ({ acme }) => {
    const rows = await acme.sql`select k.*, a.attname from usher.kept_at_erasure() k
      left join pg_attribute a on a.attrelid = to_regclass(regexp_replace(k.place, '\\.[^.]+$', ''))
        and a.attname = regexp_replace(k.place, '^.*\\.', '')`
    expect(rows.length).toBeGreaterThan(0)
    for (const { place, attname, reason } of rows) {
      expect(attname, place).not.toBeNull()
      expect(reason.length, place).toBeGreaterThan(10)
    }
  })
})
