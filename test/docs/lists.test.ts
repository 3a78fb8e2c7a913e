/** Tables of the documents that name all of something: nothing is missing, and nothing is there no more. */
import { globSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createUsher } from '../../client/index.ts'

const read = (path: string) => readFileSync(path, 'utf8')

/** The cells of the rows of one section, without its head. */
function rowsUnder(path: string, heading: string): string[][] {
  const [, section = ''] = read(path).split(`\n${heading}\n`)
  return (section.split(/\n#+ /)[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
}

const quoted = (text = '') => [...text.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)

describe('docs/install.md', () => {
  const install = 'docs/install.md'
  // The preview of mails is for whoever develops, and nothing that is deployed.
  const sources = globSync('functions/**/*.ts', { exclude: ['functions/emails/preview.ts'] }).map(
    read,
  )
  const named = rowsUnder(install, '### Variables').flatMap(([, names]) => quoted(names))

  test('names every variable that a function reads, or mail.md does', () => {
    const asked = [
      /\b((?:USHER|SUPABASE)_[A-Z_]+)\b/g,
      /\bread(?:<\w+>)?\(\s*'([A-Z_]+)'/g,
      /\bvariables\.([A-Z_]+)\b/g,
      /\bDeno\.env\.get\('([A-Z_]+)'\)/g,
    ].flatMap((pattern) =>
      sources.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)),
    )
    const known = [...named, ...quoted(read('docs/mail.md'))]

    expect(asked).toContain('SES_CONFIGURATION_SET')
    expect([...new Set(asked)].filter((name) => !known.includes(name))).toEqual([])
  })

  test('names no variable that nobody reads', () => {
    const text = sources.join('\n')

    expect(named).toContain('USHER_SCIM_URL')
    expect(named.filter((name) => !text.includes(name))).toEqual([])
  })

  test('has a cron job for each function that asks for the secret of the worker', () => {
    const called = globSync('functions/*/index.ts')
      .filter((path) => /workerSecret/.test(read(path)))
      .map((path) => basename(dirname(path)))
    const jobs = rowsUnder(install, '### Cron jobs').map(([, name]) => quoted(name)[0])

    expect(called).toContain('verify-domains')
    expect(jobs.sort()).toEqual(called.sort())
  })
})

describe('client/README.md', () => {
  const services = Object.entries(createUsher({} as never)).filter(
    ([, service]) => typeof service === 'object',
  )
  const rows = new Map(
    [...read('client/README.md').matchAll(/^\| `usher\.(\w+)` *\|(.*)\|$/gm)].map(
      ([, name = '', methods = '']) => [name, methods.split(/\W+/)],
    ),
  )

  test('has a row for each service, and for nothing else', () => {
    expect([...rows.keys()].sort()).toEqual(services.map(([name]) => name).sort())
  })

  test.for(services)('names each method of %s', ([name, service]) => {
    const missing = Object.keys(service).filter((method) => !rows.get(name)?.includes(method))

    expect(missing).toEqual([])
  })
})
