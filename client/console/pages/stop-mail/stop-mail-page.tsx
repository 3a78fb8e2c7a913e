/**
 * What the link to stop opens, which is in each invitation's mail: says what it does, and stops invitations
 * of one organisation, or lets them come again. Nothing happens before a button is pressed.
 *
 * @module
 */
import { Button, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { isUsherError } from '../../../index.ts'
import { useStopMail } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { usePageTitle } from '../../app/use-page-title.ts'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SinglePage } from '../../parts/single-page.tsx'

/** @param props.token - as the mail carries it; null when the address had none */
export function StopMailPage({ token }: { token: string | null }) {
  const { stopMail } = useTexts()
  const change = useStopMail()
  // What the server has agreed to last.
  const [agreed, setAgreed] = useState<{ isStopped: boolean; organisation: string } | null>(null)
  const isWrong = !token || (isUsherError(change.error) && change.error.code === 'invite_invalid')

  const page = isWrong
    ? { ...stopMail.wrong, button: null }
    : !agreed
      ? stopMail.ask
      : agreed.isStopped
        ? stopMail.stopped(agreed.organisation)
        : stopMail.resumed(agreed.organisation)
  usePageTitle(page.title)

  function press(stopToken: string) {
    const stop = !agreed?.isStopped
    change.mutate(
      { token: stopToken, stop },
      { onSuccess: (organisation) => setAgreed({ isStopped: stop, organisation }) },
    )
  }

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
          <Button
            variant={agreed?.isStopped ? 'default' : 'filled'}
            loading={change.isPending}
            onClick={() => press(token)}
          >
            {page.button}
          </Button>
        )}
      </Stack>
    </SinglePage>
  )
}
