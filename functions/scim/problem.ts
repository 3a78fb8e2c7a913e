/**
 * Refusals as SCIM error documents: status, scimType where there is one, and what to do in words.
 *
 * Source: RFC 7644 section 3.12
 *
 * @module
 */
import { logTrouble } from '../_shared/log.ts'
import { ScimError } from './schema.ts'

const URN = 'urn:ietf:params:scim:api:messages:2.0:Error'

/** What the database says, where SCIM has its own way to say it. */
const BY_CODE: Record<string, { status: number; scimType?: string }> = {
  directory_conflict: { status: 409, scimType: 'uniqueness' },
  already_member: { status: 409, scimType: 'uniqueness' },
  invalid_email: { status: 400, scimType: 'invalidValue' },
  invalid_settings: { status: 400, scimType: 'invalidValue' },
  invalid_role: { status: 400, scimType: 'invalidValue' },
  // A 409 would make an identity provider look for another resource of the same name.
  owner_required: { status: 403 },
  seat_limit_reached: { status: 403 },
  role_in_use: { status: 403 },
}

interface Said {
  status: number
  scimType?: string | undefined
  detail: string
  headers?: Record<string, string>
}

/** Any error as an answer; what is nobody's fault but ours is logged, and says so. */
export function toResponse(error: unknown, more: Record<string, string> = {}): Response {
  const { status, scimType, detail, headers } = read(error)
  const body = { schemas: [URN], status: String(status), ...(scimType && { scimType }), detail }
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/scim+json',
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...headers,
      ...more,
    },
  })
}

/** @param scimType - a word of RFC 7644, table 9; null where none fits */
export const refuse = (status: number, scimType: string | null, detail: string) =>
  new ScimError(status, scimType as string, detail)

function read(error: unknown): Said {
  if (error instanceof ScimError) {
    return { status: error.status, scimType: error.scimType ?? undefined, detail: error.message }
  }
  const { code, message, detail } = error as { code?: string; message?: string; detail?: string }
  if (code === 'PGRST') {
    const said = JSON.parse(message ?? '{}') as Record<'code' | 'message' | 'hint', string>
    const answer = JSON.parse(detail ?? '{}') as {
      status: number
      headers?: Record<string, string>
    }
    const status = BY_CODE[said.code]?.status ?? answer.status
    return {
      status: status === 422 ? 400 : status,
      scimType: BY_CODE[said.code]?.scimType,
      detail: `${said.message} ${said.hint} (${said.code})`,
      headers: answer.headers ?? {},
    }
  }
  // Class 22: a value that cannot be stored, such as a NUL.
  if (code?.startsWith('22')) {
    return { status: 400, scimType: 'invalidValue', detail: 'A value cannot be read or stored.' }
  }
  logTrouble('scim.failed', { error, code })
  // A conflict with another transaction, or no database at all: another try may well succeed.
  const passes = /^(40|55P03|57|53|08|CONN|ECONN)/.test(code ?? '')
  return passes
    ? { status: 503, detail: 'Try again in a moment.', headers: { 'retry-after': '5' } }
    : { status: 500, detail: 'Something went wrong on our side; the log says what.' }
}
