/**
 * The table of operations: every function of `public` that a person may call, and the tables to read.
 * A test compares it with the database's catalogue.
 *
 * @module
 */
import type { Operation } from './operation.ts'
import { accessReviews } from './operations/access-reviews.ts'
import { answers } from './operations/answers.ts'
import { devices } from './operations/devices.ts'
import { directories } from './operations/directories.ts'
import { domains } from './operations/domains.ts'
import { invitations } from './operations/invitations.ts'
import { mails } from './operations/mails.ts'
import { members } from './operations/members.ts'
import { organisations } from './operations/organisations.ts'
import { roles } from './operations/roles.ts'
import { trail } from './operations/trail.ts'
import { webhooks } from './operations/webhooks.ts'

export const OPERATIONS: Operation[] = [
  ...organisations,
  ...members,
  ...roles,
  ...invitations,
  ...answers,
  ...devices,
  ...domains,
  ...directories,
  ...mails,
  ...accessReviews,
  ...trail,
  ...webhooks,
]

const parameters = ({ path }: Operation) => path.split('{').length

/** In the order in which a router tries them: `/invitations/mine` before `/invitations/{invite_id}`. */
export const BY_PRECISION = [...OPERATIONS].sort((a, b) => parameters(a) - parameters(b))
