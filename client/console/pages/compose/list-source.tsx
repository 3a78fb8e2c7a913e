/**
 * Takes the list: pasted, or as a file.
 *
 * @module
 */
import { Alert, Button, Group, Stack, Text, Textarea } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import '@mantine/dropzone/styles.css'
import { IconFileSpreadsheet } from '@tabler/icons-react'
import { useState } from 'react'
import { useTexts } from '../../app/language.tsx'
import { type List, MOST_ROWS, readList } from './read-list.ts'

const LARGEST_FILE = 5 * 1024 * 1024

interface ListSourceProps {
  /** What is pasted so far. */
  text: string
  onText: (text: string) => void
  onRead: (list: List) => void
}

export function ListSource({ text, onText, onRead }: ListSourceProps) {
  const { compose } = useTexts()
  const [problem, setProblem] = useState<string | null>(null)

  function read(source: string) {
    try {
      const list = readList(source)
      if (list.cells.length === 0) setProblem(compose.unreadable)
      else if (list.cells.length > MOST_ROWS + 1) setProblem(compose.tooMany)
      else onRead(list)
    } catch {
      setProblem(compose.unreadable)
    }
  }

  return (
    <Stack maw={760}>
      <Dropzone
        onDrop={async ([file]: File[]) => file && read(await file.text())}
        onReject={() => setProblem(compose.fileRefused)}
        accept={{
          'text/csv': ['.csv'],
          'text/plain': ['.txt', '.tsv'],
          'application/vnd.ms-excel': ['.csv'],
        }}
        maxSize={LARGEST_FILE}
        multiple={false}
        inputProps={{ 'aria-label': compose.drop }}
        aria-label={compose.drop}
      >
        <Group justify="center" gap="md" mih={120} wrap="nowrap" style={{ pointerEvents: 'none' }}>
          <IconFileSpreadsheet size={36} stroke={1.4} aria-hidden />
          <div>
            <Text fw={500}>{compose.drop}</Text>
            <Text size="sm" c="dimmed">
              {compose.dropHint}
            </Text>
          </div>
        </Group>
      </Dropzone>
      <Textarea
        label={compose.paste}
        description={compose.pasteHint}
        rows={6}
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
      />
      {problem && (
        <Alert color="red" variant="outline" role="alert">
          {problem}
        </Alert>
      )}
      <Group>
        <Button disabled={text.trim() === ''} onClick={() => read(text)}>
          {compose.readList}
        </Button>
      </Group>
    </Stack>
  )
}
