/**
 * Fetches the next page of a list.
 *
 * @module
 */
import { Button, Center } from '@mantine/core'
import { useTexts } from '../app/language.tsx'

interface LoadMoreProps {
  query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage(): unknown }
}

export function LoadMore({ query }: LoadMoreProps) {
  const { common } = useTexts()
  if (!query.hasNextPage) return null
  return (
    <Center mt="md">
      <Button
        variant="default"
        loading={query.isFetchingNextPage}
        onClick={() => query.fetchNextPage()}
      >
        {common.loadMore}
      </Button>
    </Center>
  )
}
