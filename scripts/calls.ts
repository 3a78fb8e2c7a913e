/**
 * Prints what a reader opens to believe a function: each function that it reaches, triggers included, by file.
 *
 *   npm run calls -- public.accept_organisation_invite
 *
 * @module
 */
import { chainOf, readSql } from './sql-calls.ts'

const start = process.argv[2] ?? ''
const subjects = await readSql()
if (subjects.get(start)?.kind !== 'function') {
  console.error(
    `There is no function ${start || 'without a name'} in sql/. For instance: npm run calls -- public.accept_organisation_invite`,
  )
  process.exit(1)
}
const functions = chainOf(subjects, start).filter(({ kind }) => kind === 'function')
const files = Map.groupBy(functions, ({ file }) => file ?? '')
for (const [file, made] of [...files].sort(([one], [other]) => one.localeCompare(other))) {
  console.log(`${file}\n${made.map(({ name }) => `  ${name}`).join('\n')}`)
}
console.log(`${functions.length} functions in ${files.size} files`)
