/**
 * Directories: identity providers that keep the members, and applications that are told of them.
 *
 * @module
 */
import { Stack } from '@mantine/core'
import { useTexts } from '../../app/language.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Endpoints } from './endpoints.tsx'
import { Tokens } from './tokens.tsx'

export function DirectoriesPage() {
  const { directories } = useTexts()
  return (
    <Needs permission="directory.manage">
      <PageHead title={directories.title} />
      <Stack gap="xl">
        <Tokens />
        <Endpoints />
      </Stack>
    </Needs>
  )
}
