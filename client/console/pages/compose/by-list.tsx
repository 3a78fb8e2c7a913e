/**
 * Invites many: list or file, columns, rows, sending, result.
 *
 * @module
 */
import { useState } from 'react'
import type { RoleName } from '../../../index.ts'
import { useDraft } from '../../app/use-draft.ts'
import { useGivableRoles } from '../../parts/role-choice.tsx'
import { ListColumns } from './list-columns.tsx'
import { ListRows } from './list-rows.tsx'
import { ListSource } from './list-source.tsx'
import { NO_OPTIONS } from './mail-options.tsx'
import type { List } from './read-list.ts'
import { type Row, toRows } from './rows.ts'

export function ByList() {
  const givable = useGivableRoles()
  const [text, setText] = useState('')
  const [list, setList] = useState<List | null>(null)
  const [rows, setRows] = useState<Row[] | null>(null)
  const [defaultRoles, setDefaultRoles] = useState<RoleName[]>(['member'])
  const [options, setOptions] = useState(NO_OPTIONS)

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
        onDone={() => setRows(toRows(list, givable, defaultRoles))}
      />
    )
  }
  return <ListSource text={text} onText={setText} onRead={setList} />
}
