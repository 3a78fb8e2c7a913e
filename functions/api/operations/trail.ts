/**
 * What happened, and whether the record of it is whole.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { instant, whole, words } from '../inputs.ts'
import {
  created,
  id,
  inOrganisation,
  list,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
} from '../operation.ts'
import { AuditEvent, AuditVerification, Evidence, EvidenceEvent } from '../schemas.ts'

const tag = 'Trail'
/** A number of a seal, or of an event of one. */
const place = whole({ least: 0, most: 2 ** 31 - 1 })

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
      event: words.optional().openapi({ example: 'invite.created' }),
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
  {
    id: 'exportEvidence',
    method: 'post',
    path: '/organisations/{organisation_id}/evidence',
    tag,
    summary: 'The registers for an auditor, all of one moment; recorded, and seals the trail.',
    source: { function: 'export_organisation_evidence' },
    params: inOrganisation,
    body: z.strictObject({
      since: instant.openapi({ description: 'From then on.' }),
      until: instant.optional().openapi({ description: 'Before then; now at most.' }),
    }),
    answers: created(Evidence),
    refuses: [...OUTSIDE, 'invalid_settings'],
  },
  {
    id: 'listEvidenceEvents',
    method: 'get',
    path: '/organisations/{organisation_id}/evidence-events',
    tag,
    summary: 'The sealed events of the trail as the texts that were hashed, oldest seal first.',
    source: { function: 'list_organisation_evidence_events' },
    params: inOrganisation,
    query: z.strictObject({
      last_seal: place.openapi({
        description: 'Up to this seal, events come with what they say; later ones are hashes only.',
      }),
      after_seal: place.openapi({ description: 'Behind this one; 0: from the first.' }),
      after_position: place.optional().openapi({ description: 'Behind this event of that seal.' }),
      page_size: whole({ least: 1, most: 5000 }).optional(),
    }),
    answers: list(EvidenceEvent),
    refuses: [...OUTSIDE, 'invalid_settings'],
  },
]
