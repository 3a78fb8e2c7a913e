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
const files = new Set(functions.map(({ file }) => file))
for (const file of [...files].sort()) {
  console.log(file)
  for (const { name } of functions.filter((each) => each.file === file)) console.log(`  ${name}`)
}
console.log(`${functions.length} functions in ${files.size} files`)
