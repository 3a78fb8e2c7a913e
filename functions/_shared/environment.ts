/**
 * The environment of the functions, read once into typed values.
 *
 * @module
 */

type Variables = Record<string, string | undefined>

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

export interface DoorEnvironment {
  /** The project's API, as supabase-js takes it. */
  apiUrl: string
  /** The key of callers who bring none. */
  publishableKey: string
  /** Whose pages may call from a browser: `*` for all, or origins. */
  allowedOrigins: string[]
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

/**
 * What a door needs: `SUPABASE_URL` and `SUPABASE_ANON_KEY`, which every edge function has, and
 * `USHER_ALLOWED_ORIGINS`, origins with commas between them (default: `*`). Throws one error that names
 * all that is wrong.
 */
export function readDoorEnvironment(variables: Variables): DoorEnvironment {
  const { USHER_ALLOWED_ORIGINS = '*' } = variables
  return readAll({ ...variables, USHER_ALLOWED_ORIGINS }, (read) => ({
    apiUrl: read('SUPABASE_URL', matching(/^https?:\/\//), 'an http:// or https:// address'),
    publishableKey: read('SUPABASE_ANON_KEY', matching(/./), 'a key'),
    allowedOrigins: read(
      'USHER_ALLOWED_ORIGINS',
      parseOrigins,
      '* or origins such as https://a.test',
    ),
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

function readAll<Environment>(
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

const matching = (shape: RegExp) => (text: string) => (shape.test(text) ? text : null)

function parseOrigins(text: string): string[] | null {
  const origins = text.split(',').map((origin) => origin.trim().replace(/\/$/, ''))
  const isOrigin = (origin: string) =>
    origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)
  return origins.every(isOrigin) ? origins : null
}

function parseSmtpUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  return url && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname ? url : null
}

function parseMailbox(text: string): { name: string; address: string } | null {
  const [, name = '', address = text] = text.match(/^\s*"?([^"<>\r\n]*?)"?\s*<([^<>]*)>\s*$/) ?? []
  return /^[^\s<>@]+@[^\s<>@]+$/.test(address) ? { name, address } : null
}
