/**
 * A trail of more than one seal and many pages can hold.
 *
 * @module-tag long
 */
import { expect } from 'vitest'
import {
  buildEvidencePackage,
  databaseSource,
  verifyEvidencePackage,
} from '../../client/evidence/index.ts'
import { test } from '../support/acme.ts'

const EVENTS = 20_000

test('twenty thousand events are packed and verified, page by page', {
  timeout: 120_000,
}, async ({ acme }) => {
  await acme.sql`insert into public.organisation_audit_events
      (organisation_id, occurred_at, event, actor_kind, actor_id, target_kind, target_id, after, user_agent)
    select ${acme.id}, now() - interval '1 day' + n * interval '0.5 seconds', 'member.roles_updated', 'user',
      ${acme.owner.userId}, 'user', ${acme.member.userId}, '{"roles": ["member"]}', 'Mozilla/5.0 (X11; Linux x86_64)'
    from generate_series(1, ${EVENTS}) n`
  const since = new Date(Date.now() - 2 * 86_400_000).toISOString()

  const { zip, manifest } = await buildEvidencePackage(databaseSource(acme.sql, acme.id, { since }))
  const found = await verifyEvidencePackage(zip)

  expect(manifest.trail.events).toBeGreaterThan(EVENTS)
  expect(found).toMatchObject({ isWhole: true, problems: [] })
})
