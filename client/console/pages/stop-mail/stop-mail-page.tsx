/**
 * What the link to stop opens, which is in each invitation's mail: says what it does, and stops invitations
 * of one organisation, or of all of them, or lets them come again. Nothing happens before a button is pressed.
 *
 * @module
 */
import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { isUsherError } from '../../../index.ts'
import { useStopMail } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'

interface Agreed {
  isStopped: boolean
  /** Of all organisations, and not of the one alone. */
  everywhere: boolean
  /** Whose mail the link was in. */
  organisation: string
}

/** @param props.token - as the mail carries it; null when the address had none */
export function StopMailPage({ token }: { token: string | null }) {
  const { stopMail } = useTexts()
  const change = useStopMail()
  // What the server has agreed to last.
  const [agreed, setAgreed] = useState<Agreed | null>(null)
  const isWrong = !token || (isUsherError(change.error) && change.error.code === 'invite_invalid')

  const page = isWrong
    ? { ...stopMail.wrong, button: null }
    : !agreed
      ? stopMail.ask
      : agreed.isStopped
        ? agreed.everywhere
          ? stopMail.stoppedEverywhere
          : stopMail.stopped(agreed.organisation)
        : agreed.everywhere
          ? stopMail.resumedEverywhere
          : stopMail.resumed(agreed.organisation)
  usePageTitle(page.title)

  function ask(stopToken: string, stop: boolean, everywhere: boolean) {
    change.mutate(
      { token: stopToken, stop, everywhere },
      { onSuccess: (organisation) => setAgreed({ isStopped: stop, everywhere, organisation }) },
    )
  }
  // What was stopped is taken back as it was stopped, of one or of all.
  const isStopped = agreed?.isStopped ?? false
  const isTakenBackEverywhere = isStopped && agreed?.everywhere === true

  return (
    <SinglePage>
      <Stack gap="md" align="flex-start">
        <div role="status">
          <Title order={1} size="h3" mb="md">
            {page.title}
          </Title>
          <Text>{page.text}</Text>
        </div>
        {change.error && !isWrong && <ProblemAlert error={change.error} />}
        {token && page.button && (
          <Group>
            <Button
              variant={isStopped ? 'default' : 'filled'}
              loading={change.isPending}
              onClick={() => ask(token, !isStopped, isTakenBackEverywhere)}
            >
              {page.button}
            </Button>
            {!isTakenBackEverywhere && (
              <Button
                variant="default"
                loading={change.isPending}
                onClick={() => ask(token, true, true)}
              >
                {stopMail.everywhere}
              </Button>
            )}
          </Group>
        )}
      </Stack>
    </SinglePage>
  )
}
