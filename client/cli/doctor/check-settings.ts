/**
 * The settings that mails and links are made of.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, warning, error } = findingsOf('settings')

const DEFAULT_SITE = 'http://localhost:3000'

/** @param isLocal - whether this is a stack on one machine, where links may lead to that */
export async function checkSettings(sql: postgres.Sql, isLocal: boolean): Promise<Finding[]> {
  const [settings] = await sql<{ site_url: string; functions_url: string | null }[]>`
    select site_url, functions_url from usher.settings`
  if (!settings) {
    return [
      error(
        'There are no settings: their one row is gone.',
        'insert into usher.settings default values;',
      ),
    ]
  }
  const findings: Finding[] = []
  const change = (name: string, value: string) =>
    `select usher.update_settings('{"${name}": "${value}"}');`
  if (settings.site_url === DEFAULT_SITE) {
    findings.push(
      error(
        `site_url is still ${DEFAULT_SITE}: mailed links lead nowhere.`,
        change('site_url', 'https://app.example.com'),
      ),
    )
  } else if (!isLocal && !settings.site_url.startsWith('https://')) {
    findings.push(
      error(
        `site_url is ${settings.site_url}: links of a deployed project need https.`,
        change('site_url', 'https://app.example.com'),
      ),
    )
  } else {
    findings.push(well(`Mailed links lead to ${settings.site_url}/invite.`))
  }
  if (!settings.functions_url) {
    findings.push(
      warning(
        'functions_url is not set: mails go without the button that stops them, which large mailbox providers ask for, and new directory tokens without the address to give to the identity provider.',
        change('functions_url', 'https://<project>.supabase.co/functions/v1'),
      ),
    )
  }
  return findings
}
