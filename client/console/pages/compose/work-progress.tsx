/**
 * How far some work on a list has come, and a way to stop it.
 *
 * @module
 */
import { Button, Group, Progress, Text } from '@mantine/core'
import { useFormat, useTexts } from '../../app/language.tsx'

interface WorkProgressProps {
  /** What is being done. */
  label: string
  done: number
  /** 0 while it is not known. */
  total: number
  /** Whether done and total count rows, or say only how much of it. */
  isShare?: boolean
  onStop: () => void
}

export function WorkProgress({ label, done, total, isShare = false, onStop }: WorkProgressProps) {
  const { compose } = useTexts()
  const format = useFormat()
  const share = total > 0 ? done / total : 0
  const said = isShare
    ? format.percent(share)
    : compose.progress(format.number(done), format.number(total))
  return (
    <Group wrap="nowrap">
      <div style={{ flex: 1 }}>
        <Text size="sm" role="status">
          {label}: {said}
        </Text>
        <Progress value={share * 100} aria-label={label} aria-valuetext={said} mt={4} />
      </div>
      <Button size="xs" variant="default" onClick={onStop}>
        {compose.stop}
      </Button>
    </Group>
  )
}
