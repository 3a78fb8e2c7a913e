/**
 * What an invitee sees who has just declined.
 *
 * @module
 */
import { Text, Title } from '@mantine/core'
import { useTexts } from '../../app/language.tsx'
import { SinglePage } from '../../parts/single-page.tsx'

export function Declined({ organisation }: { organisation: string }) {
  const { invite } = useTexts()
  return (
    <SinglePage>
      <Title order={1} size="h3" mb="sm">
        {invite.declinedTitle}
      </Title>
      <Text role="status">{invite.declinedText(organisation)}</Text>
    </SinglePage>
  )
}
