/**
 * `usher upgrade`: brings what is newer, and leaves alone what the project's people changed.
 *
 * @module
 */
import { defineCommand } from 'citty'
import { databaseUrlOf, WRITING_ARGUMENTS } from './arguments.ts'
import { crossBridge } from './bridge/cross-bridge.ts'
import { planBridge } from './bridge/plan-bridge.ts'
import { carryOut } from './project/carry-out.ts'
import { changesSince } from './project/changes-since.ts'
import { findProject } from './project/find-project.ts'
import { isMigration, readPayload } from './project/payload.ts'
import { joinPlans } from './project/plan.ts'
import { planProject } from './project/plan-project.ts'
import { Refusal } from './project/refusal.ts'
import { readState } from './project/state.ts'
import { refusing } from './refusing.ts'

export const upgrade = defineCommand({
  meta: {
    name: 'upgrade',
    description:
      'Brings newer migrations and functions. Files that you changed stay as they are, and are named.',
  },
  args: {
    ...WRITING_ARGUMENTS,
    'db-url': {
      ...WRITING_ARGUMENTS['db-url'],
      description:
        'Brings this database over if it has the migrations of before the first release, and otherwise only looks at it. Default: $SUPABASE_DB_URL',
    },
    'not-applied': {
      type: 'boolean',
      description:
        'No database has the migrations of before the first release: exchanges the files alone',
      default: false,
    },
    force: {
      type: 'boolean',
      description: 'Takes the new text of files that you changed, too; yours is kept as .bak',
      default: false,
    },
  },
  run: ({ args }) =>
    refusing(async () => {
      const project = await findProject(args.workdir)
      const payload = await readPayload()
      const before = await readState(project.root)
      if (!before) throw new Refusal('Usher is not in this project yet. Run: npx usher init')
      if (isOlder(payload.version, before.version)) {
        throw new Refusal(
          `Usher ${before.version} is in this project, and this is the older ${payload.version}. Run: npx usher@latest upgrade`,
        )
      }
      const databaseUrl = databaseUrlOf(args)
      const bridge = await planBridge({
        root: project.root,
        payload,
        state: before,
        databaseUrl,
        isNotApplied: args['not-applied'],
      })
      const { plan: rest, state } = await planProject({
        project,
        payload,
        before,
        databaseUrl,
        force: args.force,
      })
      const plan = joinPlans([bridge.plan, rest])
      if (before.version !== payload.version) {
        const news = changesSince(payload.changelog, before.version)
        console.log(`From ${before.version} to ${payload.version}\n\n${news}\n`)
      }
      const hasMigrations = plan.changes.some(
        ({ path, does }) => isMigration(path) && does === 'adds',
      )
      const outcome = await carryOut({
        root: project.root,
        plan,
        state,
        before,
        isDryRun: args['dry-run'],
        isYes: args.yes,
        inDatabase: async () => {
          for (const warning of await crossBridge(databaseUrl ?? '', payload))
            console.log(`\n${warning}`)
          console.log('\nThe database has been brought over.')
        },
      })
      if (outcome === 'all there') {
        console.log(`\nUsher ${payload.version} is the newest here. Nothing was written.`)
      }
      if (outcome === 'written') {
        const push = hasMigrations && !bridge.isCrossing ? 'supabase db push, then ' : ''
        console.log(
          `\nUsher ${payload.version} is in your project. Next: ${push}supabase functions deploy, and npx usher doctor.`,
        )
      }
    }),
})

/** Whether the numbers of one version come before those of another; what follows a hyphen does not count. */
function isOlder(one: string, other: string): boolean {
  const numbers = (version: string) => (version.split('-')[0] ?? '').split('.').map(Number)
  const [a, b] = [numbers(one), numbers(other)]
  const differing = a.findIndex((number, i) => number !== b[i])
  return differing !== -1 && (a[differing] ?? 0) < (b[differing] ?? 0)
}
