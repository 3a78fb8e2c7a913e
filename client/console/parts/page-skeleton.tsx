/**
 * What stands in for a page until it is there.
 *
 * @module
 */
import { Skeleton, Stack, VisuallyHidden } from '@mantine/core'
import { useTexts } from '../app/language.tsx'

/** @param lines - how many lines of text to stand in for */
export function PageSkeleton({ lines = 5 }: { lines?: number }) {
  const { common } = useTexts()
  return (
    <Stack p="md" gap="md" aria-busy="true">
      <VisuallyHidden role="status">{common.loading}</VisuallyHidden>
      <Skeleton height={28} width="40%" />
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike
        <Skeleton key={line} height={18} width={line % 2 ? '85%' : '100%'} />
      ))}
    </Stack>
  )
}
