/**
 * Packages as somebody could forge them: unpacked, changed, and packed again, with or without new sums.
 *
 * @module
 */
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import { sha256 } from '../../client/evidence/bytes.ts'
import { type Manifest, sumsFile, sumsOf } from '../../client/evidence/manifest.ts'
import type { EvidenceEvent } from '../../client/evidence/source.ts'

export type Texts = Record<string, string>

/** The files of a package as text. */
export function unpack(zip: Uint8Array): Texts {
  return Object.fromEntries(
    Object.entries(unzipSync(zip)).map(([path, bytes]) => [path, strFromU8(bytes)]),
  )
}

/** Packs files as they are: the sums tell what was changed. */
export function pack(texts: Texts): Uint8Array {
  return zipSync(
    Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, strToU8(text)])),
  )
}

/** Packs files with sums made anew, as somebody does who knows the format. */
export async function forge(texts: Texts): Promise<Uint8Array> {
  const { 'manifest.json': manifest = '', SHA256SUMS: _, ...content } = texts
  const files = Object.fromEntries(
    Object.entries(content).map(([path, text]) => [path, new Uint8Array(strToU8(text))]),
  )
  const sums = await sumsOf(files)
  const forged = `${JSON.stringify({ ...(JSON.parse(manifest) as Manifest), files: sums }, null, 2)}\n`
  const own = { path: 'manifest.json', sha256: await sha256(new Uint8Array(strToU8(forged))) }
  return pack({ ...content, 'manifest.json': forged, SHA256SUMS: sumsFile([...sums, own]) })
}

export function eventsOf(texts: Texts): EvidenceEvent[] {
  return (texts['trail/proof.jsonl'] ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

export const withEvents = (texts: Texts, events: EvidenceEvent[]): Texts => ({
  ...texts,
  'trail/proof.jsonl': events.map((event) => `${JSON.stringify(event)}\n`).join(''),
})

/** With the rows of a table changed, in both of its files. */
export function withTable(
  texts: Texts,
  table: string,
  change: (rows: Record<string, unknown>[]) => void,
  toCsv: (rows: Record<string, unknown>[]) => string,
): Texts {
  const path = `tables/${table}`
  const rows = JSON.parse(texts[`${path}.json`] ?? '[]')
  change(rows)
  return { ...texts, [`${path}.json`]: JSON.stringify(rows), [`${path}.csv`]: toCsv(rows) }
}
