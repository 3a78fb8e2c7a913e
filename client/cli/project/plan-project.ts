/**
 * The whole plan of a project, and what is noted down once it is carried out.
 *
 * @module
 */
import type { Project } from './find-project.ts'
import type { Payload } from './payload.ts'
import { joinPlans, type Plan } from './plan.ts'
import { planConfig } from './plan-config.ts'
import { planDatabase } from './plan-database.ts'
import { planFiles } from './plan-files.ts'
import { planNames } from './plan-names.ts'
import { sha256 } from './sha256.ts'
import type { State } from './state.ts'

export interface PlanOptions {
  project: Project
  payload: Payload
  before: State | null
  /** Where the database may be asked. */
  databaseUrl?: string | undefined
  force?: boolean
}

export async function planProject(options: PlanOptions): Promise<{ plan: Plan; state: State }> {
  const { project, payload, before, databaseUrl, force = false } = options
  const config = planConfig(project, payload, before)
  const plan = joinPlans([
    await planFiles({ root: project.root, payload, state: before, force }),
    config.plan,
    await planNames(project.root, payload),
    ...(databaseUrl ? [await planDatabase(databaseUrl, payload)] : []),
  ])
  const state: State = {
    version: payload.version,
    files: Object.fromEntries(
      [...payload.files].map(([path, content]) => [path, sha256(content)] as const),
    ),
    config: config.brought,
  }
  return { plan, state }
}
