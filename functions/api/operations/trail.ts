/**
 * What happened, and whether the record of it is whole.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import {
  created,
  id,
  inOrganisation,
  instant,
  list,
  type Operation,
  OUTSIDE,
  page,
  pageOfTable,
  row,
  text,
  time,
} from '../operation.ts'
import { AuditEvent, AuditVerification, Evidence, EvidenceEvent } from '../schemas.ts'

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
  {
    id: 'exportEvidence',
    method: 'post',
    path: '/organisations/{organisation_id}/evidence',
    tag,
    summary: 'The registers for an auditor, all of one moment; recorded, and seals the trail.',
    source: { function: 'export_organisation_evidence' },
    params: inOrganisation,
    body: z.strictObject({
      since: time.openapi({ description: 'From then on.' }),
      until: time.optional().openapi({ description: 'Before then; now at most.' }),
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
      last_seal: z.coerce.number<string>().int().openapi({
        description: 'Up to this seal, events come with what they say; later ones are hashes only.',
      }),
      after_seal: z.coerce.number<string>().int(),
      after_position: z.coerce.number<string>().int().optional(),
      page_size: z.coerce.number<string>().int().optional(),
    }),
    answers: list(EvidenceEvent),
    refuses: [...OUTSIDE, 'invalid_settings'],
  },
]
