/** `npx usher init` as it comes out of the tarball, in projects as people have them. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { parse } from '@decimalturn/toml-patch'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { applyChanges } from '../../client/cli/project/apply.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { freePort } from '../../supabase/local/ports.ts'
import { createAcme } from '../support/acme.ts'
import { createDatabase } from '../support/database.ts'
import { deployedFunctions } from '../support/deploy.ts'
import { createProject, type TestProject, unpackedPackage } from '../support/package.ts'

let unpacked: string
let project: TestProject

beforeAll(async () => {
  unpacked = await unpackedPackage()
})

afterAll(() => rm(dirname(unpacked), { recursive: true, force: true }))

beforeEach(async () => {
  project = await createProject(unpacked)
  onTestFinished(() => rm(project.root, { recursive: true, force: true }))
})

/** An empty Supabase database of its own. */
async function emptyDatabase() {
  const database = await createDatabase(null)
  onTestFinished(() => database.drop())
  await preparePlatform(database.url)
  return database
}

/** Refused, with all of these in the words, and nothing in the project has changed. */
async function expectRefusal(args: string[], ...words: string[]) {
  const before = await project.files()

  const { code, output } = await project.usher('init', '--yes', ...args)

  expect(code).toBe(1)
  for (const word of words) expect(output).toContain(word)
  expect(output).toContain('Nothing was written.')
  expect(await project.files()).toEqual(before)
}

describe('usher init', () => {
  test('in a fresh project: its migrations run, and an invite is accepted', async () => {
    const { code, output } = await project.usher('init', '--yes')
    const database = await emptyDatabase()
    const applied = await applyMigrations(database.url, project.at('supabase/migrations'))

    expect(code).toBe(0)
    expect(output).toContain('+ supabase/migrations/20261121000001_usher.sql')
    expect(output).toContain('supabase db push')
    expect(applied).toContain('20261121000001_usher.sql')
    const acme = await createAcme(database.sql)
    const invitee = await acme.person()
    const { token } = await acme.invite(invitee.email)
    expect(await invitee.rpc('accept_organisation_invite', { token })).toMatchObject({
      status: 'active',
    })
  })

  test('the Supabase CLI deploys each of its functions, and they start from what it uploads', async () => {
    await project.usher('init', '--yes')
    const uploads = await deployedFunctions(project.root)
    for (const file of uploads.get('api')?.files ?? []) {
      await project.write(join('deployed', file.name), await file.text())
    }
    // Hosted, these come from npm, by the versions of deno.json.
    await symlink(resolve('node_modules'), project.at('deployed/node_modules'))
    const { entrypoint_path, import_map_path } = uploads.get('api')?.metadata ?? {}
    const port = await freePort()
    const child = spawn(
      resolve('node_modules/.bin/deno'),
      [
        'run',
        '--quiet',
        '--no-remote',
        '--node-modules-dir=manual',
        '--allow-all',
        `--config=${project.at(`deployed/${import_map_path}`)}`,
        project.at(`deployed/${entrypoint_path}`),
      ],
      {
        env: {
          PATH: process.env.PATH,
          SUPABASE_URL: 'https://project.supabase.test',
          SUPABASE_ANON_KEY: 'key',
          DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}`,
        },
      },
    )
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    const ended = new Promise((end) => child.once('close', end))
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await ended
    })

    const ours = (await readdir('functions', { recursive: true }))
      .filter((file) => /^[^/]+\/index\.ts$/.test(file))
      .map((file) => dirname(file))
    expect([...uploads.keys()].sort()).toEqual(ours.sort())
    await expect
      .poll(() => fetch(`http://127.0.0.1:${port}/api/openapi.json`).then((it) => it.status), {
        timeout: 15_000,
        message: errors,
      })
      .toBe(200)
  })

  test('says what it would do and writes nothing, while nobody is there to say yes', async () => {
    const before = await project.files()

    const asked = await project.usher('init')
    const dry = await project.usher('init', '--dry-run', '--yes')

    expect(asked).toMatchObject({ code: 0, output: expect.stringContaining('Add --yes') })
    expect(dry).toMatchObject({ code: 0, output: expect.stringContaining('dry run') })
    expect(dry.output).toContain('~ supabase/config.toml (extends)')
    expect(await project.files()).toEqual(before)
  })

  test('run twice, it says that all is there and changes nothing', async () => {
    await project.usher('init', '--yes')
    const before = await project.files()

    const { code, output } = await project.usher('init', '--yes')

    expect(code).toBe(0)
    expect(output).toContain('is all there')
    expect(await project.files()).toEqual(before)
  })

  test('of config.toml, everything stays as it was, comments included', async () => {
    const before = await project.read('supabase/config.toml')

    await project.usher('init', '--yes')

    const after = await project.read('supabase/config.toml')
    expect(after.startsWith(before)).toBe(true)
    expect(parse(after)).toMatchObject({
      ...JSON.parse(JSON.stringify(parse(before))),
      auth: {
        hook: {
          before_user_created: {
            enabled: true,
            uri: 'pg-functions://postgres/usher/before_user_created',
          },
          custom_access_token: {
            enabled: true,
            uri: 'pg-functions://postgres/usher/custom_access_token_hook',
          },
        },
      },
      functions: { 'send-mail': { verify_jwt: false } },
    })
    const names = (config: string) =>
      Object.keys((parse(config) as { functions: object }).functions).sort()
    expect(names(after)).toEqual(names(await readFile('supabase/config.toml', 'utf8')))
  })

  test.for([
    ['send_email', 'https://mail.example.com/hook'],
    ['custom_access_token', 'pg-functions://postgres/public/our_claims'],
  ] as const)('a hook of theirs of the kind %s stays theirs', async ([kind, uri]) => {
    const own = `[auth.hook.${kind}]\nenabled = true\nuri = "${uri}"\n`
    await project.write(
      'supabase/config.toml',
      `${await project.read('supabase/config.toml')}\n${own}`,
    )

    const { code, output } = await project.usher('init', '--yes')

    expect(code).toBe(0)
    expect(output).toContain(`[auth.hook.${kind}]: Yours stays`)
    expect(await project.read('supabase/config.toml')).toContain(own)
  })

  test('a section that they have begun gets what is missing', async () => {
    const config = await project.read('supabase/config.toml')
    await project.write(
      'supabase/config.toml',
      `${config}\n# ours\n[functions.api]\nverify_jwt = false # as agreed\n`,
    )

    await project.usher('init', '--yes')

    const after = await project.read('supabase/config.toml')
    expect(after).toContain('# ours\n[functions.api]\nverify_jwt = false # as agreed\n')
    expect(parse(after)).toMatchObject({
      functions: { api: { verify_jwt: false, import_map: './usher/functions/deno.json' } },
    })
  })

  test('where their migrations are newer, it says how to push', async () => {
    await project.write('supabase/migrations/29990101000000_theirs.sql', 'select 1;')

    const { output } = await project.usher('init', '--dry-run')

    expect(output).toContain('--include-all')
  })
})

describe('usher init refuses, and writes nothing', () => {
  test('outside of a Supabase project', async () => {
    const { code, output } = await project.usher('init', '--workdir', 'node_modules')

    expect(code).toBe(1)
    expect(output).toContain('supabase init')
  })

  test.for([
    ['a table', 'create table organisations (id int);', 'table public.organisations'],
    [
      'a view',
      'create or replace view "public"."organisation_members" as select 1;',
      'organisation_members',
    ],
    [
      'a function',
      'CREATE FUNCTION public.create_organisation(name text) RETURNS int LANGUAGE sql AS $$ select 1 $$;',
      'function public.create_organisation',
    ],
    [
      'a renamed table',
      'create table clubs (id int); alter table clubs rename to organisations;',
      'organisations',
    ],
    ['a schema', 'create schema if not exists usher;', 'schema usher'],
    [
      'a table, after a string with a quote in it,',
      "select E'it\\'s'; create table organisations (id int); select ';';",
      'table public.organisations',
    ],
  ])('where their migrations make %s of the same name', async ([, sql = '', word = '']) => {
    await project.write('supabase/migrations/20200101000000_theirs.sql', sql)

    await expectRefusal([], word, 'Your migrations make it')
  })

  test.for([
    [
      'dropped since',
      'create table organisations (id int); drop table if exists public.organisations cascade;',
    ],
    ['in another schema', 'create table club.organisations (id int);'],
    [
      'renamed since',
      'create table organisations (id int); alter table if exists public.organisations rename to clubs;',
    ],
    [
      'of a function that was renamed since',
      "create function leave_organisation(a int) returns int language sql as 'select 1'; alter function public.leave_organisation(int) rename to leave_club;",
    ],
    [
      'moved since',
      'create table organisations (id int); create schema club; alter table organisations set schema club;',
    ],
    ['of a schema that was renamed', 'create schema usher; alter schema usher rename to doorman;'],
    ['only in a comment', '-- create table organisations\n/* create schema usher */ select 1;'],
    ['only in a string', "select 'create table organisations', $x$ create schema usher $x$;"],
  ])('but not for a name that is %s', async ([, sql = '']) => {
    await project.write('supabase/migrations/20200101000000_theirs.sql', sql)

    expect(await project.usher('init', '--dry-run')).toMatchObject({ code: 0 })
  })

  test('where theirs is renamed only after ours would be made', async () => {
    const [early, late] = ['20200101000000_theirs.sql', '29990101000000_rename.sql']
    await project.write(`supabase/migrations/${early}`, 'create table organisations (id int);')
    await project.write(
      `supabase/migrations/${late}`,
      'alter table organisations rename to clubs; create table organisation_roles (id int);',
    )

    await expectRefusal(
      [],
      'table public.organisations',
      'table public.organisation_roles',
      'with a version before 20261121000001',
    )
  })

  test('where the database has tables and functions of the same names', async () => {
    const database = await emptyDatabase()
    await database.sql.unsafe(`
      create table public.organisations (id int);
      create function public.leave_organisation(id int) returns int language sql as 'select 1';
      create schema usher;`)

    await expectRefusal(
      ['--db-url', database.url],
      'table public.organisations, in the database',
      'function public.leave_organisation, in the database',
      'schema usher, in the database',
    )
  })

  test('where another migration of the same version was applied', async () => {
    const database = await emptyDatabase()
    await applyMigrations(database.url, project.payload('supabase/migrations'))
    await database.sql`update supabase_migrations.schema_migrations set name = 'other'
      where version = '20261121000001'`

    await expectRefusal(['--db-url', database.url], 'migration 20261121000001', 'called other')
  })

  test('but not where the database has ours already', async () => {
    const database = await emptyDatabase()
    await applyMigrations(database.url, project.payload('supabase/migrations'))

    expect(await project.usher('init', '--yes', '--db-url', database.url)).toMatchObject({
      code: 0,
    })
  })

  test('where the database does not let it in, without a word about the password', async () => {
    const url = 'postgres://postgres:top-secret@127.0.0.1:9/postgres'

    const { code, output } = await project.usher('init', '--yes', '--db-url', url)

    expect(code).toBe(1)
    expect(output).toContain('The database at 127.0.0.1:9 did not let us in')
    expect(output).not.toContain('top-secret')
  })

  test('where a migration of theirs has the version of ours', async () => {
    await project.write('supabase/migrations/20261121000001_theirs.sql', 'select 1;')

    await expectRefusal([], '20261121000001_theirs.sql', 'usher.sql')
  })

  test('where a file of theirs has the name of ours', async () => {
    await project.write('supabase/usher/functions/api/index.ts', '// theirs')

    await expectRefusal([], 'supabase/usher/functions/api/index.ts', 'with another text')
  })

  test('where they have an edge function of the same name', async () => {
    await project.write('supabase/functions/graphql/index.ts', '// theirs')

    await expectRefusal([], 'supabase/functions/graphql')
  })

  test.for([
    [
      'another value',
      '[functions.api]\nentrypoint = "./functions/api/main.ts"',
      'functions.api.entrypoint',
    ],
    [
      'a hook of theirs',
      '[auth.hook.before_user_created]\nenabled = true\nuri = "https://a.test"',
      'before_user_created.uri',
    ],
    ['what cannot be extended', 'functions = { api = { verify_jwt = false } }', 'config.toml'],
    ['what cannot be read', 'project_id = = 1', 'cannot be read'],
  ])('where config.toml has %s', async ([, text = '', word = '']) => {
    const config = await project.read('supabase/config.toml')
    await project.write(
      'supabase/config.toml',
      text.startsWith('[') ? `${config}\n${text}\n` : `${text}\n${config}`,
    )

    await expectRefusal([], word)
  })

  test('where the API exposes usher', async () => {
    const config = await project.read('supabase/config.toml')
    await project.write(
      'supabase/config.toml',
      config.replace(/^schemas = \[/m, 'schemas = ["usher", '),
    )

    await expectRefusal([], 'api.schemas')
  })
})

describe('a write that fails', () => {
  test('leaves nothing half: new files go, and what was there is as before', async () => {
    await project.write('supabase/blocked', 'a file where a folder would have to be')
    const before = await project.files()

    await expect(
      applyChanges(project.root, [
        { path: 'supabase/new/deep/a.txt', content: 'a', does: 'adds' },
        { path: 'supabase/config.toml', content: 'b', does: 'extends' },
        { path: 'supabase/blocked/c.txt', content: 'c', does: 'adds' },
      ]),
    ).rejects.toThrow()

    expect(await project.files()).toEqual(before)
    await expect(mkdir(project.at('supabase/new'))).resolves.toBeUndefined()
  })
})
