/**
 * How far the sending has come, and a way to stop it.
 *
 * @module
 */
import { Button, Group, Progress, Text } from '@mantine/core'
import { useFormat, useTexts } from '../../app/language.tsx'

interface SendProgressProps {
  done: number
  total: number
  onStop: () => void
}

export function SendProgress({ done, total, onStop }: SendProgressProps) {
  const { compose } = useTexts()
  const format = useFormat()
  const said = compose.progress(format.number(done), format.number(total))
  return (
    <Group wrap="nowrap">
      <div style={{ flex: 1 }}>
        <Text size="sm" role="status">
          {compose.sending}: {said}
        </Text>
        <Progress
          value={total ? (done / total) * 100 : 0}
          aria-label={compose.sending}
          aria-valuetext={said}
          mt={4}
        />
      </div>
      <Button size="xs" variant="default" onClick={onStop}>
        {compose.stop}
      </Button>
    </Group>
  )
}
