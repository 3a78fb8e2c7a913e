/**
 * Tables and functions of the project that are called as ours are: the first of our migrations would fail on
 * them, or worse, replace them.
 *
 * @module
 */
import { join } from 'node:path'
import { readNames, readText } from './files.ts'
import { OUR_OBJECTS } from './our-objects.ts'
import { isMigration, type Payload, versionOf } from './payload.ts'
import { emptyPlan, type Plan } from './plan.ts'
import { isOurs } from './plan-files.ts'
import { objectsAfter, objectsMade } from './sql-objects.ts'

/** Reads the project's own migrations. */
export async function planNames(root: string, payload: Payload): Promise<Plan> {
  const folder = 'supabase/migrations'
  const own = (await readNames(join(root, folder)))
    .filter((file) => versionOf(file) && !isOurs(`${folder}/${file}`, payload))
    .sort()
  const first = [...payload.files.keys()].filter(isMigration).map(versionOf).sort()[0] ?? ''
  const read = (names: string[]) =>
    Promise.all(names.map(async (name) => (await readText(join(root, folder, name))) ?? ''))
  const isEarlier = (file: string) => (versionOf(file) ?? '') < first
  // What is renamed only after ours is in their way; what is made after ours finds the name taken.
  const there = new Set([
    ...objectsAfter(await read(own.filter(isEarlier))),
    ...objectsMade(await read(own.filter((file) => !isEarlier(file)))),
  ])

  const plan = emptyPlan()
  for (const object of ['schema usher', ...OUR_OBJECTS].filter((each) => there.has(each))) {
    plan.collisions.push({
      where: object.replace('relation', 'table'),
      why: `Your migrations make it${object.startsWith('schema') ? '' : ', and so do ours'}. Rename yours (alter … rename to …) in a migration with a version before ${first}.`,
    })
  }
  return plan
}
