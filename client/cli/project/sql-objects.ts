/**
 * Which tables and functions a project's own migrations leave behind, read from their text: good enough to
 * warn before anything is written; a database that can be asked knows better (see database-collisions.ts).
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
    `alter\\s+(?:${RELATION})\\s+(?:if\\s+exists\\s+)?(?<renamed>${NAME})\\s+rename\\s+to\\s+(?<newName>${WORD})`,
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
  for (const text of migrations) {
    for (const { groups = {} } of withoutBodies(text).matchAll(STATEMENTS)) {
      const { relation, schema, name, dropped, dropRelation, dropSchema, renamed, newName } = groups
      if (name) {
        there.add(keyOf(schema ? 'schema' : relation ? 'relation' : 'function', name))
      } else if (dropped) {
        const kind = dropSchema ? 'schema' : dropRelation ? 'relation' : 'function'
        for (const each of namesIn(dropped)) there.delete(keyOf(kind, each))
      } else if (renamed && newName && there.delete(keyOf('relation', renamed))) {
        there.add(keyOf('relation', renamed.replace(new RegExp(`${WORD}$`, 'i'), newName)))
      }
    }
  }
  return there
}

/** Strings, comments and function bodies may hold any words; what they hold is not carried out here. */
function withoutBodies(sql: string): string {
  return sql.replace(
    /--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|'(?:[^']|'')*'/g,
    ' ',
  )
}

/** `a.x, "y" cascade` and `f(integer, text), g()`: parameters aside. */
function namesIn(list: string): string[] {
  return list
    .replace(/\([^)]*\)/g, '')
    .split(',')
    .flatMap((each) => each.match(new RegExp(`^\\s*${NAME}`, 'i'))?.[1] ?? [])
}

function keyOf(kind: ObjectKind, name: string): string {
  const words = (name.match(new RegExp(WORD, 'gi')) ?? []).map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase(),
  )
  if (kind === 'schema') return `schema ${words[0]}`
  return `${kind} ${words.length > 1 ? words.join('.') : `public.${words[0]}`}`
}
