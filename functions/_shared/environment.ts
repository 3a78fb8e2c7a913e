/**
 * The environment of the functions, read once into typed values.
 *
 * @module
 */

export interface MailEnvironment {
  /** The worker's own connection, as the role usher_worker. */
  databaseUrl: string
  /** What a caller of the function has to know. */
  workerSecret: string
  smtpUrl: URL
  from: { name: string; address: string }
}

/**
 * Reads the environment of the mail worker.
 *
 * @throws one error that names every variable that is missing or malformed
 */
export function readMailEnvironment(
  variables: Record<string, string | undefined>,
): MailEnvironment {
  const problems: string[] = []
  const read = <T>(name: string, parse: (text: string) => T | null, shape: string): T => {
    const text = variables[name]
    const value = text ? parse(text) : null
    if (value === null)
      problems.push(`${name} is ${text ? 'not' : 'missing; it has to be'} ${shape}`)
    return value as T
  }

  const environment: MailEnvironment = {
    databaseUrl: read(
      'USHER_DATABASE_URL',
      matching(/^postgres(ql)?:\/\//),
      'a postgres:// address',
    ),
    workerSecret: read('USHER_WORKER_SECRET', matching(/^.{16,}$/), 'at least 16 characters'),
    smtpUrl: read('SMTP_URL', parseSmtpUrl, 'smtp://user:password@host:587 or smtps://…:465'),
    from: read('MAIL_FROM', parseMailbox, '"Name <address@example.com>"'),
  }
  if (problems.length > 0)
    throw new Error(`The environment is not complete. ${problems.join('. ')}.`)
  return environment
}

const matching = (shape: RegExp) => (text: string) => (shape.test(text) ? text : null)

function parseSmtpUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname ? url : null
}

function parseMailbox(text: string): { name: string; address: string } | null {
  const [, name = '', address] =
    text.match(/^\s*"?([^"<>\r\n]*?)"?\s*<([^\s<>@]+@[^\s<>@]+)>\s*$/) ?? []
  return address ? { name, address } : null
}
