/**
 * Has a list read beside the page: how far it is, a way to stop it, and what came of it.
 *
 * @module
 */
import { useEffect, useRef, useState } from 'react'
import type { ListRecord } from '../../../csv/records.ts'
import type { List, Unread, Wanted } from './list.ts'
import type { Asked, Said } from './list-worker.ts'

export interface WorkProgress {
  done: number
  total: number
}

export function useListReader(onRead: (list: List) => void) {
  const worker = useRef<Worker | null>(null)
  const [progress, setProgress] = useState<WorkProgress | null>(null)
  const [unread, setUnread] = useState<Unread | null>(null)
  const stop = () => {
    worker.current?.terminate()
    worker.current = null
    setProgress(null)
  }
  useEffect(() => () => worker.current?.terminate(), [])

  function read(source: File | string, wanted: Wanted = {}) {
    stop()
    setUnread(null)
    setProgress({ done: 0, total: 0 })
    const records: ListRecord[] = []
    const working = new Worker(new URL('./list-worker.ts', import.meta.url), { type: 'module' })
    worker.current = working
    const refuse = (why: Unread) => {
      stop()
      setUnread(why)
    }
    working.addEventListener('error', () => refuse({ code: 'broken', choices: [] }))
    working.addEventListener('message', ({ data }: MessageEvent<Said>) => {
      if (worker.current !== working) return
      if ('records' in data) for (const record of data.records) records.push(record)
      else if ('unread' in data) refuse(data.unread)
      else if ('list' in data) {
        stop()
        const at = data.list.names?.number
        // The same object as among the rows.
        const names = records.find(({ number }) => number === at) ?? null
        onRead({ ...data.list, names, records })
      } else setProgress(data)
    })
    working.postMessage({ source, wanted } satisfies Asked)
  }

  return { progress, unread, read, stop, refuse: setUnread }
}
