#!/usr/bin/env node
/**
 * The command `usher`: puts Usher into a Supabase project, keeps it new, and looks whether all is well.
 *
 * @module
 */
import { defineCommand, runMain } from 'citty'
import manifest from '../package.json' with { type: 'json' }
import { doctor } from './doctor.ts'
import { init } from './init.ts'
import { upgrade } from './upgrade.ts'

const usher = defineCommand({
  meta: {
    name: 'usher',
    version: manifest.version,
    description: 'Organisations, members, roles and invitations for a Supabase project',
  },
  subCommands: { init, upgrade, doctor },
})

await runMain(usher)
