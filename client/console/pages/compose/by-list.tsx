/**
 * Invites many: list or file, columns, rows, sending, result.
 *
 * @module
 */
import { useEffect, useRef, useState } from 'react'
import type { RoleName } from '../../../index.ts'
import { useDraft } from '../../app/use-draft.ts'
import { useGivableRoles } from '../../parts/role-choice.tsx'
import type { List } from './list.ts'
import { ListColumns } from './list-columns.tsx'
import { ListRows } from './list-rows.tsx'
import { ListSource } from './list-source.tsx'
import { NO_OPTIONS } from './mail-options.tsx'
import { type Row, toRows } from './rows.ts'
import type { WorkProgress } from './use-list-reader.ts'

export function ByList() {
  const givable = useGivableRoles()
  const [text, setText] = useState('')
  const [list, setList] = useState<List | null>(null)
  const [rows, setRows] = useState<Row[] | null>(null)
  const [defaultRoles, setDefaultRoles] = useState<RoleName[]>(['member'])
  const [options, setOptions] = useState(NO_OPTIONS)

  const checking = useRef<AbortController | null>(null)
  const [progress, setProgress] = useState<WorkProgress | null>(null)
  useEffect(() => () => checking.current?.abort(), [])

  async function check(read: List) {
    const controller = new AbortController()
    const { signal } = controller
    checking.current = controller
    setProgress({ done: 0, total: read.records.length })
    const found = await toRows(read, givable, defaultRoles, { onProgress: setProgress, signal })
    if (signal.aborted) return
    setProgress(null)
    setRows(found)
  }

  function stop() {
    checking.current?.abort()
    setProgress(null)
  }

  useDraft('invite by list', {
    values: { text, list, rows, defaultRoles, options },
    isDirty: text !== '' || list !== null,
    restore(kept) {
      setText(kept.text)
      setList(kept.list)
      setRows(kept.rows)
      setDefaultRoles(kept.defaultRoles)
      setOptions(kept.options)
    },
  })

  if (rows) {
    return (
      <ListRows
        rows={rows}
        onChange={setRows}
        options={options}
        onOptions={setOptions}
        onStartOver={() => {
          setRows(null)
          setList(null)
          setText('')
          setOptions(NO_OPTIONS)
        }}
      />
    )
  }
  if (list) {
    return (
      <ListColumns
        list={list}
        onChange={setList}
        defaultRoles={defaultRoles}
        onDefaultRoles={setDefaultRoles}
        onBack={() => setList(null)}
        progress={progress}
        onStop={stop}
        onDone={() => void check(list)}
      />
    )
  }
  return <ListSource text={text} onText={setText} onRead={setList} />
}
