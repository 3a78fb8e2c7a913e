/**
 * Evidence for auditors: packages of registers, trail and report, and their verification without a network.
 *
 * @module
 */
export { apiSource } from './api-source.ts'
export { databaseSource } from './database-source.ts'
export type { Manifest } from './manifest.ts'
export { buildEvidencePackage, type EvidencePackage } from './package.ts'
export type { Evidence, EvidenceEvent, EvidenceSource, Seal } from './source.ts'
export {
  type PackageProblem,
  type Verification,
  type VerifyOptions,
  verifyEvidencePackage,
} from './verify.ts'
