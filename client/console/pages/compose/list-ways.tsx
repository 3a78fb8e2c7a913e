/**
 * A file that may be read in several ways: shows what it says in each, and asks.
 *
 * @module
 */
import { Alert, Button, Radio, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTexts } from '../../app/language.tsx'
import type { Unread, Wanted } from './list.ts'

interface ListWaysProps {
  unread: Unread
  onChoose: (wanted: Wanted) => void
}

export function ListWays({ unread: { code, choices }, onChoose }: ListWaysProps) {
  const { compose } = useTexts()
  const [name, setName] = useState<string | null>(null)
  const isSheet = code === 'sheet_unclear' || code === 'sheet_not_found'

  return (
    <Alert
      color="yellow"
      variant="outline"
      title={isSheet ? compose.whichSheet : compose.whichText}
      role="alert"
    >
      <Stack gap="sm" align="flex-start">
        <Radio.Group
          aria-label={isSheet ? compose.whichSheet : compose.whichText}
          value={name}
          onChange={setName}
        >
          <Stack gap="sm">
            {choices.map((choice) => (
              <Radio
                key={choice.name}
                value={choice.name}
                label={choice.name}
                description={choice.sample.map((line, at) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: lines do not move
                  <Text key={at} span display="block" size="sm" dir="auto" truncate maw="70vw">
                    {line}
                  </Text>
                ))}
              />
            ))}
          </Stack>
        </Radio.Group>
        <Button
          size="xs"
          disabled={name === null}
          onClick={() => name !== null && onChoose(isSheet ? { sheet: name } : { encoding: name })}
        >
          {compose.readSo}
        </Button>
      </Stack>
    </Alert>
  )
}
