/**
 * Invites many: list or file, columns, rows, sending, result.
 *
 * @module
 */
import { useState } from 'react'
import type { RoleName } from '../../../index.ts'
import { useGivableRoles } from '../../parts/role-choice.tsx'
import { ListColumns } from './list-columns.tsx'
import { ListRows } from './list-rows.tsx'
import { ListSource } from './list-source.tsx'
import type { List } from './read-list.ts'
import { type Row, toRows } from './rows.ts'

export function ByList() {
  const givable = useGivableRoles()
  const [list, setList] = useState<List | null>(null)
  const [rows, setRows] = useState<Row[] | null>(null)
  const [defaultRoles, setDefaultRoles] = useState<RoleName[]>(['member'])

  if (rows) {
    return (
      <ListRows
        rows={rows}
        onChange={setRows}
        onStartOver={() => {
          setRows(null)
          setList(null)
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
  return <ListSource onRead={setList} />
}
