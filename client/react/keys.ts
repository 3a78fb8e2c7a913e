/**
 * The keys under which answers are cached, from the widest to the narrowest: `usherKeys.all`, then an
 * organisation, then one part of it. Invalidating a wide key takes all beneath it.
 *
 * @module
 */

/** The parts of an organisation, named as the services are. */
export type UsherPart =
  | 'settings'
  | 'permissions'
  | 'invites'
  | 'members'
  | 'roles'
  | 'audit'
  | 'accessReviews'
  | 'devices'
  | 'deliveries'
  | 'templates'
  | 'domains'
  | 'signInRule'
  | 'directories'
  | 'joinRequests'
  | 'webhooks'

export const usherKeys = {
  all: ['usher'] as const,
  /** Who may create an account: the same for everybody. */
  signUpPolicy: ['usher', 'signUpPolicy'] as const,
  /** What belongs to whoever is signed in. */
  mine: (...what: unknown[]) => ['usher', 'mine', ...what] as const,
  /** What the holder of a link sees. */
  preview: (token: string) => ['usher', 'preview', token] as const,
  /** All of one organisation. */
  organisation: (organisationId: string) => ['usher', 'organisation', organisationId] as const,
  /** One part of an organisation, such as its members, and what of it. */
  part: (organisationId: string, part: UsherPart, ...what: unknown[]) =>
    ['usher', 'organisation', organisationId, part, ...what] as const,
}
