/**
 * What comes into config.toml: whole sections at its end, single keys where a section is there. Nothing else
 * in it moves, comments and blank lines included.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { parse, patch } from '@decimalturn/toml-patch'
import { readBlocks } from './config-blocks.ts'
import { CONFIG_FILE, type Project } from './find-project.ts'
import type { Payload } from './payload.ts'
import { emptyPlan, type Plan } from './plan.ts'
import type { State } from './state.ts'

type Table = { [key: string]: unknown }

/** Supabase has one place for each, and many projects have taken it. Where to read what to do then. */
const OPTIONAL: Record<string, string> = {
  'auth.hook.send_email': 'docs/mail.md',
  'auth.hook.custom_access_token': 'docs/install.md, "Tokens of sessions"',
}

/** @returns the plan, and the values to note down as brought */
export function planConfig({ config }: Project, payload: Payload, state: State | null) {
  const plan = emptyPlan()
  const brought: State['config'] = {}
  const theirs = readToml(config)
  if (typeof theirs === 'string') {
    plan.collisions.push({ where: CONFIG_FILE, why: `It cannot be read: ${theirs}` })
    return { plan, brought }
  }
  refuseExposure(plan, theirs)

  const ours = parse(payload.config) as Table
  const wanted = structuredClone(theirs)
  const appended: string[] = []
  const withKeys = structuredClone(theirs)
  for (const { path, text } of readBlocks(payload.config)) {
    const section = tableAt(ours, path) ?? {}
    const name = path.join('.')
    if (tableAt(theirs, path) === undefined) {
      appended.push(text)
      put(wanted, path, section)
      noteDown(brought, name, section)
    } else if (OPTIONAL[name] && !hasBrought(state, name)) {
      plan.kept.push({
        path: `${CONFIG_FILE} [${name}]`,
        why: `Yours stays: see ${OPTIONAL[name]}.`,
      })
    } else {
      planKeys(plan, {
        name,
        section,
        theirs: tableAt(theirs, path) ?? {},
        state,
        brought,
      }).forEach(([key, value]) => {
        put(wanted, [...path, key], value)
        put(withKeys, [...path, key], value)
      })
    }
  }
  if (plan.collisions.length > 0 || isSame(wanted, theirs)) {
    if (plan.collisions.length === 0) plan.present.push(`${CONFIG_FILE}: its sections`)
    return { plan, brought }
  }

  const content = write(config, withKeys, theirs, appended)
  if (!isSame(readToml(content), wanted)) {
    plan.collisions.push({
      where: CONFIG_FILE,
      why: 'Its sections are written in a way that cannot be extended safely, such as inline tables. Write them as [sections].',
    })
  } else {
    plan.changes.push({ path: CONFIG_FILE, content, does: 'extends' })
  }
  return { plan, brought }
}

/** The keys of a section that is there: which to set. */
function planKeys(
  plan: Plan,
  options: {
    name: string
    section: Table
    theirs: Table
    state: State | null
    brought: State['config']
  },
): [string, unknown][] {
  const { name, section, theirs, state, brought } = options
  return Object.entries(section).filter(([key, value]) => {
    const path = `${name}.${key}`
    const current = theirs[key]
    const known = state?.config[path]
    brought[path] = value
    if (isSame(current, value)) return false
    if (current === undefined || isSame(current, known)) return true
    if (known !== undefined) {
      plan.kept.push({
        path: `${CONFIG_FILE} ${path}`,
        why: `You have set it to ${JSON.stringify(current)}.`,
      })
    } else {
      plan.collisions.push({
        where: `${CONFIG_FILE} ${path}`,
        why: `It is ${JSON.stringify(current)}; Usher needs ${JSON.stringify(value)}. A project has one of it: move what is yours, or take it out.`,
      })
    }
    return false
  })
}

/** With `usher` exposed, the rules behind the functions of `public` could be called from outside. */
function refuseExposure(plan: Plan, theirs: Table): void {
  const schemas = tableAt(theirs, ['api'])?.schemas
  if (Array.isArray(schemas) && schemas.includes('usher')) {
    plan.collisions.push({
      where: `${CONFIG_FILE} api.schemas`,
      why: 'It lists usher, which is not for the API. Take it out.',
    })
  }
}

/** Keys first, by patching, then whole sections, which keep their comments. */
function write(config: string, withKeys: Table, theirs: Table, appended: string[]): string {
  const patched = isSame(withKeys, theirs) ? config : patch(config, withKeys)
  if (appended.length === 0) return patched
  const end = patched.endsWith('\n') || patched === '' ? '' : '\n'
  return `${patched}${end}\n${appended.join('\n\n')}\n`
}

function readToml(text: string): Table | string {
  try {
    return parse(text) as Table
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** By what they say: tables read from a file and those that were put together are not of one make. */
function isSame(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) =>
    JSON.parse(
      JSON.stringify(value ?? null, (_, each) => (typeof each === 'bigint' ? `${each}` : each)),
    )
  return isDeepStrictEqual(plain(one), plain(other))
}

function tableAt(table: Table, path: string[]): Table | undefined {
  return path.reduce<unknown>((at, key) => (at as Table | undefined)?.[key], table) as
    | Table
    | undefined
}

function put(table: Table, path: string[], value: unknown): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    table[key] = value
    return
  }
  table[key] ??= {}
  put(table[key] as Table, rest, value)
}

function noteDown(brought: State['config'], name: string, section: Table): void {
  for (const [key, value] of Object.entries(section)) brought[`${name}.${key}`] = value
}

const hasBrought = (state: State | null, name: string) =>
  Object.keys(state?.config ?? {}).some((path) => path.startsWith(`${name}.`))
