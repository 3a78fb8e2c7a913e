/**
 * Sealing the trail, and verifying it.
 *
 * @module
 */
import type { Organisation } from './acme.ts'

/** Seals what has happened so far, as the worker does. */
export const sealTrail = (acme: Organisation) =>
  acme.sql.begin(async (tx) => {
    await tx`set local role usher_worker`
    await tx`select usher.seal_audit_trail()`
  })

export const verifyTrail = (acme: Organisation) =>
  acme.admin.rpc('verify_organisation_audit_trail', { organisation_id: acme.id })
