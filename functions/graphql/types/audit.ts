/**
 * The audit trail: its events, and the proof that it is whole.
 *
 * @module
 */
import { builder, operation } from '../builder.ts'
import type { AuditEventRow, AuditVerificationRow, EvidenceEventRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

const AuditEvent = builder.objectRef<AuditEventRow>('AuditEvent')
const AuditVerification = builder.objectRef<AuditVerificationRow>('AuditVerification')
const EvidenceEvent = builder.objectRef<EvidenceEventRow>('EvidenceEvent')

builder.objectType(AuditEvent, {
  description: 'One line of the append-only record.',
  fields: (t) => ({
    id: t.expose('id', { type: 'UUID' }),
    occurredAt: t.expose('occurred_at', { type: 'DateTime' }),
    event: t.exposeString('event', { description: 'thing.happened, such as invite.accepted.' }),
    actorKind: t.exposeString('actor_kind', {
      description: 'user, device, invitee, worker or operator.',
    }),
    actorId: t.expose('actor_id', { type: 'UUID', nullable: true }),
    targetKind: t.exposeString('target_kind'),
    targetId: t.expose('target_id', { type: 'UUID' }),
    before: t.expose('before', { type: 'JSON', nullable: true }),
    after: t.expose('after', { type: 'JSON', nullable: true }),
    reason: t.exposeString('reason', { nullable: true }),
    ip: t.exposeString('ip', {
      nullable: true,
      description: 'Who called, as the gateway itself says.',
    }),
    claimedIp: t.exposeString('claimed_ip', {
      nullable: true,
      description: 'What the request said of its address beside that: anybody can write it.',
    }),
    userAgent: t.exposeString('user_agent', { nullable: true }),
  }),
})

builder.objectType(AuditVerification, {
  description: 'What recomputing the seals of a trail has found.',
  fields: (t) => ({
    isWhole: t.exposeBoolean('is_whole', { nullable: true }),
    events: t.exposeInt('events', { nullable: true }),
    sealedEvents: t.exposeInt('sealed_events', { nullable: true }),
    erasedEvents: t.exposeInt('erased_events', { nullable: true }),
    seals: t.exposeInt('seals', { nullable: true }),
    lastSeal: t.exposeString('last_seal', {
      nullable: true,
      description: 'The newest hash: keep it elsewhere, and compare it later.',
    }),
    problem: t.exposeString('problem', {
      nullable: true,
      description: 'event_changed, event_removed, event_inserted or seal_broken.',
    }),
    eventId: t.expose('event_id', { type: 'UUID', nullable: true }),
    sealNumber: t.exposeInt('seal_number', { nullable: true }),
  }),
})

builder.objectType(EvidenceEvent, {
  description: 'An event of the trail, as the texts that its seal was made of.',
  fields: (t) => ({
    sealNumber: t.exposeInt('seal_number', { nullable: true }),
    position: t.exposeInt('position', { nullable: true }),
    eventId: t.expose('event_id', { type: 'UUID', nullable: true }),
    eventHash: t.exposeString('event_hash', {
      nullable: true,
      description: 'The SHA-256 of event, as hex.',
    }),
    personalHash: t.exposeString('personal_hash', {
      nullable: true,
      description: 'The SHA-256 of the salt and personal.',
    }),
    personalSalt: t.exposeString('personal_salt', { nullable: true }),
    event: t.exposeString('event', { nullable: true }),
    personal: t.exposeString('personal', { nullable: true }),
  }),
})

export const AuditEventConnection = builder.connectionObject({
  type: AuditEvent,
  name: 'AuditEventConnection',
})

builder.queryFields((t) => ({
  verifyAuditTrail: t.field({
    type: AuditVerification,
    description:
      'Recomputes the seals, and says the first event that does not fit. Needs audit.read.',
    args: inOrganisation,
    ...operation('verify_organisation_audit_trail'),
  }),
  evidenceEvents: t.field({
    type: [EvidenceEvent],
    description:
      'The sealed events of the trail as the texts that were hashed, oldest seal first. Needs audit.read.',
    args: {
      ...inOrganisation,
      lastSeal: t.arg.int({
        required: true,
        description: 'Up to it, events come with what they say; later ones with their hashes only.',
      }),
      afterSeal: t.arg.int({ required: true }),
      afterPosition: t.arg.int({ description: '0 at first.' }),
      pageSize: t.arg.int({ description: '1 to 5,000; default 1,000.' }),
    },
    ...operation<'list_organisation_evidence_events', object, EvidenceEventRow[]>(
      'list_organisation_evidence_events',
    ),
  }),
}))

builder.mutationFields((t) => ({
  exportEvidence: t.field({
    type: 'JSON',
    description:
      'The registers for an auditor, all of one moment; recorded, and seals the trail. Needs audit.read.',
    args: {
      ...inOrganisation,
      since: t.arg({ type: 'DateTime', required: true, description: 'From then on.' }),
      until: t.arg({ type: 'DateTime', description: 'Before then; now at most.' }),
    },
    ...operation('export_organisation_evidence'),
  }),
}))
