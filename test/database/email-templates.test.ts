import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { type Organisation, test } from '../support/acme.ts'
import { fanOut } from '../support/outbox.ts'
import { asWorker, leaseOne, prepare } from '../support/worker.ts'

const create = (acme: Organisation, parts: object = {}, caller = acme.owner) =>
  caller.rpc('create_organisation_email_template', {
    organisation_id: acme.id,
    kind: 'invite',
    locale: 'en',
    subject: 'Come to {{organisation}}',
    ...parts,
  })

describe('create_organisation_email_template', () => {
  test('words the mails of its kind and language', async ({ acme }) => {
    await create(acme, { body: 'Hello {{invitee}}' })
    await acme.invite()

    expect((await prepare(acme, await leaseOne(acme))).template).toEqual({
      subject: 'Come to {{organisation}}',
      heading: null,
      body: 'Hello {{invitee}}',
      button: null,
    })
    expect(await acme.events()).toContain('template.created')
  })

  test('of a region counts before that of the whole language', async ({ acme }) => {
    await create(acme, { locale: 'de', subject: 'Deutsch' })
    await create(acme, { locale: 'de-AT', subject: 'Österreichisch' })
    await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'at@example.com',
      roles: ['member'],
      locale: 'de-AT',
    })

    const mail = await prepare(acme, await leaseOne(acme))

    expect(mail.template.subject).toBe('Österreichisch')
  })

  test('takes the place of the default that there was', async ({ acme }) => {
    const first = await create(acme, { name: 'first' })
    await create(acme, { name: 'second' })

    const [row] = await acme.sql`select is_default from public.organisation_email_templates
      where id = ${first.id}`
    expect(row?.is_default).toBe(false)
  })

  test.for([
    ['a kind that there is not', { kind: 'newsletter' }, /no mail of the kind 'newsletter'/],
    ['a language that is none', { locale: 'deutsch' }, /locale is a language/],
    ['an unknown placeholder', { subject: 'Hi {{name}}' }, /no placeholder {{name}}.*{{inviter}}/],
    [
      'a placeholder of another kind',
      { kind: 'member_removed', subject: 'Until {{expires_at}}' },
      /no placeholder {{expires_at}}/,
    ],
    ['half a placeholder', { subject: 'Hi {{organisation' }, /two braces on each side/],
    ['a placeholder in a button', { button: 'Join {{organisation}}' }, /a button has none/],
    ['two lines in a subject', { subject: 'Hello\r\nBcc: victim@example.com' }, /one line/],
    ['a link to anywhere but https', { body: '[x](javascript:alert(1))' }, /an https address/],
    ['a link that a name would lead', { body: '[x](https://{{organisation}}.evil)' }, /an https/],
    ['a body that is too long', { body: 'x'.repeat(5001) }, /1 to 5,000 characters/],
    ['a placeholder over two lines', { body: 'Hi {{\n\norganisation}}' }, /no placeholder/],
    ['quotes within quotes without end', { body: '>'.repeat(5000) }, /lists and quotes/],
    ['lists within lists on one line', { body: `${'- '.repeat(20)}a` }, /lists and quotes/],
    ['lists and quotes in turn', { body: `${'> - '.repeat(20)}a` }, /lists and quotes/],
    ['emphasis within emphasis', { body: `${'*'.repeat(600)}a${'*'.repeat(600)}` }, /\* _ ~/],
    ['emphasis that is never closed', { body: '**a '.repeat(1000) }, /\* _ ~/],
    ['brackets within brackets', { body: '['.repeat(300) }, /the sign \[/],
    ['nothing at all', { subject: null }, /Give one of subject/],
  ] as const)('refuses %s, and says what is wrong', async ([, parts, hint], { acme }) => {
    await expect(create(acme, parts)).rejects.toMatchObject({
      code: 'invalid_settings',
      hint: expect.stringMatching(hint),
    })
  })

  test('takes what people write: lists, rules, dates, emphasis, signatures', async ({ acme }) => {
    const body = [
      'Hello **{{invitee}}**,',
      '- one\n  - two\n    1. three',
      '---------------',
      '* * * * * * * * *',
      '2026. 11. 29. is the day; 3 * 4 * 5 = 60',
      Array.from({ length: 150 }, (_, i) => `- *${i}* of **all**`).join('\n'),
      '> quoted\n> > twice',
      '{{expires_at}} {{expires_in}} '.repeat(20),
      'Signed: ______________________',
      '--------> here <--------',
    ].join('\n\n')

    expect((await create(acme, { body })).body).toBe(body)
  })

  test('refuses a second one of the same kind, language and name', async ({ acme }) => {
    await create(acme)

    await expect(create(acme)).rejects.toMatchObject({ code: 'invalid_settings' })
  })
})

describe('an invite with a template', () => {
  test('is worded by it, default or not', async ({ acme }) => {
    await create(acme)
    const special = await create(acme, { name: 'special', subject: 'For you', is_default: false })
    await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'special@example.com',
      roles: ['member'],
      template_id: special.id,
    })

    const mail = await prepare(acme, await leaseOne(acme))

    expect(mail.template.subject).toBe('For you')
  })

  test.for(['another organisation', 'another kind', 'none'] as const)(
    'is refused when the template is of %s',
    async (whose, { acme }) => {
      const template_id = {
        'another organisation': async () =>
          (
            await acme.outsider.rpc('create_organisation_email_template', {
              organisation_id: acme.otherId,
              kind: 'invite',
              locale: 'en',
              subject: 'Theirs',
            })
          ).id,
        'another kind': async () =>
          (await create(acme, { kind: 'invite_accepted', subject: 'x' })).id,
        none: async () => randomUUID(),
      }[whose]

      await expect(
        acme.owner.rpc('create_organisation_invite', {
          organisation_id: acme.id,
          email: 'x@example.com',
          roles: ['member'],
          template_id: await template_id(),
        }),
      ).rejects.toMatchObject({ code: 'invalid_settings' })
    },
  )

  test('is mailed as built in once the template is gone', async ({ acme }) => {
    const { id } = await create(acme)
    await acme.owner.rpc('create_organisation_invite', {
      organisation_id: acme.id,
      email: 'later@example.com',
      roles: ['member'],
      template_id: id,
    })
    await acme.owner.rpc('delete_organisation_email_template', { template_id: id })

    expect((await prepare(acme, await leaseOne(acme))).template).toBeNull()
    expect(await acme.events()).toContain('template.deleted')
  })
})

describe('update_organisation_email_template', () => {
  test('changes what is given and keeps the rest', async ({ acme }) => {
    const { id } = await create(acme, { heading: 'Hello' })

    const changed = await acme.admin.rpc('update_organisation_email_template', {
      template_id: id,
      changes: { subject: null, button: 'Look' },
    })

    expect(changed).toMatchObject({ subject: null, heading: 'Hello', button: 'Look' })
    expect(await acme.events()).toContain('template.updated')
  })

  test.for([
    [{ kind: 'invite_expired' }, /'kind' cannot be changed/],
    [{ body: '{{nobody}}' }, /no placeholder/],
    ['x', /an object/],
  ] as const)('refuses %j', async ([changes, hint], { acme }) => {
    const { id } = await create(acme)

    await expect(
      acme.owner.rpc('update_organisation_email_template', { template_id: id, changes }),
    ).rejects.toMatchObject({ code: 'invalid_settings', hint: expect.stringMatching(hint) })
  })
})

describe('organisation_email_templates', () => {
  test("shows an organisation's own to those who may see invites, and to nobody else", async ({
    acme,
  }) => {
    await create(acme)

    expect(await acme.admin.select('organisation_email_templates')).toHaveLength(1)
    for (const who of [acme.member, acme.roleless, acme.outsider, acme.stranger]) {
      expect(await who.select('organisation_email_templates')).toEqual([])
    }
  })
})

describe('a template that cannot be drawn', () => {
  const state = async (acme: Organisation, id: string) =>
    (await acme.owner.select('organisation_email_templates', { id }))[0]
  const failed = (acme: Organisation, id: string) =>
    asWorker(acme, (tx) => tx`select usher.fail_template(${id}, 'RangeError') as is_news`)

  test('shows to the organisation and to operators, once, until it is saved again', async ({
    acme,
  }) => {
    const { id } = await create(acme)
    await acme.invite()
    expect((await prepare(acme, await leaseOne(acme))).template_id).toBe(id)
    await fanOut(acme.sql)
    const stuck = async () => (await acme.sql`select what from usher.stuck`).map(({ what }) => what)

    expect(await failed(acme, id)).toMatchObject([{ is_news: true }])
    expect(await failed(acme, id)).toMatchObject([{ is_news: false }])

    expect(await state(acme, id)).toMatchObject({ failure: 'RangeError' })
    expect((await acme.events()).filter((event) => event === 'template.failed')).toHaveLength(1)
    expect(await stuck()).toContain('mail templates that cannot be drawn')

    await acme.owner.rpc('update_organisation_email_template', {
      template_id: id,
      changes: { subject: 'Mended' },
    })
    expect(await state(acme, id)).toMatchObject({ failed_at: null, failure: null })
    expect(await stuck()).not.toContain('mail templates that cannot be drawn')
  })
})
