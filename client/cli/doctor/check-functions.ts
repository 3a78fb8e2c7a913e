/**
 * Whether the edge functions answer where they should.
 *
 * @module
 */
import { type Finding, findingsOf } from './finding.ts'

const { well, unseen, warning, error } = findingsOf('functions')

/** Started without the hook's secret they cannot be, and a project may well do without the hook. */
const OPTIONAL = ['auth-mail']

/** How Supabase's own gateway refuses, before the function is asked. */
const GATEWAY_REFUSAL = /"message":\s*"(Missing authorization header|Invalid JWT)"|"UNAUTHORIZED_/i

export interface FunctionsOptions {
  /** Such as `https://<project>.supabase.co/functions/v1`; null: not known. */
  url: string | null
  names: string[]
  /** What the functions of the worker ask for; null: not known, and not looked at. */
  workerSecret: string | null
}

/** Asks each once, by GET, which changes nothing anywhere. */
export async function checkFunctions({
  url,
  names,
  workerSecret,
}: FunctionsOptions): Promise<Finding[]> {
  if (!url) {
    return [unseen('Where they are is not known.', 'Give --functions-url, or set functions_url.')]
  }
  const base = url.replace(/\/$/, '')
  const findings = await Promise.all(names.map((name) => checkFunction(base, name)))
  const faults = findings.filter(({ level }) => level !== 'well')
  if (workerSecret) faults.push(...(await checkSecret(base, workerSecret)))
  return faults.length > 0 ? faults : [well(`All ${names.length} answer at ${base}.`)]
}

async function checkFunction(base: string, name: string): Promise<Finding> {
  const url = `${base}/${name}${name === 'send-mail' ? '/health' : ''}`
  const answer = await get(url)
  if (!answer) {
    return error(`${url} does not answer.`, 'See that the address is right, and not only yours.')
  }
  const { status, text } = answer
  if (status === 404 && /function (was )?not found|no such function/i.test(text)) {
    return warning(`${name} is not deployed.`, `supabase functions deploy ${name}`)
  }
  if (status === 401 && GATEWAY_REFUSAL.test(text)) {
    return error(
      `${name} asks its callers for a JWT, and those have none.`,
      `[functions.${name}] verify_jwt = false in config.toml; supabase functions deploy ${name}`,
    )
  }
  if (status >= 500) {
    const fault = OPTIONAL.includes(name) ? warning : error
    return fault(
      `${name} answers ${status}: ${text.slice(0, 200)}`,
      `Mostly a secret is missing: its log names it (dashboard, Edge Functions, ${name}, Logs); supabase secrets set NAME=value`,
    )
  }
  return well(`${name} answers.`)
}

/** Figures of mail are for whoever knows the secret, and reading them changes nothing. */
async function checkSecret(base: string, secret: string): Promise<Finding[]> {
  const answer = await get(`${base}/send-mail/metrics`, { authorization: `Bearer ${secret}` })
  return answer?.status === 401
    ? [
        error(
          'send-mail does not take this USHER_WORKER_SECRET: a cron job that sends it is refused.',
          'supabase secrets set USHER_WORKER_SECRET=…, the same as in Vault for the cron job',
        ),
      ]
    : []
}

async function get(url: string, headers: Record<string, string> = {}) {
  try {
    const answer = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(15_000),
    })
    return { status: answer.status, text: await answer.text() }
  } catch {
    return null
  }
}
