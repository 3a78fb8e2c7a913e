/**
 * `npm run reset`: deletes all data of the local stack.
 *
 * @module
 */
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { holderOf, stopOrphans } from './data-folder.ts'
import { end, Problem } from './problem.ts'
import { readSettings } from './settings.ts'

try {
  const { dataFolder } = readSettings(process.env)
  const holder = await holderOf(dataFolder)
  if (holder) {
    throw new Problem(
      `The stack is running in ${dataFolder} (process ${holder}); stop it first, then reset.`,
    )
  }
  // USHER_DATA may be mistyped, and what is deleted is gone.
  if (existsSync(dataFolder) && !existsSync(join(dataFolder, 'secrets.json'))) {
    throw new Problem(`${dataFolder} is not the data folder of a stack; nothing was deleted.`)
  }
  await stopOrphans(dataFolder)
  await rm(dataFolder, { recursive: true, force: true })
  console.log(`All data in ${dataFolder} is deleted. The next npm start begins anew.`)
} catch (error) {
  end(error)
}
