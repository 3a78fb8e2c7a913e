/**
 * Where a local stack lives and which ports it takes, from the environment.
 *
 * @module
 */
import { resolve } from 'node:path'
import { Problem } from './problem.ts'

/** In the order in which they follow one another, from `USHER_PORT` on. */
const PARTS = ['api', 'database', 'functions', 'mailbox', 'smtp', 'console'] as const
export type Part = (typeof PARTS)[number]

export interface Settings {
  /** Absolute. */
  dataFolder: string
  ports: Record<Part, number>
  /** Whether an empty database gets the demo data. */
  isSeeded: boolean
  /** Whether Auth confirms addresses by mail; otherwise it takes them as confirmed. */
  confirmsAddresses: boolean
  /** Whether PostgREST itself answers REST, and not its stand-in. */
  usesPostgrest: boolean
  /** How mails go out, where it is not to the mailbox of the stack: variables of the functions. */
  mail: Record<string, string>
}

/** Only when it is asked for: what a shell happens to hold sends no mail of made-up people. */
const MAIL_VARIABLES = /^(SMTP|MAIL|DKIM)_/

/**
 * @param environment.USHER_PORT - the first port; 54321 by default, as Supabase has it
 * @param environment.USHER_DATA - the data folder; `.usher` by default
 * @param environment.USHER_SEED - `none` starts empty
 * @param environment.USHER_CONFIRM_ADDRESSES - `by-mail`: Auth confirms addresses by mail, as hosted projects do;
 *   `at-once`, the default: as soon as they register, as `supabase start` does
 * @param environment.USHER_REST - `postgrest`: PostgREST itself answers REST, as on Supabase, on Linux x64;
 *   `stand-in`, the default: `@supabase/lite` does
 * @param environment.USHER_MAIL - `environment`: mails go as SMTP_URL and the other variables of docs/mail.md say;
 *   `mailbox`, the default: to the stack's own
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { USHER_PORT = '54321', USHER_DATA = '.usher', USHER_SEED = 'demo' } = environment
  const { USHER_CONFIRM_ADDRESSES = 'at-once', USHER_REST = 'stand-in' } = environment
  const first = Number(USHER_PORT)
  if (!Number.isInteger(first) || first < 1024 || first + PARTS.length > 65_536) {
    throw new Problem(
      `USHER_PORT is a number from 1024 to ${65_536 - PARTS.length}, not "${USHER_PORT}".`,
    )
  }
  if (!['demo', 'none'].includes(USHER_SEED)) {
    throw new Problem(`USHER_SEED is "none", for an empty start, or left out; not "${USHER_SEED}".`)
  }
  if (!['at-once', 'by-mail'].includes(USHER_CONFIRM_ADDRESSES)) {
    throw new Problem(
      `USHER_CONFIRM_ADDRESSES is "by-mail", or "at-once" as when left out; not "${USHER_CONFIRM_ADDRESSES}".`,
    )
  }
  if (!['stand-in', 'postgrest'].includes(USHER_REST)) {
    throw new Problem(
      `USHER_REST is "postgrest", or "stand-in" as when left out; not "${USHER_REST}".`,
    )
  }
  const { USHER_MAIL = 'mailbox' } = environment
  if (!['mailbox', 'environment'].includes(USHER_MAIL)) {
    throw new Problem(
      `USHER_MAIL is "environment", or "mailbox" as when left out; not "${USHER_MAIL}".`,
    )
  }
  const mail = Object.entries(environment).filter(([name]) => MAIL_VARIABLES.test(name))
  return {
    dataFolder: resolve(USHER_DATA),
    ports: Object.fromEntries(PARTS.map((part, i) => [part, first + i])) as Record<Part, number>,
    isSeeded: USHER_SEED !== 'none',
    confirmsAddresses: USHER_CONFIRM_ADDRESSES === 'by-mail',
    usesPostgrest: USHER_REST === 'postgrest',
    mail: USHER_MAIL === 'environment' ? (Object.fromEntries(mail) as Record<string, string>) : {},
  }
}
