/**
 * From a plan to what is done: shown, asked for, and only then written.
 *
 * @module
 */
import { applyChanges } from './apply.ts'
import { ask } from './ask.ts'
import type { Plan } from './plan.ts'
import { describePlan } from './print-plan.ts'
import { Refusal } from './refusal.ts'
import { STATE_FILE, type State, writtenState } from './state.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface CarryOutOptions {
  root: string
  plan: Plan
  /** What `supabase/usher.json` says afterwards. */
  state: State
  /** What it says now. */
  before: State | null
  isDryRun: boolean
  /** Does not ask. */
  isYes: boolean
  /** Does what the plan says of the database, all of it or nothing. */
  inDatabase?: () => Promise<void>
}

/**
 * @returns whether something was written, or all was there. Throws a refusal when something is in the way: then
 * nothing is written.
 */
export async function carryOut(
  options: CarryOutOptions,
): Promise<'written' | 'all there' | 'planned'> {
  const { root, plan, state, before, isDryRun, isYes, inDatabase } = options
  if (plan.collisions.length === 0 && JSON.stringify(state) !== JSON.stringify(before)) {
    plan.changes.push({
      path: STATE_FILE,
      content: writtenState(state),
      does: before ? 'replaces' : 'adds',
    })
  }
  console.log(describePlan(plan))

  if (plan.collisions.length > 0) {
    throw new Refusal('Nothing was written. Mend what is in the way, and run it again.')
  }
  if (plan.changes.length === 0 && plan.database.length === 0) return 'all there'
  if (isDryRun) {
    console.log('\nNothing was written: this was a dry run.')
    return 'planned'
  }
  if (!isYes && !process.stdin.isTTY) {
    console.log('\nNothing was written: nobody is at this terminal to ask. Add --yes to write it.')
    return 'planned'
  }
  if (!isYes && !(await ask('\nWrite this?'))) {
    console.log('Nothing was written.')
    return 'planned'
  }
  // First, because it can be told from the database that it is done: where the files fail, they follow the next time.
  if (plan.database.length > 0) await inDatabase?.()
  // A moment's wait at the keyboard is better than half a project.
  const wait = () => {}
  for (const signal of SIGNALS) process.on(signal, wait)
  await applyChanges(root, plan.changes)
  for (const signal of SIGNALS) process.off(signal, wait)
  return 'written'
}
