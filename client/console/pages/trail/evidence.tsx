/**
 * Makes a package of evidence for an auditor, and gives it to the reader as a file.
 *
 * @module
 */
import { Button, Code, CopyButton, Group, Stack, Text, TextInput } from '@mantine/core'
import { IconFileZip } from '@tabler/icons-react'
import { useState } from 'react'
import { useUsher } from '../../../react/index.ts'
import { download } from '../../app/download.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'

const A_YEAR = 365 * 86_400_000
const day = (time: number) => new Date(time).toISOString().slice(0, 10)

export function EvidenceButton() {
  const { trail } = useTexts()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <Button
        leftSection={<IconFileZip size={18} aria-hidden />}
        variant="default"
        onClick={() => setIsOpen(true)}
      >
        {trail.evidence}
      </Button>
      <Dialog opened={isOpen} onClose={() => setIsOpen(false)} title={trail.evidence}>
        <EvidenceForm />
      </Dialog>
    </>
  )
}

function EvidenceForm() {
  const { trail } = useTexts()
  const { id } = useOrganisation()
  const usher = useUsher()
  const [since, setSince] = useState(() => day(Date.now() - A_YEAR))
  const [until, setUntil] = useState(() => day(Date.now()))
  const [isBusy, setIsBusy] = useState(false)
  const [sum, setSum] = useState<string | null>(null)
  const [error, setError] = useState<unknown>()

  async function make() {
    setIsBusy(true)
    setError(undefined)
    setSum(null)
    try {
      // Charts and ZIP weigh more than the page.
      const [{ buildEvidencePackage }, { apiSource }] = await Promise.all([
        import('../../../evidence/package.ts'),
        import('../../../evidence/api-source.ts'),
      ])
      const period = { since: `${since}T00:00:00Z`, until: dayAfter(until) }
      const made = await buildEvidencePackage(apiSource(usher, id, period))
      download(made.name, 'application/zip', made.zip)
      setSum(made.manifestSum)
    } catch (problem) {
      setError(problem)
    }
    setIsBusy(false)
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        make()
      }}
    >
      <Stack>
        <Text size="sm">{trail.evidenceText}</Text>
        <Group grow>
          <TextInput
            type="date"
            label={trail.since}
            required
            withAsterisk={false}
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
          />
          <TextInput
            type="date"
            label={trail.until}
            required
            withAsterisk={false}
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
          />
        </Group>
        {error !== undefined && <ProblemAlert error={error} />}
        {sum && (
          <div role="status">
            <Text size="sm" fw={500}>
              {trail.evidenceMade}
            </Text>
            <Text size="sm" mb={4}>
              {trail.evidenceSum}
            </Text>
            <Code block dir="ltr" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {sum}
            </Code>
            <CopySum sum={sum} />
          </div>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={isBusy}>
            {trail.makeEvidence}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function CopySum({ sum }: { sum: string }) {
  const { common } = useTexts()
  return (
    <CopyButton value={sum}>
      {({ copied, copy }) => (
        <Button variant="default" size="compact-sm" mt="xs" onClick={copy}>
          {copied ? common.copied : common.copy}
        </Button>
      )}
    </CopyButton>
  )
}

/** The day itself is meant as well. */
function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString()
}
