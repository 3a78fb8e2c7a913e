/**
 * The hooks of Supabase Auth, and the triggers beneath them, as far as they can be seen.
 *
 * @module
 */
import { parse } from '@decimalturn/toml-patch'
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, unseen, warning, error } = findingsOf('auth hooks')

const TRIGGERS = [
  'usher_closed_door',
  'usher_join_when_confirmed',
  'usher_join_when_confirmed_at_once',
  'usher_no_secrets',
]

/** @param config - the text of the project's config.toml; null where there is none */
export async function checkHooks(sql: postgres.Sql, config: string | null): Promise<Finding[]> {
  return [
    ...(await checkTriggers(sql)),
    await checkBeforeUserCreated(sql, config),
    await checkAccessToken(sql, config),
    await checkSendEmail(sql),
  ]
}

async function checkTriggers(sql: postgres.Sql): Promise<Finding[]> {
  const rows = await sql<{ name: string }[]>`
    select t.tgname as name from pg_trigger t
    where t.tgrelid = to_regclass('auth.users') and t.tgenabled in ('O', 'A')`
  const enabled = rows.map(({ name }) => name)
  return TRIGGERS.filter((name) => !enabled.includes(name)).map((name) =>
    error(
      `The trigger ${name} on auth.users is gone or disabled: it holds the closed door, joins whoever signs up with an invite, or keeps tokens out of accounts.`,
      `alter table auth.users enable trigger ${name}; where it is gone, create it as in the migrations`,
    ),
  )
}

async function checkBeforeUserCreated(sql: postgres.Sql, config: string | null): Promise<Finding> {
  const forbidden = await forbiddenHook(sql, 'before_user_created', 'signing up fails')
  if (forbidden) return forbidden
  const [state] = await sql<{ sign_up: string }[]>`select s.sign_up from usher.settings s`
  const isOn = isHookOn(config, 'before_user_created')
  if (isOn === false && state?.sign_up === 'invite_only') {
    return warning(
      'Sign-up is for invited people only, and before_user_created is off in config.toml: the others see a database error in place of a sentence.',
      'Set [auth.hook.before_user_created] enabled = true; hosted: supabase config push, or the dashboard under Authentication, Hooks',
    )
  }
  return isOn
    ? well('before_user_created is on in config.toml.')
    : unseen(
        'Whether Supabase Auth calls before_user_created cannot be seen in the database.',
        'Needed only where sign_up is invite_only: see in the dashboard, under Authentication, Hooks.',
      )
}

async function checkAccessToken(sql: postgres.Sql, config: string | null): Promise<Finding> {
  const forbidden = await forbiddenHook(sql, 'custom_access_token_hook', 'signing in fails')
  if (forbidden) return forbidden
  const isOn = isHookOn(config, 'custom_access_token')
  if (isOn === false) {
    return warning(
      'custom_access_token is off in config.toml: where Auth signs a session with the sign-up, its token holds the token of the invitation.',
      'Set [auth.hook.custom_access_token] enabled = true; hosted: supabase config push, or the dashboard under Authentication, Hooks',
    )
  }
  return isOn
    ? well('custom_access_token is on in config.toml.')
    : unseen(
        'Whether Supabase Auth calls custom_access_token_hook cannot be seen in the database.',
        'See in the dashboard, under Authentication, Hooks: docs/install.md, "Tokens of sessions".',
      )
}

/** @returns null where Supabase Auth may call it, or is not there */
async function forbiddenHook(
  sql: postgres.Sql,
  name: string,
  then: string,
): Promise<Finding | null> {
  const [state] = await sql<{ may_call: boolean | null }[]>`
    select has_function_privilege(r.oid, ${`usher.${name}(jsonb)`}, 'execute')
        and has_schema_privilege(r.oid, 'usher', 'usage') as may_call
    from pg_roles r where r.rolname = 'supabase_auth_admin'`
  if (state?.may_call !== false) return null
  return error(
    `Supabase Auth may not call usher.${name}: ${then} where the hook is on.`,
    `grant usage on schema usher to supabase_auth_admin; grant execute on function usher.${name} to supabase_auth_admin;`,
  )
}

function isHookOn(config: string | null, name: string): boolean | null {
  if (config === null) return null
  try {
    const { auth } = parse(config) as {
      auth?: { hook?: Record<string, { enabled?: boolean } | undefined> }
    }
    return auth?.hook?.[name]?.enabled === true
  } catch {
    return null
  }
}

async function checkSendEmail(sql: postgres.Sql): Promise<Finding> {
  const [auth] = await sql<{ last: Date | null }[]>`
    select max(d.created_at) as last from public.organisation_deliveries d where d.kind = 'auth'`
  return auth?.last
    ? well(`send_email has brought mails, the last ${auth.last.toISOString()}.`)
    : unseen(
        'send_email has brought no mail yet: Supabase Auth may still send its own.',
        'Optional: docs/mail.md, "Mails of Supabase Auth".',
      )
}
