/** `npx usher upgrade` as it comes out of the tarball, from an older version. */
import { cp, readdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { changesSince } from '../../client/cli/project/changes-since.ts'
import { sha256 } from '../../client/cli/project/sha256.ts'
import type { State } from '../../client/cli/project/state.ts'
import { createProject, type TestProject, unpackedPackage } from '../support/package.ts'

const HANDLER = 'supabase/usher/functions/api/handler.ts'
const GONE = 'supabase/usher/functions/api/gone.ts'
const NEWEST = 'supabase/usher/functions/graphql/index.ts'

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

const readState = async () => JSON.parse(await project.read('supabase/usher.json')) as State

/**
 * The project as version 0.0.9 left it: without the newest migration and one function, with another text of
 * the API's handler, and with a file that there no longer is.
 */
async function installOlder() {
  await project.usher('init', '--yes')
  const state = await readState()
  const newest = (await readdir(project.at('supabase/migrations'))).sort().at(-1) ?? ''
  for (const path of [`supabase/migrations/${newest}`, NEWEST]) {
    await rm(project.at(path))
    delete state.files[path]
  }
  for (const path of [HANDLER, GONE]) {
    await project.write(path, '// of 0.0.9\n')
    state.files[path] = sha256('// of 0.0.9\n')
  }
  state.config['functions.api.verify_jwt'] = true
  const config = await project.read('supabase/config.toml')
  await project.write(
    'supabase/config.toml',
    config.replace(/(\[functions\.api\][^[]*verify_jwt = )false/, '$1true # of 0.0.9'),
  )
  await project.write('supabase/usher.json', JSON.stringify({ ...state, version: '0.0.9' }))
  return { newest: `supabase/migrations/${newest}` }
}

const brought = (path: string) =>
  cp(project.payload(path), project.at('expected'), { recursive: true }).then(() =>
    project.read('expected'),
  )

describe('usher upgrade', () => {
  test('brings newer migrations and functions, and takes away what is no longer there', async () => {
    const { newest } = await installOlder()

    const { code, output } = await project.usher('upgrade', '--yes')

    expect(code).toBe(0)
    expect(output).toContain('From 0.0.9 to ')
    expect(output).toContain(`+ ${newest}`)
    expect(output).toContain(`- ${GONE}`)
    expect(output).toContain('supabase db push')
    expect(await project.read(HANDLER)).toBe(await brought(HANDLER))
    expect(Object.keys(await project.files())).not.toContain(GONE)
    expect((await readState()).version).not.toBe('0.0.9')
    expect(await project.usher('upgrade')).toMatchObject({
      output: expect.stringContaining('is the newest here'),
    })
  })

  test('sets a value of config.toml that was ours, and keeps the comment beside it', async () => {
    await installOlder()

    await project.usher('upgrade', '--yes')

    expect(await project.read('supabase/config.toml')).toContain('verify_jwt = false # of 0.0.9')
  })

  test('keeps a file and a value that they changed, names them, and says what to do', async () => {
    await installOlder()
    await project.write(HANDLER, '// mine')
    const config = await project.read('supabase/config.toml')
    await project.write(
      'supabase/config.toml',
      config.replace(/(\[functions\.graphql\][^[]*)enabled = true/, '$1enabled = false'),
    )

    const { code, output } = await project.usher('upgrade', '--yes')

    expect(code).toBe(0)
    expect(output).toContain(`${HANDLER}: You changed it, and this version has a newer one`)
    expect(output).toContain('--force')
    expect(output).toContain('functions.graphql.enabled: You have set it to false')
    expect(await project.read(HANDLER)).toBe('// mine')
    expect(await project.read(NEWEST)).toBe(await brought(NEWEST))
  })

  test('--force takes ours, and keeps theirs beside it, every time', async () => {
    await installOlder()
    for (const text of ['// mine', '// mine again']) {
      await project.write(HANDLER, text)
      await project.usher('upgrade', '--force', '--yes')
    }

    expect(await project.read(HANDLER)).toBe(await brought(HANDLER))
    expect(await project.read(`${HANDLER}.bak`)).toBe('// mine')
    expect(await project.read(`${HANDLER}.bak-2`)).toBe('// mine again')
  })

  test('line ends that git changed are no change', async () => {
    await project.usher('init', '--yes')
    await project.write(HANDLER, (await project.read(HANDLER)).replaceAll('\n', '\r\n'))

    expect(await project.usher('upgrade')).toMatchObject({
      output: expect.stringContaining('is the newest here'),
    })
  })

  test('refuses to change a migration, which may have run', async () => {
    const { newest } = await installOlder()
    await project.write(newest, 'select 1;')
    const before = await project.files()

    const { code, output } = await project.usher('upgrade', '--force', '--yes')

    expect(code).toBe(1)
    expect(output).toContain(`${newest}\n    Your text of this migration is not the released one`)
    expect(await project.files()).toEqual(before)
  })

  test.for([
    ['where Usher is not yet', null, 'npx usher init'],
    ['to go back to an older version', '{"version": "99.0.0", "files": {}, "config": {}}', 'older'],
    ['when it cannot tell what was brought', 'not JSON', 'version control'],
  ] as const)('refuses %s', async ([, state, word]) => {
    if (state) await project.write('supabase/usher.json', state)

    const { code, output } = await project.usher('upgrade', '--yes')

    expect(code).toBe(1)
    expect(output).toContain(word)
  })

  test('init of another version says to upgrade', async () => {
    await installOlder()

    expect(await project.usher('init', '--yes')).toMatchObject({
      code: 1,
      output: expect.stringContaining('npx usher upgrade'),
    })
  })
})

describe('what is new', () => {
  const changelog =
    '# Changes\n\n## Unreleased\n\n- d\n\n## 0.2.0\n\n- c\n\n## 0.1.0\n\n- b\n\n## 0.0.9\n\n- a\n'

  test.for([
    ['0.1.0', '## Unreleased\n\n- d\n\n## 0.2.0\n\n- c'],
    ['0.2.0', '## Unreleased\n\n- d'],
    ['0.0.1', changelog.slice('# Changes\n\n'.length).trim()],
  ])('since %s is what stands above it in the changelog', ([version = '', news]) => {
    expect(changesSince(changelog, version)).toBe(news)
  })
})
