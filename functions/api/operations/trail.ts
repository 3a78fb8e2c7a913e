/**
 * What happened, and whether the record of it is whole.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import {
  id,
  inOrganisation,
  instant,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
  text,
} from '../operation.ts'
import { AuditEvent, AuditVerification } from '../schemas.ts'

const tag = 'Trail'

export const trail: Operation[] = [
  {
    id: 'listAuditEvents',
    method: 'get',
    path: '/organisations/{organisation_id}/audit-events',
    tag,
    summary: 'The audit trail, newest first. For those with audit.read; none for others.',
    source: {
      table: 'organisation_audit_events',
      equal: ['organisation_id', 'event', 'actor_id', 'target_id'],
      between: 'occurred_at',
      order: [
        ['occurred_at', 'desc'],
        ['id', 'desc'],
      ],
    },
    params: inOrganisation,
    query: z.strictObject({
      event: text.optional().openapi({ example: 'invite.created' }),
      actor_id: id.optional(),
      target_id: id.optional(),
      since: instant.optional().openapi({ description: 'From then on.' }),
      until: instant.optional().openapi({ description: 'Before then.' }),
      ...pageOfTable,
    }),
    answers: page(AuditEvent),
    refuses: ['unauthenticated'],
  },
  {
    id: 'verifyAuditTrail',
    method: 'get',
    path: '/organisations/{organisation_id}/audit-verification',
    tag,
    summary: 'Recomputes the seals; names the first event that does not fit.',
    source: { function: 'verify_organisation_audit_trail' },
    params: inOrganisation,
    answers: row(AuditVerification),
    refuses: OUTSIDE,
  },
]
