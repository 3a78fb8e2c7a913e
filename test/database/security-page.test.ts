/** What docs/security.md names is there, so that the page cannot tell of a defence that is gone. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const PAGE = readFileSync('docs/security.md', 'utf8')
const THREATS = (PAGE.split('## Threats')[1]?.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat'))
  .map((line) => line.split('|').map((cell) => cell.trim()))

describe('docs/security.md', () => {
  test('names files that are there', () => {
    const files = [...PAGE.matchAll(/`((?:sql|functions|test|client|docs)\/[\w./-]+\.\w+)`/g)].map(
      ([, file]) => file as string,
    )
    expect(files.length).toBeGreaterThan(20)
    expect(files.filter((file) => !existsSync(file))).toEqual([])
  })

  test('names, for every threat, where the defence is and which test shows it', () => {
    expect(THREATS.length).toBeGreaterThan(15)
    for (const [, threat, , , where, shownBy] of THREATS) {
      expect(where, threat).toMatch(/`(sql|functions|client)\//)
      expect(shownBy, threat).toMatch(/`test\//)
    }
  })

  test('names functions and tables where they are', () => {
    const places = [...PAGE.matchAll(/`usher\.(\w+)` in `(sql\/\w+\/\w+\.sql)`/g)]
    expect(places.length).toBeGreaterThan(10)
    const missing = places.filter(
      ([, name = '', file = '']) =>
        !new RegExp(`create (function|table|view) usher\\.${name}\\b`).test(
          readFileSync(file, 'utf8'),
        ),
    )
    expect(missing.map(([place]) => place)).toEqual([])
  })

  test('names tests by titles that they have', () => {
    const titles = [...PAGE.matchAll(/`(test\/[\w./-]+)`: "([^"]+)"/g)]
    expect(titles.length).toBeGreaterThan(10)
    const missing = titles.filter(([, file = '', title = '']) => {
      const text = readFileSync(file, 'utf8')
      return !text.includes(`'${title}'`) && !text.includes(`"${title}"`)
    })
    expect(missing.map(([place]) => place)).toEqual([])
  })
})
