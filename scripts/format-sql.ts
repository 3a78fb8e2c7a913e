/**
 * Formats the files of `sql/`, and names the lines that are too long. Bodies of functions and comments stay as they
 * are: their lines are for the author to break.
 *
 *   node scripts/format-sql.ts            writes
 *   node scripts/format-sql.ts --check    only says what it would write
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SQL_FOLDER, sqlFiles } from './sql-files.ts'
import { SqlSyntaxError, withSqlFormatter } from './sql-formatter.ts'

const MAX_COLUMNS = 120

/** Squawk breaks at 80 columns, and makes eight lines of a grant to two roles: one that fits stays on one. */
const joinGrants = (text: string) =>
  text.replace(
    /^(?:grant|revoke|alter default privileges)\n(?: +[^-'\n]+\n)* +[^-'\n]+;$/gm,
    (statement) => {
      const line = statement.replace(/\s+/g, ' ')
      return line.length <= MAX_COLUMNS ? line : statement
    },
  )

const check = process.argv.includes('--check')
const complaints: string[] = []

try {
  await withSqlFormatter(async (format) => {
    for (const file of sqlFiles()) {
      const path = join(SQL_FOLDER, file)
      let text = await readFile(path, 'utf8')
      try {
        const formatted = joinGrants(await format(path, text))
        if (check && formatted !== text) complaints.push(`sql/${file}: not formatted`)
        if (!check && formatted !== text) {
          await writeFile(path, formatted)
          text = formatted
          console.log(`sql/${file}: formatted`)
        }
      } catch (error) {
        if (!(error instanceof SqlSyntaxError)) throw error
        complaints.push(`sql/${file}:${error.line}: cannot be read as SQL: ${error.message}`)
      }
      for (const [index, line] of text.split('\n').entries()) {
        const columns = [...line].length
        if (columns > MAX_COLUMNS) complaints.push(`sql/${file}:${index + 1}: ${columns} columns`)
      }
    }
  })
} catch (error) {
  // Not what stands in the files: a server that does not start or answer, a disk that is full.
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

if (complaints.length > 0) {
  console.error(complaints.join('\n'))
  console.error(
    `\n\`npm run fix\` formats. What it cannot read, and lines that it leaves longer than ${MAX_COLUMNS} columns, are mended by hand.`,
  )
  process.exitCode = 1
}
