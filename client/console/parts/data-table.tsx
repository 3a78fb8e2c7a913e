/**
 * A table of rows that are all there: sorted, searched, paged. Where it is narrow, each row is a card.
 *
 * @module
 */
import { Group, Pagination, Skeleton, Table, UnstyledButton, VisuallyHidden } from '@mantine/core'
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react'
import {
  type ColumnDef,
  columnFilteringFeature,
  createFilteredRowModel,
  createPaginatedRowModel,
  createSortedRowModel,
  filterFn_includesString,
  globalFilteringFeature,
  type RowData,
  rowPaginationFeature,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  sortFn_datetime,
  sortFn_text,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type ReactNode, useMemo, useState } from 'react'
import { useTexts } from '../app/language.tsx'

const features = tableFeatures({
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  rowPaginationFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
  paginatedRowModel: createPaginatedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text, datetime: sortFn_datetime },
  filterFns: { includesString: filterFn_includesString },
})

export type Column<Row extends RowData> = ColumnDef<typeof features, Row, unknown>

interface DataTableProps<Row extends RowData> {
  /** What the table shows, for screen readers. */
  label: string
  columns: Column<Row>[]
  /** undefined while they are on their way: skeletons stand in for them. */
  rows: Row[] | undefined
  rowId: (row: Row) => string
  /** Only rows in which some column holds this. */
  search?: string
  /** Rows on a page; all of them without it. */
  pageSize?: number
  initialSorting?: SortingState
  /** Shown when there are no rows. */
  empty: ReactNode
}

const NO_ROWS: never[] = []

export function DataTable<Row extends RowData>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowId, search = '', pageSize = 10_000, empty } = props
  const { common } = useTexts()
  const [pagination, setPagination] = useState({ pageIndex: 0, pageSize })
  const [sorting, setSorting] = useState<SortingState>(props.initialSorting ?? [])
  // As they come, a page of them is enough: of a hundred thousand rows, the table would copy each.
  const isAsGiven = sorting.length === 0 && search === ''
  const first = pagination.pageIndex * pageSize
  const data = useMemo(
    () => (isAsGiven && rows ? rows.slice(first, first + pageSize) : (rows ?? NO_ROWS)),
    [isAsGiven, rows, first, pageSize],
  )
  const table = useTable({
    features,
    columns,
    data,
    manualPagination: isAsGiven,
    getRowId: rowId,
    globalFilterFn: 'includesString',
    // A page stays where it is while rows change under it, as they do in a live list.
    autoResetPageIndex: false,
    state: { pagination, sorting, globalFilter: search },
    onPaginationChange: setPagination,
    onSortingChange: setSorting,
  })
  const pages = isAsGiven ? Math.ceil((rows?.length ?? 0) / pageSize) : table.getPageCount()
  const page = Math.min(pagination.pageIndex, Math.max(0, pages - 1))
  if (page !== pagination.pageIndex) setPagination({ pageIndex: page, pageSize })

  const shown = table.getRowModel().rows
  if (rows && shown.length === 0) return empty
  return (
    <>
      <Table className="usher-table" verticalSpacing="sm" aria-label={label} aria-busy={!rows}>
        <Table.Thead>
          {table.getHeaderGroups().map((group) => (
            <Table.Tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted()
                const title = labelOf(header.column.columnDef.header) || (
                  <VisuallyHidden>{common.actionsColumn}</VisuallyHidden>
                )
                return (
                  <Table.Th
                    key={header.id}
                    scope="col"
                    {...(sorted && {
                      'aria-sort':
                        sorted === 'asc' ? ('ascending' as const) : ('descending' as const),
                    })}
                  >
                    {header.column.getCanSort() ? (
                      <UnstyledButton
                        fz="sm"
                        fw={600}
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <Group gap={4} wrap="nowrap">
                          {title}
                          <SortIcon sorted={sorted} />
                        </Group>
                      </UnstyledButton>
                    ) : (
                      title
                    )}
                  </Table.Th>
                )
              })}
            </Table.Tr>
          ))}
        </Table.Thead>
        <Table.Tbody>
          {rows
            ? shown.map((row) => (
                <Table.Tr key={row.id}>
                  {row.getAllCells().map((cell) => (
                    <Table.Td key={cell.id} data-label={labelOf(cell.column.columnDef.header)}>
                      {contentOf(cell)}
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))
            : ['a', 'b', 'c', 'd', 'e'].map((row) => (
                <Table.Tr key={row}>
                  {columns.map((column, at) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
                    <Table.Td key={at} data-label={labelOf(column.header)}>
                      <Skeleton height={20} width={at === 0 ? '70%' : '50%'} />
                    </Table.Td>
                  ))}
                </Table.Tr>
              ))}
        </Table.Tbody>
      </Table>
      {pages > 1 && (
        <Pagination
          mt="md"
          total={pages}
          value={page + 1}
          onChange={(next) => setPagination({ pageIndex: next - 1, pageSize })}
          aria-label={common.page(page + 1, pages)}
          getControlProps={(control) => ({
            'aria-label': control === 'previous' ? common.previousPage : common.nextPage,
          })}
          getItemProps={(item) => ({ 'aria-label': common.page(item, pages) })}
        />
      )}
    </>
  )
}

/**
 * A cell is drawn by calling its function, not as a component of its own: as one, a new function would
 * throw away what is open or being typed in it.
 */
function contentOf<Context>(cell: {
  column: { columnDef: { cell?: unknown } }
  getContext(): Context
}): ReactNode {
  const draw = cell.column.columnDef.cell
  return typeof draw === 'function' ? draw(cell.getContext()) : null
}

function labelOf(header: unknown): string {
  return typeof header === 'string' ? header : ''
}

function SortIcon({ sorted }: { sorted: false | 'asc' | 'desc' }) {
  if (sorted === 'asc') return <IconArrowUp size={14} aria-hidden />
  if (sorted === 'desc') return <IconArrowDown size={14} aria-hidden />
  return <IconArrowsSort size={14} aria-hidden opacity={0.55} />
}
