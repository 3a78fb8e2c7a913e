/**
 * What a person sees while the stack starts, and once it runs.
 *
 * @module
 */
import { styleText } from 'node:util'
import postgres from 'postgres'
import type { Stack } from './stack-file.ts'

/** Prints each part when it is ready. */
export function createProgress() {
  const startedAt = performance.now()
  return {
    done(what: string) {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      console.log(
        `${styleText('green', '✓')} ${what.padEnd(32)} ${styleText('dim', `${seconds} s`)}`,
      )
    },
  }
}

interface SignIn {
  email: string
  memberships: string
}

/** People of the demo data, with what they are where. */
export async function readSignIns(databaseUrl: string): Promise<SignIn[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    return await sql<SignIn[]>`
      select u.email, string_agg(
        o.name || ': ' || array_to_string(m.roles, ', '), '; ' order by o.name) as memberships
      from auth.users u
      join public.organisation_members m on m.user_id = u.id and m.status = 'active'
      join public.organisations o on o.id = m.organisation_id
      where u.raw_app_meta_data ->> 'seed' = 'true'
      group by u.email, u.created_at
      order by u.created_at, u.email`
  } finally {
    await sql.end()
  }
}

/** Prints the table of addresses and sign-ins. */
export function printReport(stack: Stack, dataFolder: string, signIns: SignIn[]): void {
  const rows = [
    ['Pages', stack.consoleUrl],
    ['Mailbox', stack.mailboxUrl],
    ['API for supabase-js', stack.apiUrl],
    ['Publishable key', stack.publishableKey],
    ['Edge functions', stack.functionsUrl],
    ['REST, to read and try', `${stack.functionsUrl}/api/reference`],
    ['GraphQL, to try', `${stack.functionsUrl}/graphql`],
    ['Database', stack.databaseUrl.replace(/:[^:@/]+@/, ':…@')],
    ['SMTP', stack.smtpUrl],
    ['All of it, for programs', `${dataFolder}/stack.json`],
  ] as const
  console.log(`\n${styleText('bold', 'Usher is ready.')}\n`)
  for (const [label, value] of rows) console.log(`  ${label.padEnd(25)}${styleText('cyan', value)}`)

  if (signIns.length > 0) {
    console.log(
      `\n  ${styleText('bold', 'Sign in as'.padEnd(25))}${styleText('dim', 'password: password')}`,
    )
    for (const { email, memberships } of signIns) console.log(`  ${email.padEnd(25)}${memberships}`)
  }
  console.log(
    `\n  ${styleText('dim', 'In another terminal: npm run demo. Ctrl-C stops everything; the data stays.')}`,
  )
}
