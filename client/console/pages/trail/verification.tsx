/**
 * Verifies with one click that nobody has tampered with the trail.
 *
 * @module
 */
import { Alert, Button, Code, Group, Text } from '@mantine/core'
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react'
import { useState } from 'react'
import type { AuditVerification, UsherError } from '../../../index.ts'
import { useUsher } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

export function Verification() {
  const { trail } = useTexts()
  const { id } = useOrganisation()
  const usher = useUsher()
  const [result, setResult] = useState<AuditVerification | null>(null)
  const [error, setError] = useState<UsherError | null>(null)
  const [isBusy, setIsBusy] = useState(false)

  async function verify() {
    setIsBusy(true)
    const { data, error } = await usher.audit.verify(id)
    setResult(data)
    setError(error)
    setIsBusy(false)
  }

  return (
    <Group mb="lg" align="flex-start">
      <Button
        leftSection={<IconShieldCheck size={18} aria-hidden />}
        loading={isBusy}
        onClick={verify}
      >
        {trail.verify}
      </Button>
      {error && <ProblemAlert error={error} />}
      {result && <Outcome result={result} />}
    </Group>
  )
}

function Outcome({ result }: { result: AuditVerification }) {
  const { trail } = useTexts()
  const format = useFormat()
  const waiting = result.events - result.sealedEvents
  if (!result.isWhole) {
    return (
      <Alert
        color="red"
        variant="outline"
        role="alert"
        title={trail.broken}
        icon={<IconShieldX aria-hidden />}
        flex={1}
      >
        <Text size="sm">{trail.brokenText(result.eventId ?? String(result.sealNumber))}</Text>
        <Code>{result.problem}</Code>
      </Alert>
    )
  }
  return (
    <Alert
      color="teal"
      variant="outline"
      role="status"
      title={trail.verified}
      icon={<IconShieldCheck aria-hidden />}
      flex={1}
    >
      <Text size="sm">
        {trail.verifiedText(format.number(result.sealedEvents), format.number(result.seals))}{' '}
        {waiting > 0 && trail.unsealed(waiting)}{' '}
        {result.erasedEvents > 0 && trail.erased(result.erasedEvents)}
      </Text>
    </Alert>
  )
}
