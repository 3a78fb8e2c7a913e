/**
 * The manifest of a package: what it is about, and the SHA-256 of each file in it.
 *
 * @module
 */

import { sha256 } from './bytes.ts'
import type { Evidence } from './source.ts'

export const FORMAT = 'usher-evidence/1'
export const MANIFEST = 'manifest.json'
/** The same sums, and that of the manifest, as `sha256sum -c` reads them. */
export const SUMS = 'SHA256SUMS'

export interface Manifest {
  format: typeof FORMAT
  organisation: Evidence['organisation']
  since: string
  until: string
  collected_at: string
  has_member_addresses: boolean
  has_invite_addresses: boolean
  trail: {
    first_seal: number | null
    last_seal: number | null
    head_seal: number
    /** The hash of the newest seal: compare it with one that was noted elsewhere. */
    head_hash: string | null
    /** How many events say what happened, and how many are there by their hashes only. */
    events: number
    hashes_only: number
  }
  files: { path: string; bytes: number; sha256: string }[]
}

export type Files = Record<string, Uint8Array<ArrayBuffer>>

export async function sumsOf(files: Files): Promise<Manifest['files']> {
  const paths = Object.keys(files).sort()
  return Promise.all(
    paths.map(async (path) => {
      const bytes = files[path] as Uint8Array<ArrayBuffer>
      return { path, bytes: bytes.length, sha256: await sha256(bytes) }
    }),
  )
}

/** Two spaces between a sum and its file, as coreutils has it. */
export function sumsFile(sums: { path: string; sha256: string }[]): string {
  return sums.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('')
}
