/** `npx usher upgrade` in projects that have the migrations of before the first release. */
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { BETWEEN, REPLACED } from '../../client/cli/bridge/migrations.ts'
import { differences } from '../../scripts/schema.ts'
import { applyMigrations } from '../../supabase/local/migrations.ts'
import { preparePlatform } from '../../supabase/local/platform.ts'
import { BEFORE, createDatabaseOfBefore, setScene } from '../support/before-bridge.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createProject, type TestProject, unpackedPackage } from '../support/package.ts'
import { supabase } from '../support/supabase-cli.ts'

const BASELINE = 'supabase/migrations/20261121000001_usher.sql'
const OLD = Object.keys(REPLACED)
const VERSIONS = OLD.map((path) => basename(path).split('_')[0] ?? '')

let unpacked: string

beforeAll(async () => {
  unpacked = await unpackedPackage()
})

afterAll(() => rm(dirname(unpacked), { recursive: true, force: true }))

/** A project as the package of before left it. */
async function projectOfBefore(): Promise<TestProject> {
  const project = await createProject(unpacked)
  onTestFinished(() => rm(project.root, { recursive: true, force: true }))
  await project.usher('init', '--yes')
  const state = JSON.parse(await project.read('supabase/usher.json'))
  await rm(project.at(BASELINE))
  delete state.files[BASELINE]
  await cp(BEFORE, project.at('supabase/migrations'), { recursive: true })
  Object.assign(state.files, REPLACED)
  await project.write('supabase/usher.json', JSON.stringify(state))
  return project
}

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createDatabase(null)
  onTestFinished(() => database.drop())
  await preparePlatform(database.url)
  return database
}

async function databaseOfBefore(): Promise<TestDatabase> {
  const database = await createDatabaseOfBefore()
  onTestFinished(() => database.drop())
  return database
}

const listOf = ({ sql }: TestDatabase) =>
  sql`select version, name, statements from supabase_migrations.schema_migrations order by version`
const migrationsOf = (project: TestProject) => readdir(project.at('supabase/migrations'))

/** Refused, with all of these in the words; nothing has changed in project and database. */
async function expectRefusal(
  project: TestProject,
  database: TestDatabase | null,
  ...words: string[]
) {
  const files = await project.files()
  const list = database && (await listOf(database))

  const { code, output } = await project.usher(
    ...['upgrade', '--yes', ...(database ? ['--db-url', database.url] : [])],
  )

  for (const word of words) expect(output).toContain(word)
  expect(code).toBe(1)
  expect(await project.files()).toEqual(files)
  if (database) expect(await listOf(database)).toEqual(list)
}

describe('usher upgrade, from before the first release', () => {
  test('brings files and database over; the Supabase CLI finds its list in order, and what waits goes on', async () => {
    const [project, database, fresh] = [
      await projectOfBefore(),
      await databaseOfBefore(),
      await createDatabase(),
    ]
    onTestFinished(() => fresh.drop())
    const { open } = await setScene(database.sql)

    const { code, output } = await project.usher('upgrade', '--yes', '--db-url', database.url)

    expect(output).toContain('The database has been brought over.')
    expect(code).toBe(0)
    expect(await migrationsOf(project)).toEqual([basename(BASELINE)])
    expect(await listOf(database)).toMatchObject([{ version: '20261121000001', name: 'usher' }])
    expect(await differences(database.url, fresh.url)).toEqual([])
    const list = await supabase(project.root, database.url, 'migration', 'list')
    expect(list.output).toMatch(/20261121000001\W+20261121000001/)
    expect(await supabase(project.root, database.url, 'db', 'push', '--yes')).toMatchObject({
      code: 0,
      output: expect.stringContaining('up to date'),
    })
    expect(
      await open.invitee.rpc('accept_organisation_invite', { token: open.token }),
    ).toMatchObject({ status: 'active' })
    expect(await project.usher('upgrade', '--yes', '--db-url', database.url)).toMatchObject({
      code: 0,
      output: expect.stringContaining('is the newest here'),
    })
  })

  test('notes the migration down as the Supabase CLI does', async () => {
    const [project, database, pushed] = [
      await projectOfBefore(),
      await databaseOfBefore(),
      await emptyDatabase(),
    ]

    await project.usher('upgrade', '--yes', '--db-url', database.url)
    const push = await supabase(project.root, pushed.url, 'db', 'push', '--yes')

    expect(push.code).toBe(0)
    expect(await listOf(database)).toEqual(await listOf(pushed))
    expect(await differences(database.url, pushed.url)).toEqual([])
  })

  test("leaves a project's own migrations where they are: before, between and after ours", async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    const own = {
      '20260101000000_first.sql': 'create table public.first (id int);',
      '20261121150000_between.sql':
        'create table public.between_ (organisation_id uuid references public.organisations);',
      '20990101000000_after.sql':
        'create table public.after_ (organisation_id uuid references public.organisations);',
    }
    for (const [file, text] of Object.entries(own)) {
      await project.write(`supabase/migrations/${file}`, text)
    }
    await applyMigrations(database.url, project.at('supabase/migrations'))

    const { output } = await project.usher('upgrade', '--yes', '--db-url', database.url)

    expect(output).toContain('--include-all')
    expect(await migrationsOf(project)).toEqual([...Object.keys(own), basename(BASELINE)].sort())
    expect((await listOf(database)).map(({ name }) => name)).toEqual([
      ...['first', 'usher', 'between', 'after'],
    ])
    expect(await supabase(project.root, database.url, 'db', 'push', '--yes')).toMatchObject({
      code: 0,
      output: expect.stringContaining('up to date'),
    })
    // A new database runs all of them from the beginning.
    const anew = await emptyDatabase()
    expect(await supabase(project.root, anew.url, 'db', 'push', '--yes')).toMatchObject({ code: 0 })
  })

  test('only shows it in a dry run', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    const [files, list] = [await project.files(), await listOf(database)]

    const { code, output } = await project.usher(
      ...['upgrade', '--dry-run', '--db-url', database.url],
    )

    expect(code).toBe(0)
    expect(output).toContain('Will do in the database:')
    expect(output).toContain(`notes ${basename(BASELINE)} in place of 20261121000000_trunk.sql`)
    expect(output).toContain(`+ ${BASELINE}`)
    for (const path of OLD) expect(output).toContain(`- ${path}`)
    expect(await project.files()).toEqual(files)
    expect(await listOf(database)).toEqual(list)
  })

  test('finishes where it was interrupted after the database, and brings a second database over', async () => {
    const [project, database, second] = [
      await projectOfBefore(),
      await databaseOfBefore(),
      await databaseOfBefore(),
    ]
    const upgrade = (url: string) => project.usher('upgrade', '--yes', '--db-url', url)
    const files = await project.files()
    await upgrade(database.url)
    // As it is when the files could not be written.
    for (const path of Object.keys(await project.files())) await rm(project.at(path))
    for (const [path, text] of Object.entries(files)) await project.write(path, text)

    expect(await upgrade(database.url)).toMatchObject({ code: 0 })
    expect(await migrationsOf(project)).toEqual([basename(BASELINE)])
    expect(await upgrade(second.url)).toMatchObject({
      code: 0,
      output: expect.stringContaining('The database has been brought over.'),
    })
    expect(await listOf(second)).toEqual(await listOf(database))
  })

  test('undoes all of it where the database does not take it', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    await database.sql.unsafe(
      'create view public.own as select * from usher.stuck; comment on view public.own is $$A view of theirs$$;',
    )

    await expectRefusal(project, database, 'The database is as it was', 'stuck')

    await database.sql.unsafe('drop view public.own')
    expect(await project.usher('upgrade', '--yes', '--db-url', database.url)).toMatchObject({
      code: 0,
    })
  })

  test('wants to know the database, or that there is none that has them', async () => {
    const project = await projectOfBefore()

    await expectRefusal(project, null, '--db-url', '--not-applied')

    expect(await project.usher('upgrade', '--yes', '--not-applied')).toMatchObject({ code: 0 })
    expect(await migrationsOf(project)).toEqual([basename(BASELINE)])
  })

  test('only exchanges the files where nothing has been applied yet', async () => {
    const [project, database] = [await projectOfBefore(), await emptyDatabase()]

    const { code, output } = await project.usher('upgrade', '--yes', '--db-url', database.url)

    expect(code).toBe(0)
    expect(output).toContain('supabase db push')
    expect(output).not.toContain('in the database')
    expect(await migrationsOf(project)).toEqual([basename(BASELINE)])
    expect(await supabase(project.root, database.url, 'db', 'push', '--yes')).toMatchObject({
      code: 0,
    })
  })

  test('refuses a text of these migrations that was changed', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    const path = OLD[1] ?? ''
    await project.write(path, `${await project.read(path)}\nselect 1;\n`)

    await expectRefusal(project, database, path, 'is not the one that was given out')
  })

  test('refuses a database that has only some of them', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    await database.sql`delete from supabase_migrations.schema_migrations where version = ${VERSIONS[2] ?? ''}`

    await expectRefusal(project, database, 'but not 20261121174022_the_outside.sql', 'db push')
  })

  test('refuses a database that does not say by what it was made', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    await database.sql`delete from supabase_migrations.schema_migrations`

    await expectRefusal(project, database, `--status applied ${VERSIONS.join(' ')}`)
  })

  test('refuses a database that notes both', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    await database.sql`insert into supabase_migrations.schema_migrations (version, name)
      values ('20261121000001', 'usher')`

    await expectRefusal(project, database, '--status reverted 20261121000001')
  })

  test('refuses what a version in the making has left, in the database and in the project', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]
    const path = BETWEEN[0] ?? ''
    await database.sql`insert into supabase_migrations.schema_migrations (version, name)
      values ('20261128170039', 'bulk_answers_whole')`
    await expectRefusal(project, database, basename(path), 'never released', 'supabase db reset')

    await database.sql`delete from supabase_migrations.schema_migrations where version = '20261128170039'`
    await project.write(path, 'select 1;')
    await expectRefusal(project, database, path, 'never released', 'npx usher init')
  })

  test('init says to upgrade, also where only the database has them', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]

    expect(await project.usher('init', '--yes')).toMatchObject({
      code: 1,
      output: expect.stringContaining('npx usher upgrade --db-url'),
    })
    const empty = await createProject(unpacked)
    onTestFinished(() => rm(empty.root, { recursive: true, force: true }))
    expect(await empty.usher('init', '--yes', '--db-url', database.url)).toMatchObject({
      code: 1,
      output: expect.stringContaining('back from version control'),
    })
  })

  test('doctor names it', async () => {
    const [project, database] = [await projectOfBefore(), await databaseOfBefore()]

    expect(await project.usher('doctor', '--db-url', database.url)).toMatchObject({
      code: 1,
      output: expect.stringContaining('npx usher upgrade --db-url'),
    })
  })

  test('the bridge of the package is the one of the repository', async () => {
    const project = await projectOfBefore()

    expect(await readFile(project.payload('bridge.sql'), 'utf8')).toBe(
      await readFile('supabase/bridge/bridge.sql', 'utf8'),
    )
  })
})
