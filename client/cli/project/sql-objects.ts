/**
 * Which tables and functions a project's own migrations leave behind, read from their text: good enough to
 * warn before anything is written; a database that can be asked knows better (see plan-database.ts).
 *
 * @module
 */

export type ObjectKind = 'relation' | 'function' | 'schema'

const WORD = '(?:"(?:[^"]|"")+"|[a-z_][\\w$]*)'
const NAME = `(${WORD}(?:\\s*\\.\\s*${WORD})?)`
const RELATION = '(?:table|view|materialized\\s+view|foreign\\s+table|sequence|type|domain)'
const FUNCTION = '(?:function|procedure|aggregate)'
const STATEMENTS = new RegExp(
  [
    `create\\s+(?:or\\s+replace\\s+)?(?:unlogged\\s+|recursive\\s+)?(?:(?<relation>${RELATION})|(?<function>${FUNCTION})|(?<schema>schema))\\s+(?:if\\s+not\\s+exists\\s+)?(?<name>${NAME})`,
    `drop\\s+(?:(?<dropRelation>${RELATION})|(?<dropFunction>${FUNCTION})|(?<dropSchema>schema))\\s+(?:if\\s+exists\\s+)?(?<dropped>[^;]+)`,
    `alter\\s+(?:(?<alterRelation>${RELATION})|(?<alterFunction>${FUNCTION})|schema)\\s+(?:if\\s+exists\\s+)?(?<altered>${NAME})(?:\\s*\\([^)]*\\))?\\s+(?:rename\\s+to\\s+(?<newName>${WORD})|set\\s+schema\\s+(?<newSchema>${WORD}))`,
  ].join('|'),
  'gi',
)

/**
 * Plays through migrations in their order.
 *
 * @returns what is there after them, as `relation public.orders`
 */
export function objectsAfter(migrations: string[]): Set<string> {
  const there = new Set<string>()
  for (const { made, gone } of migrations.flatMap(readSteps)) {
    // What is renamed may have been made elsewhere, or not be there: then nothing takes the new name.
    if (made && gone.length > 0 && !gone.some((each) => there.has(each))) continue
    for (const each of gone) there.delete(each)
    if (made) there.add(made)
  }
  return there
}

/** @returns all that migrations make at any time, whatever becomes of it */
export function objectsMade(migrations: string[]): Set<string> {
  return new Set(migrations.flatMap(readSteps).flatMap(({ made }) => made ?? []))
}

interface Step {
  made: string | null
  gone: string[]
}

function readSteps(sql: string): Step[] {
  return [...withoutBodies(sql).matchAll(STATEMENTS)].map(({ groups = {} }) => {
    if (groups.name) {
      const kind = groups.schema ? 'schema' : groups.relation ? 'relation' : 'function'
      return { made: keyOf(kind, groups.name), gone: [] }
    }
    if (groups.dropped) {
      const kind = groups.dropSchema ? 'schema' : groups.dropRelation ? 'relation' : 'function'
      return { made: null, gone: namesIn(groups.dropped).map((name) => keyOf(kind, name)) }
    }
    const { altered = '', newName, newSchema, alterRelation, alterFunction } = groups
    const kind = alterRelation ? 'relation' : alterFunction ? 'function' : 'schema'
    const [name = '', schema = 'public'] = wordsOf(altered).reverse()
    const now = newName ? `${quoted(schema)}.${newName}` : `${newSchema}.${quoted(name)}`
    return {
      made: kind === 'schema' ? keyOf(kind, newName ?? '') : keyOf(kind, now),
      gone: [keyOf(kind, altered)],
    }
  })
}

/** Strings, comments and function bodies may hold any words; what they hold is not carried out here. */
function withoutBodies(sql: string): string {
  return sql.replace(BODIES, (text) => (text.startsWith('"') ? text : ' '))
}

const BODIES = new RegExp(
  [
    '"(?:[^"]|"")*"',
    '--[^\\n]*',
    '/\\*[\\s\\S]*?\\*/',
    '\\$([A-Za-z_]\\w*)?\\$[\\s\\S]*?\\$\\1\\$',
    "\\be'(?:[^'\\\\]|\\\\[\\s\\S]|'')*'",
    "'(?:[^']|'')*'",
  ].join('|'),
  'gi',
)

/** `a.x, "y" cascade` and `f(integer, text), g()`: parameters aside. */
function namesIn(list: string): string[] {
  return list
    .replace(/\([^)]*\)/g, '')
    .split(',')
    .flatMap((each) => each.match(new RegExp(`^\\s*${NAME}`, 'i'))?.[1] ?? [])
}

function keyOf(kind: ObjectKind, name: string): string {
  const words = wordsOf(name)
  if (kind === 'schema') return `schema ${words[0]}`
  return `${kind} ${words.length > 1 ? words.join('.') : `public.${words[0]}`}`
}

function wordsOf(name: string): string[] {
  return (name.match(new RegExp(WORD, 'gi')) ?? []).map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase(),
  )
}

const quoted = (word: string) => `"${word.replaceAll('"', '""')}"`
