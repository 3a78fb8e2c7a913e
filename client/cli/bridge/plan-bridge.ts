/**
 * What a project needs that has the migrations of before the first release: one file in place of three, and a database
 * that is brought over.
 *
 * @module
 */
import { join } from 'node:path'
import { connect } from '../connect.ts'
import { readText } from '../project/files.ts'
import { isMigration, type Payload, versionOf } from '../project/payload.ts'
import { emptyPlan, type Plan } from '../project/plan.ts'
import { Refusal } from '../project/refusal.ts'
import { sha256 } from '../project/sha256.ts'
import type { State } from '../project/state.ts'
import { BETWEEN, REPLACED } from './migrations.ts'
import { baselineOf, namesOf, stageOf } from './stage.ts'

export interface PlanBridgeOptions {
  root: string
  payload: Payload
  state: State
  databaseUrl: string | undefined
  /** Whether no database has the migrations of before. */
  isNotApplied: boolean
}

/** Only reads. @returns the plan, and whether the database has to be brought over */
export async function planBridge(
  options: PlanBridgeOptions,
): Promise<{ plan: Plan; isCrossing: boolean }> {
  const { payload, databaseUrl, isNotApplied } = options
  const plan = await planExchange(options)
  if (!databaseUrl) {
    if (plan.changes.length > 0 && !isNotApplied) {
      plan.collisions.push({
        where: 'the database',
        why: `${namesOf([baselineOf(payload)])} takes the place of ${namesOf(Object.keys(REPLACED))}. Where those have been applied, the database has to be brought over at the same time: give --db-url, as its owner, or set SUPABASE_DB_URL. If no database that you want to keep has them, add --not-applied.`,
      })
    }
    return { plan, isCrossing: false }
  }
  const stage = await readStage(databaseUrl, payload)
  if (stage instanceof Refusal) {
    plan.collisions.push({ where: 'the database', why: stage.message })
    return { plan, isCrossing: false }
  }
  if (stage === 'unlisted' && plan.changes.length > 0) {
    plan.collisions.push({
      where: 'the database',
      why: `Usher is in it, and its list of migrations (supabase_migrations.schema_migrations) does not say by which. If they are those that the project has, run: supabase migration repair --status applied ${Object.keys(REPLACED).map(versionOf).join(' ')}`,
    })
  }
  if (stage !== 'before') return { plan, isCrossing: false }
  plan.database.push(
    'brings tables, functions and rights to this version; what is in the tables stays, waiting mails and open invites among it',
    `notes ${namesOf([baselineOf(payload)])} in place of ${namesOf(Object.keys(REPLACED))}`,
  )
  plan.notes.push(
    'The database is changed in one transaction, which waits for whoever writes and lets nobody read meanwhile: stop the worker, choose a quiet hour, have a backup.',
  )
  return { plan, isCrossing: true }
}

async function planExchange({ root, state }: PlanBridgeOptions): Promise<Plan> {
  const plan = emptyPlan()
  for (const [path, sum] of Object.entries(REPLACED)) {
    const text = await readText(join(root, path))
    if (text === null) continue
    if (sha256(text) === sum) {
      plan.changes.push({ path, content: null, does: 'removes' })
    } else {
      plan.collisions.push({
        where: path,
        why: 'Your text of this migration is not the one that was given out, so nobody can tell what your database has. Take that back, and put changes of yours into a migration of your own.',
      })
    }
  }
  for (const path of BETWEEN) {
    if (!state.files[path] && (await readText(join(root, path))) === null) continue
    plan.collisions.push({
      where: path,
      why: 'It is of a version that was never released, and nothing leads on from there. Take the project back from version control as it was before, or remove supabase/usher.json, supabase/usher/ and our migrations, run `npx usher init`, and make the database anew.',
    })
  }
  return plan
}

/** How far a database is, or why no bridge leads on from there. */
export async function readStage(databaseUrl: string, payload: Payload) {
  const sql = await connect(databaseUrl)
  try {
    return await stageOf(sql, payload)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  } finally {
    await sql.end()
  }
}

/** Whether a project has what the bridge leads on from. */
export const isBeforeBridge = (state: State) =>
  Object.keys(state.files).some((path) => isMigration(path) && path in REPLACED)
