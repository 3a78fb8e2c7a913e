/**
 * Tables and functions of the project that are called as ours are: the first of our migrations would fail on
 * them, or worse, replace them.
 *
 * @module
 */
import { join } from 'node:path'
import { readNames, readText } from './files.ts'
import { OUR_OBJECTS } from './our-objects.ts'
import type { Payload } from './payload.ts'
import { emptyPlan, type Plan } from './plan.ts'
import { objectsAfter } from './sql-objects.ts'

/** Reads the project's own migrations. */
export async function planNames(root: string, { files }: Payload): Promise<Plan> {
  const folder = 'supabase/migrations'
  const own = (await readNames(join(root, folder)))
    .filter((file) => file.endsWith('.sql') && !files.has(`${folder}/${file}`))
    .sort()
  const texts = await Promise.all(own.map((file) => readText(join(root, folder, file))))
  const there = objectsAfter(texts.map((text) => text ?? ''))

  const plan = emptyPlan()
  for (const object of ['schema usher', ...OUR_OBJECTS].filter((each) => there.has(each))) {
    plan.collisions.push({
      where: object.replace('relation', 'table'),
      why: `Your migrations make it${object.startsWith('schema') ? '' : ', and so do ours'}. Rename yours (alter … rename to …) in a migration before ours.`,
    })
  }
  return plan
}
