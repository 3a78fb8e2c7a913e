/**
 * Which files come into a project, which stay, and which stand in the way.
 *
 * @module
 */
import { join } from 'node:path'
import { REPLACED } from '../bridge/migrations.ts'
import { kindOf, readNames, readText } from './files.ts'
import { functionNames, isMigration, type Payload, versionOf } from './payload.ts'
import { emptyPlan, type Plan } from './plan.ts'
import { sha256 } from './sha256.ts'
import type { State } from './state.ts'

export interface PlanFilesOptions {
  root: string
  payload: Payload
  /** What was brought before; null: nothing. */
  state: State | null
  /** Takes our text also where its people changed it, and keeps theirs beside it as `.bak`. */
  force?: boolean
}

export async function planFiles(options: PlanFilesOptions): Promise<Plan> {
  const plan = emptyPlan()
  for (const [path, content] of options.payload.files) {
    await planFile(plan, options, path, content)
  }
  await planRemovals(plan, options)
  await refuseSameVersions(plan, options)
  await refuseSameFunctions(plan, options)
  return plan
}

async function planFile(
  plan: Plan,
  { root, state, force }: PlanFilesOptions,
  path: string,
  content: string,
): Promise<void> {
  if ((await kindOf(join(root, path))) === 'folder') {
    plan.collisions.push({ where: path, why: 'This is a folder; Usher has a file there.' })
    return
  }
  const theirs = await readText(join(root, path))
  const brought = state?.files[path]
  if (theirs === null) {
    plan.changes.push({ path, content, does: 'adds' })
  } else if (sha256(theirs) === sha256(content)) {
    plan.present.push(path)
  } else if (isMigration(path)) {
    plan.collisions.push({
      where: path,
      why: 'Your text of this migration is not the released one. It may have run already, so it is not changed: take back the released text, and put changes of yours into a migration of your own.',
    })
  } else if (!brought) {
    plan.collisions.push({
      where: path,
      why: 'A file of yours has this name, with another text. Move it, or remove it if it is an earlier copy of Usher.',
    })
  } else if (sha256(theirs) === brought) {
    plan.changes.push({ path, content, does: 'replaces' })
  } else if (force) {
    plan.changes.push({ path: await freeName(root, `${path}.bak`), content: theirs, does: 'adds' })
    plan.changes.push({ path, content, does: 'replaces' })
  } else {
    const isNewer = sha256(content) !== brought
    plan.kept.push({
      path,
      why: isNewer
        ? `You changed it, and this version has a newer one: compare with node_modules/usher/dist/project/${path}, or take that by --force, which keeps yours as .bak.`
        : 'You changed it.',
    })
  }
}

/** What was kept by an earlier `--force` is not written over. */
async function freeName(root: string, path: string, n = 1): Promise<string> {
  const name = n === 1 ? path : `${path}-${n}`
  return (await kindOf(join(root, name))) ? freeName(root, path, n + 1) : name
}

/** What an earlier version brought and this one no longer has. Migrations stay, but for those of plan-bridge.ts. */
async function planRemovals(plan: Plan, { root, payload, state }: PlanFilesOptions): Promise<void> {
  for (const [path, brought] of Object.entries(state?.files ?? {})) {
    if (payload.files.has(path) || isMigration(path)) continue
    const theirs = await readText(join(root, path))
    if (theirs === null) continue
    if (sha256(theirs) === brought) plan.changes.push({ path, content: null, does: 'removes' })
    else plan.kept.push({ path, why: 'Usher no longer has it; you changed it, so it stays.' })
  }
}

/** Of this version, or of before: see plan-bridge.ts. */
export const isOurs = (path: string, { files }: Payload) => files.has(path) || path in REPLACED

async function refuseSameVersions(plan: Plan, { root, payload }: PlanFilesOptions): Promise<void> {
  const ours = [...payload.files.keys()].filter(isMigration)
  const first = ours.map(versionOf).sort()[0] ?? ''
  const theirs = (await readNames(join(root, 'supabase/migrations'))).filter(
    (file) => versionOf(file) && !isOurs(`supabase/migrations/${file}`, payload),
  )
  for (const file of theirs) {
    const same = ours.find((path) => versionOf(path) === versionOf(file))
    if (!same) continue
    plan.collisions.push({
      where: `supabase/migrations/${file}`,
      why: `It has the version of ${same.split('/').at(-1)}, and Supabase applies one of each. Give yours another one, if it has not been applied anywhere.`,
    })
  }
  if (theirs.some((file) => (versionOf(file) ?? '') > first)) {
    plan.notes.push(
      'Migrations of yours are newer than some of ours: where yours have been applied, push with `supabase db push --include-all`.',
    )
  }
}

async function refuseSameFunctions(plan: Plan, { root, payload }: PlanFilesOptions): Promise<void> {
  const theirs = new Set(await readNames(join(root, 'supabase/functions')))
  for (const name of functionNames(payload).filter((name) => theirs.has(name))) {
    plan.collisions.push({
      where: `supabase/functions/${name}`,
      why: `Usher has an edge function called ${name}, and a project has one of each name. Rename yours.`,
    })
  }
}
