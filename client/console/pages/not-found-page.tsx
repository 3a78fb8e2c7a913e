/**
 * An address behind which there is nothing, or nothing that the reader may see.
 *
 * @module
 */
import { Anchor, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { useTexts } from '../app/language.tsx'
import { usePageTitle } from '../app/use-page-title.ts'
import { SinglePage } from '../parts/single-page.tsx'

export function NotFoundPage() {
  const { common } = useTexts()
  usePageTitle(common.notFoundTitle)
  return (
    <SinglePage>
      <Title order={1} size="h3" mb="sm">
        {common.notFoundTitle}
      </Title>
      <Text mb="md">{common.notFound}</Text>
      <Anchor component={Link} to="/">
        {common.toStart}
      </Anchor>
    </SinglePage>
  )
}
