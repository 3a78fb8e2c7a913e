/**
 * Sends rows in chunks, so that there is progress to see and a place to stop.
 *
 * @module
 */
import { useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import type { UsherError } from '../../../index.ts'
import { useUsher, usherKeys } from '../../../react/index.ts'
import { useOrganisation } from '../../app/organisation.tsx'
import { type MailOptions, toDraft } from './mail-options.tsx'
import type { Row } from './rows.ts'

/** Small enough to see something move, large enough for ten thousand not to take long. */
const CHUNK = 500

export function useSending(options: MailOptions, rows: Row[], onChange: (rows: Row[]) => void) {
  const usher = useUsher()
  const { id } = useOrganisation()
  const queryClient = useQueryClient()
  const stopping = useRef<AbortController | null>(null)
  const [progress, setProgress] = useState<{ done: number; total: number } | null>(null)
  const [error, setError] = useState<UsherError | null>(null)

  async function send(ready: Row[]) {
    stopping.current = new AbortController()
    setError(null)
    setProgress({ done: 0, total: ready.length })
    const common = toDraft(options)
    const result = await usher.invites.createMany(
      id,
      ready.map(({ email, roles, message, locale, others }) => ({
        email: email.trim(),
        roles,
        ...common,
        ...others,
        ...(message && { message }),
        ...(locale && { locale }),
      })),
      {
        chunkSize: CHUNK,
        signal: stopping.current.signal,
        onProgress: ({ done }) => setProgress({ done, total: ready.length }),
      },
    )
    setProgress(null)
    if (result.error) setError(result.error)
    const outcomes = new Map(
      // What was stopped before it was sent can be sent again.
      result.data?.flatMap((outcome, at) =>
        outcome.status === 'failed' && outcome.errorCode === 'aborted'
          ? []
          : [[ready[at]?.id, outcome] as const],
      ),
    )
    onChange(rows.map((row) => ({ ...row, outcome: outcomes.get(row.id) ?? row.outcome })))
    await queryClient.invalidateQueries({ queryKey: usherKeys.organisation(id) })
  }

  return { progress, error, send, stop: () => stopping.current?.abort() }
}
