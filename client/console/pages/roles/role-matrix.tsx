/**
 * Permissions down, roles across.
 *
 * @module
 */
import { ScrollArea, Table, Text, VisuallyHidden } from '@mantine/core'
import { IconCheck, IconMinus } from '@tabler/icons-react'
import type { Role } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { permissionsOf } from './permissions-of.ts'

export function RoleMatrix({ roles }: { roles: Role[] }) {
  const { roles: words, permissions: texts } = useTexts()
  const format = useFormat()
  const names: Record<string, string> = texts
  // Those that may most stand first; built-in ones before an organisation's own.
  const sorted = [...roles].sort(
    (a, b) =>
      Number(a.organisationId !== null) - Number(b.organisationId !== null) ||
      b.permissions.length - a.permissions.length,
  )
  return (
    <ScrollArea viewportProps={{ tabIndex: 0, role: 'group', 'aria-label': words.matrix }}>
      <Table aria-label={words.matrix} highlightOnHover miw={520}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{words.permission}</Table.Th>
            {sorted.map(({ id, name }) => (
              <Table.Th key={id} scope="col" ta="center">
                {format.role(name)}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {permissionsOf(roles).map((permission) => (
            <Table.Tr key={permission}>
              <Table.Th scope="row" fw={400}>
                <Text size="sm">{names[permission] ?? permission}</Text>
                <Text size="xs" c="dimmed">
                  {permission}
                </Text>
              </Table.Th>
              {sorted.map(({ id, permissions }) => (
                <Table.Td key={id} ta="center">
                  {permissions.includes(permission) ? (
                    <>
                      <IconCheck size={18} aria-hidden />
                      <VisuallyHidden>{words.may}</VisuallyHidden>
                    </>
                  ) : (
                    <>
                      <IconMinus size={16} aria-hidden color="var(--mantine-color-dimmed)" />
                      <VisuallyHidden>{words.mayNot}</VisuallyHidden>
                    </>
                  )}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  )
}
