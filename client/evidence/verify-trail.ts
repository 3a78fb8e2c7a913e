/**
 * Recomputes the chain of seals out of a package, and says the first event that does not fit.
 *
 * @module
 */
import { bytesOf, fromHex, sha256 } from './bytes.ts'
import type { EvidenceEvent, Seal } from './source.ts'
import { readEvent, type SaidEvent } from './trail-rows.ts'

export interface TrailProblem {
  problem:
    | 'event_changed'
    | 'event_removed'
    | 'event_inserted'
    | 'event_reordered'
    | 'seal_broken'
    | 'seal_removed'
  /** In words. */
  what: string
  event_id: string | null
  seal_number: number | null
}

export interface TrailRange {
  organisation_id: string
  first_seal: number | null
  last_seal: number | null
  head_seal: number
  /** ISO 8601. */
  since: string
  until: string
}

/** @returns what is wrong, in the order of the trail; none when it is whole */
export async function verifyTrail(
  events: EvidenceEvent[],
  seals: Seal[],
  range: TrailRange,
): Promise<TrailProblem[]> {
  const { first_seal, head_seal } = range
  if (first_seal === null) return []
  const bySeal = new Map<number, EvidenceEvent[]>()
  for (const event of events) {
    const covered = bySeal.get(event.seal_number)
    if (covered) covered.push(event)
    else bySeal.set(event.seal_number, [event])
  }
  const sealOf = new Map(seals.map((seal) => [seal.number, seal]))
  const problems: TrailProblem[] = []

  // What a seal tells to be gone is believed only where a sealed event says that it was removed.
  let purgedUpTo = 0
  for (const { event } of events) {
    const said = event === null ? null : saidBy(event)
    if (said?.event !== 'audit.purged') continue
    purgedUpTo = Math.max(
      purgedUpTo,
      Number((said.after as { up_to_seal?: number })?.up_to_seal ?? 0),
    )
  }

  for (const number of bySeal.keys()) {
    if (number < first_seal || number > head_seal) {
      const event_id = bySeal.get(number)?.[0]?.event_id ?? null
      const what = `No seal ${number} belongs to this package.`
      problems.push({ problem: 'event_inserted', what, event_id, seal_number: number })
    }
  }
  problems.push(...edgeProblems(seals, range))
  let previous = first_seal === 1 ? '' : sealOf.get(first_seal - 1)?.hash
  for (let number = first_seal; number <= head_seal; number += 1) {
    const seal = sealOf.get(number)
    const covered = bySeal.get(number) ?? []
    if (!seal || previous === undefined) {
      const what = `Seal ${seal ? number - 1 : number} is missing.`
      problems.push({ problem: 'seal_removed', what, event_id: null, seal_number: number })
      previous = seal?.hash
      continue
    }
    const before = problems.length
    problems.push(...orderProblems(covered, seal))
    problems.push(...(await eventProblems(covered, seal, range, purgedUpTo)))

    const hashes = covered
      .map(({ event_hash, personal_hash }) => event_hash + personal_hash)
      .join('')
    const fits = (await sha256(fromHex(previous + hashes))) === seal.hash
    // Where an event is at fault, the seal cannot fit: the event is what to look at.
    if (!fits && problems.length === before) {
      const what = `Seal ${number} does not fit its ${seal.events} events and the seal before: hashes were changed together.`
      problems.push({ problem: 'seal_broken', what, event_id: null, seal_number: number })
    }
    previous = seal.hash
  }
  return problems
}

/** A time as exact as Postgres has it: `Date` would take two of the same millisecond for one. */
function microseconds(time: string): number {
  const fraction = time.match(/\.(\d+)/)?.[1] ?? ''
  return Date.parse(time) * 1000 + Number(fraction.padEnd(6, '0').slice(3, 6))
}

/** Whether a seal that is said to be before or after the period is not of it, going by its own times. */
function edgeProblems(
  seals: Seal[],
  { first_seal, last_seal, since, until }: TrailRange,
): TrailProblem[] {
  const begin = microseconds(since)
  const end = microseconds(until)
  return seals.flatMap(({ number, first_event_at, last_event_at }) => {
    const isBefore = number < (first_seal ?? 0) && microseconds(last_event_at) >= begin
    const isAfter = number > (last_seal ?? 0) && microseconds(first_event_at) < end
    if (!isBefore && !isAfter) return []
    const what = `Seal ${number} covers events of the period, and what they say is missing.`
    return { problem: 'event_removed', what, event_id: null, seal_number: number }
  })
}

/** Whether the events of a seal are all there, each in its place. */
function orderProblems(covered: EvidenceEvent[], seal: Seal): TrailProblem[] {
  const seal_number = seal.number
  const problems: TrailProblem[] = []
  let last = 0
  let lastAt = ''
  for (const { position, event_id, event } of covered) {
    const at = (event === null ? null : saidBy(event))?.occurred_at ?? lastAt
    if (position > last + 1) {
      const missing = position - last > 2 ? `${last + 1} to ${position - 1}` : `${last + 1}`
      const what = `Event ${missing} of seal ${seal_number} is missing, before event ${event_id}.`
      problems.push({ problem: 'event_removed', what, event_id, seal_number })
    } else if (position <= last || at < lastAt) {
      const what = `Event ${event_id} is not in its place under seal ${seal_number}.`
      problems.push({ problem: 'event_reordered', what, event_id, seal_number })
    }
    last = Math.max(last, position)
    lastAt = at
  }
  if (last < seal.events) {
    const what = `The last ${seal.events - last} events of seal ${seal_number} are missing.`
    problems.push({ problem: 'event_removed', what, event_id: null, seal_number })
  } else if (last > seal.events) {
    const what = `Seal ${seal_number} covers ${seal.events} events, and here are ${last}.`
    problems.push({
      problem: 'event_inserted',
      what,
      event_id: covered.at(-1)?.event_id ?? null,
      seal_number,
    })
  }
  return problems
}

/** Whether each event of a seal says what was sealed. */
async function eventProblems(
  covered: EvidenceEvent[],
  seal: Seal,
  range: TrailRange,
  purgedUpTo: number,
): Promise<TrailProblem[]> {
  const found = await Promise.all(
    covered.map(async (event): Promise<TrailProblem | null> => {
      const { event_id, seal_number } = event
      if (event.event === null) {
        const isGone = seal.purged_at !== null && seal.number <= purgedUpTo
        if (seal.number > (range.last_seal ?? 0) || isGone) return null
        const what = `What event ${event_id} says is missing, and nothing tells that its time was over.`
        return { problem: 'event_removed', what, event_id, seal_number }
      }
      const part = await changedPart(event, range)
      const what = `Event ${event_id} was changed: ${part}.`
      return part ? { problem: 'event_changed', what, event_id, seal_number } : null
    }),
  )
  return found.filter((each) => each !== null)
}

/** @returns what does not fit, in words; null when all of it does */
async function changedPart(event: EvidenceEvent, range: TrailRange): Promise<string | null> {
  const said = saidBy(event.event as string)
  if ((await sha256(bytesOf(event.event as string))) !== event.event_hash) {
    return 'its text does not have the hash that was sealed'
  }
  if (said?.id !== event.event_id || said.organisation_id !== range.organisation_id) {
    return 'its text is that of another event'
  }
  if (event.personal_salt === null) {
    const isErased = event.personal === '[null, null, null]'
    return isErased ? null : 'there is something personal where it was erased'
  }
  const salted = await sha256(fromHex(event.personal_salt), bytesOf(event.personal ?? ''))
  return salted === event.personal_hash
    ? null
    : 'reason, address or browser do not have the hash that was sealed'
}

function saidBy(text: string): SaidEvent | null {
  try {
    return readEvent(text)
  } catch {
    return null
  }
}
