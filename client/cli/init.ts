/**
 * `usher init`: puts Usher into a Supabase project, beside what is there.
 *
 * @module
 */
import { defineCommand } from 'citty'
import { databaseUrlOf, WRITING_ARGUMENTS } from './arguments.ts'
import { isBeforeBridge, readStage } from './bridge/plan-bridge.ts'
import { nextSteps } from './next-steps.ts'
import { carryOut } from './project/carry-out.ts'
import { findProject } from './project/find-project.ts'
import { readPayload } from './project/payload.ts'
import { planProject } from './project/plan-project.ts'
import { Refusal } from './project/refusal.ts'
import { readState } from './project/state.ts'
import { refusing } from './refusing.ts'

export const init = defineCommand({
  meta: {
    name: 'init',
    description:
      'Adds migrations, edge functions and their sections of config.toml to a Supabase project. Says first what it will do; writes nothing when something is in the way.',
  },
  args: WRITING_ARGUMENTS,
  run: ({ args }) =>
    refusing(async () => {
      const project = await findProject(args.workdir)
      const payload = await readPayload()
      const before = await readState(project.root)
      if (before && before.version !== payload.version) {
        throw new Refusal(
          `Usher ${before.version} is in this project, and this is ${payload.version}. Run: npx usher upgrade`,
        )
      }
      if (before && isBeforeBridge(before)) {
        throw new Refusal(
          'The migrations of before the first release are in this project. Run: npx usher upgrade --db-url postgres://…',
        )
      }
      const databaseUrl = databaseUrlOf(args)
      const { plan, state } = await planProject({ project, payload, before, databaseUrl })
      const stage = databaseUrl && !before && (await readStage(databaseUrl, payload))
      if (stage === 'before' || stage instanceof Refusal) {
        plan.collisions.push({
          where: 'the database',
          why:
            stage === 'before'
              ? 'It has the migrations of before the first release, and this project has not. Take supabase/usher.json and what belongs to it back from version control, then run: npx usher upgrade'
              : stage.message,
        })
      }
      if (!before && !databaseUrl) {
        plan.notes.push(
          'Your migrations were looked at, the database itself was not: give --db-url to have it asked, too.',
        )
      }
      const outcome = await carryOut({
        root: project.root,
        plan,
        state,
        before,
        isDryRun: args['dry-run'],
        isYes: args.yes,
      })
      if (outcome === 'written') console.log(nextSteps(payload))
      if (outcome === 'all there') {
        console.log(`\nUsher ${payload.version} is all there. Nothing was written.`)
      }
    }),
})
