/**
 * Checks a package with nothing but the package: its sums, its trail, and that its parts agree.
 *
 * @module
 */
import { unzipSync } from 'fflate'
import { sha256, textOf } from './bytes.ts'
import { toCsv, toJson } from './files.ts'
import { type Files, FORMAT, MANIFEST, type Manifest, SUMS, sumsFile, sumsOf } from './manifest.ts'
import type { EvidenceEvent, EvidenceRow, Seal } from './source.ts'
import { TABLES } from './tables.ts'
import { trailColumns, trailRows } from './trail-rows.ts'
import { verifyTables } from './verify-tables.ts'
import { type TrailProblem, verifyTrail } from './verify-trail.ts'

export interface PackageProblem {
  problem: TrailProblem['problem'] | 'file_changed' | 'file_missing' | 'file_added' | 'unknown_seal'
  /** In words. */
  what: string
  file: string | null
  event_id: string | null
  seal_number: number | null
}

export interface Verification {
  isWhole: boolean
  /** What does not fit: the trail first, then files. */
  problems: PackageProblem[]
  manifest: Manifest
  /** Compare it with the one that was shown when the package was made. */
  manifestSum: string
}

export interface VerifyOptions {
  /** Hashes of seals that were noted elsewhere: each has to be in the chain. Hex. */
  knownSeals?: string[] | undefined
}

/**
 * @param zip - the package, packed
 * @throws when it is no package of evidence, or one of a later format
 */
export async function verifyEvidencePackage(
  zip: Uint8Array,
  { knownSeals = [] }: VerifyOptions = {},
): Promise<Verification> {
  const files = unpack(zip)
  const manifest = readManifest(files)
  const events = lines<EvidenceEvent>(files['trail/proof.jsonl'])
  const seals = parse<Seal[]>(files['trail/seals.json']) ?? []

  const { organisation, trail } = manifest
  const range = {
    ...trail,
    organisation_id: organisation.id,
    since: manifest.since,
    until: manifest.until,
  }
  const problems: PackageProblem[] = (await verifyTrail(events, seals, range)).map((each) => ({
    ...each,
    file: 'trail/proof.jsonl',
  }))
  if ((seals.at(-1)?.hash ?? null) !== trail.head_hash) {
    problems.push(
      inFile(
        'file_changed',
        'trail/seals.json',
        'The newest seal is not the one that the manifest names.',
      ),
    )
  }
  for (const known of knownSeals) {
    if (seals.some(({ hash }) => hash === known.toLowerCase())) continue
    const what = `The seal ${known} is not in this chain: it is of another time, or the chain was made anew.`
    problems.push({
      problem: 'unknown_seal',
      what,
      file: 'trail/seals.json',
      event_id: null,
      seal_number: null,
    })
  }
  problems.push(...readableProblems(files, events), ...verifyTables(files, events))
  problems.push(...(await sumProblems(files, manifest)))

  const manifestSum = await sha256(files[MANIFEST] as Uint8Array<ArrayBuffer>)
  return { isWhole: problems.length === 0, problems, manifest, manifestSum }
}

function unpack(zip: Uint8Array): Files {
  try {
    return unzipSync(zip) as Files
  } catch (error) {
    throw new Error('This is no ZIP file, or a damaged one.', { cause: error })
  }
}

function readManifest(files: Files): Manifest {
  const manifest = parse<Manifest>(files[MANIFEST])
  if (manifest?.format === FORMAT) return manifest
  throw new Error(
    manifest?.format
      ? `This package is of the format ${manifest.format}, and this program reads ${FORMAT}.`
      : `This is no package of evidence: it has no ${MANIFEST} that can be read.`,
  )
}

/** What people read has to say what was sealed: it is made anew and compared, line by line. */
function readableProblems(files: Files, events: EvidenceEvent[]): PackageProblem[] {
  let rows: EvidenceRow[]
  try {
    rows = trailRows(events, parse<EvidenceRow[]>(files['tables/people.json']) ?? [])
  } catch {
    // A text that is no JSON has been found already.
    return []
  }
  const expected: Record<string, string> = {
    'trail/events.json': toJson(rows, trailColumns(rows)),
    'trail/events.csv': toCsv(rows, trailColumns(rows)),
  }
  for (const { name, columns } of TABLES) {
    const table = parse<EvidenceRow[]>(files[`tables/${name}.json`])
    if (table) expected[`tables/${name}.csv`] = toCsv(table, columns)
  }
  return Object.entries(expected).flatMap(([path, text]) => {
    const bytes = files[path]
    if (!bytes || textOf(bytes) === text) return []
    const source = path.startsWith('trail/') ? 'trail/proof.jsonl' : path.replace('.csv', '.json')
    const line = firstDifference(textOf(bytes), text)
    const event = path.startsWith('trail/') ? rowAt(rows, line, path)?.event_id : undefined
    const about = event ? ` (event ${event})` : ''
    const what = `${path} does not say what ${source} says, first in line ${line}${about}.`
    return {
      ...inFile('file_changed', path, what),
      event_id: (event as string | undefined) ?? null,
    }
  })
}

/** The row that stands in a line, after the first one; in CSV, a row with line breaks takes several. */
function rowAt(rows: EvidenceRow[], line: number, path: string): EvidenceRow | undefined {
  let next = 2
  return rows.find((row) => {
    const breaks = path.endsWith('.csv')
      ? Object.values(row).reduce<number>((n, cell) => n + breaksIn(cell), 0)
      : 0
    next += 1 + breaks
    return line < next
  })
}

const breaksIn = (cell: unknown) => (typeof cell === 'string' ? cell.split('\n').length - 1 : 0)

/** @returns from 1 */
function firstDifference(one: string, other: string): number {
  const theirs = other.split('\n')
  const at = one.split('\n').findIndex((line, index) => line !== theirs[index])
  return (at === -1 ? theirs.length : at) + 1
}

async function sumProblems(files: Files, manifest: Manifest): Promise<PackageProblem[]> {
  const { [MANIFEST]: manifestFile, [SUMS]: sums, ...content } = files
  const found = new Map((await sumsOf(content)).map((each) => [each.path, each.sha256]))
  const problems = manifest.files.flatMap(({ path, sha256 }) => {
    const sum = found.get(path)
    found.delete(path)
    if (sum === sha256) return []
    return sum
      ? inFile('file_changed', path, `${path} does not have the sum that the manifest names.`)
      : inFile('file_missing', path, `${path} is in the manifest, and not in the package.`)
  })
  for (const path of found.keys()) {
    problems.push(inFile('file_added', path, `${path} is in the package, and not in the manifest.`))
  }
  const own = { path: MANIFEST, sha256: await sha256(manifestFile as Uint8Array<ArrayBuffer>) }
  if (!sums || textOf(sums) !== sumsFile([...manifest.files, own])) {
    problems.push(inFile('file_changed', SUMS, `${SUMS} does not hold the sums of the manifest.`))
  }
  return problems
}

function inFile(problem: PackageProblem['problem'], file: string, what: string): PackageProblem {
  return { problem, what, file, event_id: null, seal_number: null }
}

function parse<T>(bytes: Uint8Array | undefined): T | null {
  return bytes ? parseText(textOf(bytes)) : null
}

/** A line that is no JSON is left out, and missed in its seal. */
function lines<T>(bytes: Uint8Array | undefined): T[] {
  if (!bytes) return []
  return textOf(bytes)
    .split('\n')
    .flatMap((line) => parseText<T>(line) ?? [])
}

function parseText<T>(text: string): T | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
