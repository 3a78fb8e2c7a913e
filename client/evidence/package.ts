/**
 * Makes a package of evidence: registers, trail and report in one ZIP, with a manifest.
 *
 * @module
 */
import { zipSync } from 'fflate'
import { bytesOf, sha256 } from './bytes.ts'
import { SEAL_COLUMNS, toCsv, toJson, toProof } from './files.ts'
import { type Files, FORMAT, MANIFEST, type Manifest, SUMS, sumsFile, sumsOf } from './manifest.ts'
import { readme } from './readme.ts'
import { report } from './report/report.ts'
import { allEvents, type EvidenceRow, type EvidenceSource } from './source.ts'
import { TABLES } from './tables.ts'
import { trailColumns, trailRows } from './trail-rows.ts'

export interface EvidencePackage {
  /** Such as `acme-2026-01-01-2026-04-01.zip`. */
  name: string
  zip: Uint8Array<ArrayBuffer>
  manifest: Manifest
  /** The SHA-256 of `manifest.json`: whoever notes it can tell later that the package is the same. */
  manifestSum: string
}

/**
 * @param source - gives what the package is made of; asking it is recorded in the trail
 * @returns the whole package, in memory: about 1 kB an event before it is packed
 */
export async function buildEvidencePackage(source: EvidenceSource): Promise<EvidencePackage> {
  const evidence = await source.collect()
  const events = await allEvents(source, evidence.trail)
  const { tables, trail } = evidence
  const rows = trailRows(events, tables.people ?? [])
  const { seals, ...range } = trail
  const about: Omit<Manifest, 'files'> = {
    format: FORMAT,
    organisation: evidence.organisation,
    since: evidence.since,
    until: evidence.until,
    collected_at: evidence.collected_at,
    has_member_addresses: evidence.has_member_addresses,
    has_invite_addresses: evidence.has_invite_addresses,
    trail: {
      ...range,
      head_hash: seals.at(-1)?.hash ?? null,
      events: rows.length,
      hashes_only: events.length - rows.length,
    },
  }

  const files: Files = {
    'README.txt': bytesOf(readme(about)),
    'report.html': bytesOf(await report(about, tables, rows)),
    'trail/proof.jsonl': bytesOf(toProof(events)),
  }
  const add = (path: string, of: EvidenceRow[], columns: readonly string[]) => {
    files[`${path}.json`] = bytesOf(toJson(of, columns))
    files[`${path}.csv`] = bytesOf(toCsv(of, columns))
  }
  for (const { name, columns } of TABLES) add(`tables/${name}`, tables[name] ?? [], columns)
  add('trail/seals', seals as unknown as EvidenceRow[], SEAL_COLUMNS)
  add('trail/events', rows, trailColumns(rows))

  const manifest: Manifest = { ...about, files: await sumsOf(files) }
  files[MANIFEST] = bytesOf(`${JSON.stringify(manifest, null, 2)}\n`)
  const manifestSum = await sha256(files[MANIFEST])
  files[SUMS] = bytesOf(sumsFile([...manifest.files, { path: MANIFEST, sha256: manifestSum }]))

  const day = (time: string) => time.slice(0, 10)
  return {
    name: `${evidence.organisation.slug}-${day(evidence.since)}-${day(evidence.until)}.zip`,
    zip: zipSync(files, { mtime: new Date(evidence.collected_at) }),
    manifest,
    manifestSum,
  }
}
