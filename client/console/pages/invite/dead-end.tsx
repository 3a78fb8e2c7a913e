/**
 * A link that leads no further: why, and the next step.
 *
 * @module
 */
import { Alert, Anchor, Badge, Button, Code, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import type { InvitePreview, Landing } from '../../../index.ts'
import { useUsher } from '../../../react/provider.tsx'
import { useTexts } from '../../app/language.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'

interface DeadEndProps {
  preview: InvitePreview
  landing: Landing
}

export function DeadEnd({ preview, landing }: DeadEndProps) {
  const { invite, common } = useTexts()
  const { status, organisationId, organisationName, reason } = preview
  // Withdrawn by nobody: what to do about it is said by the reason.
  const end = reason === 'inviter_lost_right' ? reason : status
  const { title, text } = invite.deadEnds[end === 'pending' ? 'invalid' : end]
  usePageTitle(title)

  return (
    <SinglePage>
      <Stack gap="md" align="flex-start">
        {organisationName && (
          <Badge variant="light" tt="none" size="lg" maw="100%">
            {organisationName}
          </Badge>
        )}
        <Title order={1} size="h3">
          {title}
        </Title>
        <Text>{text}</Text>
        {status === 'expired' && <AskAgain landing={landing} />}
        {status === 'accepted' && organisationId && organisationName && (
          <Anchor component={Link} to={`/organisations/${organisationId}`}>
            {invite.toOrganisation(organisationName)}
          </Anchor>
        )}
        {status !== 'expired' && status !== 'accepted' && (
          <Anchor component={Link} to="/">
            {invite.toOrganisations}
          </Anchor>
        )}
        {reason && (
          <Text size="xs" c="dimmed">
            {common.errorCode}: <Code>{reason}</Code>
          </Text>
        )}
      </Stack>
    </SinglePage>
  )
}

/** The answer is the same whatever happens, so that nobody learns from it who is invited. */
function AskAgain({ landing }: { landing: Landing }) {
  const { invite } = useTexts()
  const usher = useUsher()
  const [isAsked, setIsAsked] = useState(false)
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  async function ask() {
    setIsBusy(true)
    const { error } = await usher.invites.requestResend(landing.token ?? '')
    setIsBusy(false)
    setError(error ?? undefined)
    setIsAsked(!error)
  }

  if (isAsked) {
    return (
      <Alert variant="outline" title={invite.askedTitle} role="status">
        {invite.asked}
      </Alert>
    )
  }
  return (
    <>
      {error !== undefined && <ProblemAlert isInvitee error={error} />}
      <Button loading={isBusy} onClick={ask}>
        {invite.askForNew}
      </Button>
    </>
  )
}
