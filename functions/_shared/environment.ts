/**
 * The environment of the functions, read once into typed values.
 *
 * @module
 */

export type Variables = Record<string, string | undefined>

export interface WorkerEnvironment {
  /** The worker's own connection, as the role usher_worker. */
  databaseUrl: string
  /** What a caller of the function has to know. */
  workerSecret: string
}

export interface MailEnvironment extends WorkerEnvironment {
  smtpUrl: URL
  from: { name: string; address: string }
}

type Read = <T>(name: string, parse: (text: string) => T | null, shape: string) => T

/** What every function of a worker needs. Throws one error that names all that is wrong. */
export function readWorkerEnvironment(variables: Variables): WorkerEnvironment {
  return readAll(variables, readWorker)
}

/** What sending mail needs. Throws one error that names all that is wrong. */
export function readMailEnvironment(variables: Variables): MailEnvironment {
  return readAll(variables, (read) => ({
    ...readWorker(read),
    smtpUrl: read('SMTP_URL', parseSmtpUrl, 'smtp://user:password@host:587 or smtps://…:465'),
    from: read('MAIL_FROM', parseMailbox, '"Name <address@example.com>" or an address alone'),
  }))
}

function readWorker(read: Read): WorkerEnvironment {
  return {
    databaseUrl: read(
      'USHER_DATABASE_URL',
      matching(/^postgres(ql)?:\/\//),
      'a postgres:// address',
    ),
    workerSecret: read('USHER_WORKER_SECRET', matching(/^.{16,}$/), 'at least 16 characters'),
  }
}

/** Parses all, and throws one error that names all that is wrong. */
export function readAll<Environment>(
  variables: Variables,
  parse: (read: Read) => Environment,
): Environment {
  const problems: string[] = []
  const environment = parse((name, parseOne, shape) => {
    const text = variables[name]
    const value = text ? parseOne(text) : null
    if (value === null)
      problems.push(`${name} is ${text ? 'not' : 'missing; it has to be'} ${shape}`)
    // A value that is missing is never used: the error below ends it.
    return value as never
  })
  if (problems.length > 0) {
    throw new Error(`The environment is not complete. ${problems.join('. ')}.`)
  }
  return environment
}

export const matching = (shape: RegExp) => (text: string) => (shape.test(text) ? text : null)

function parseSmtpUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname ? url : null
}

function parseMailbox(text: string): { name: string; address: string } | null {
  const [, name = '', address = text] = text.match(/^\s*"?([^"<>\r\n]*?)"?\s*<([^<>]*)>\s*$/) ?? []
  return /^[^\s<>@]+@[^\s<>@]+$/.test(address) ? { name, address } : null
}
