/**
 * The typed client: `createUsher(supabase)`.
 *
 * @module
 */
import { accessReviews } from './access-reviews.ts'
import { audit } from './audit.ts'
import type { AnySupabaseClient, Connection } from './call.ts'
import { deliveries } from './deliveries.ts'
import { devices } from './devices.ts'
import { directories } from './directories.ts'
import { domains } from './domains.ts'
import { invites } from './invites.ts'
import { joinRequests } from './join-requests.ts'
import { members } from './members.ts'
import type { InMode } from './modes.ts'
import { organisations } from './organisations.ts'
import { roles } from './roles.ts'
import { signInRules } from './sign-in-rules.ts'
import { templates } from './templates.ts'
import { webhooks } from './webhooks.ts'

export interface UsherOptions<Dates extends boolean = boolean> {
  /** Whether times are `Date`; by default they are ISO 8601 texts, with microseconds, as sent. */
  dates?: Dates | undefined
}

// Written out, so that each method keeps its description in the package's declarations.
interface Services {
  organisations: ReturnType<typeof organisations>
  invites: ReturnType<typeof invites>
  members: ReturnType<typeof members>
  roles: ReturnType<typeof roles>
  audit: ReturnType<typeof audit>
  accessReviews: ReturnType<typeof accessReviews>
  devices: ReturnType<typeof devices>
  deliveries: ReturnType<typeof deliveries>
  templates: ReturnType<typeof templates>
  domains: ReturnType<typeof domains>
  signInRules: ReturnType<typeof signInRules>
  directories: ReturnType<typeof directories>
  joinRequests: ReturnType<typeof joinRequests>
  webhooks: ReturnType<typeof webhooks>
}

const services = (connection: Connection): Services => ({
  organisations: organisations(connection),
  invites: invites(connection),
  members: members(connection),
  roles: roles(connection),
  audit: audit(connection),
  accessReviews: accessReviews(connection),
  devices: devices(connection),
  deliveries: deliveries(connection),
  templates: templates(connection),
  domains: domains(connection),
  signInRules: signInRules(connection),
  directories: directories(connection),
  joinRequests: joinRequests(connection),
  webhooks: webhooks(connection),
})

/** The client. Copies of it are cheap. */
export type Usher<Dates extends boolean = false, Throws extends boolean = false> = InMode<
  Services,
  Dates,
  Throws
> & {
  /** A copy that throws an `UsherError` instead of answering one: `error` is then always null. */
  throwOnError(): Usher<Dates, true>
  /** A copy whose calls are given up, with the code `aborted`, when the signal says so. */
  abortSignal(signal: AbortSignal): Usher<Dates, Throws>
}

/**
 * Wraps a supabase-js client. It holds no state and no session of its own: whoever is signed in
 * there is who acts here.
 *
 * @example
 * const usher = createUsher(createClient(url, publishableKey))
 * const { data, error } = await usher.invites.create(organisationId, {
 *   email: 'new@example.com',
 *   roles: ['member'],
 * })
 * if (error?.code === 'already_invited') await usher.invites.resend(error.details ?? '')
 */
export function createUsher<Dates extends boolean = false>(
  supabase: AnySupabaseClient,
  { dates }: UsherOptions<Dates> = {},
): Usher<Dates> {
  return connect({ supabase, dates }) as unknown as Usher<Dates>
}

function connect(connection: Connection): Usher<boolean, boolean> {
  return {
    ...services(connection),
    throwOnError: () => connect({ ...connection, throws: true }),
    abortSignal: (signal: AbortSignal) => connect({ ...connection, signal }),
  } as unknown as Usher<boolean, boolean>
}
