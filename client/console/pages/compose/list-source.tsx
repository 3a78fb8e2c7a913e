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
import { LARGEST_FILE, type List } from './list.ts'
import { ListWays } from './list-ways.tsx'
import { useListReader } from './use-list-reader.ts'
import { WorkProgress } from './work-progress.tsx'

interface ListSourceProps {
  /** What is pasted so far. */
  text: string
  onText: (text: string) => void
  onRead: (list: List) => void
}

export function ListSource({ text, onText, onRead }: ListSourceProps) {
  const { compose } = useTexts()
  const { progress, unread, read, stop, refuse } = useListReader(onRead)
  /** What is read again once the reader has said how. */
  const [source, setSource] = useState<File | string>('')

  function saidOf(code: string): string {
    const said: Record<string, string> = compose.unread
    return said[code] ?? compose.unread.broken
  }

  function take(given: File | string) {
    setSource(given)
    read(given)
  }

  return (
    <Stack maw={760}>
      <Dropzone
        onDrop={([file]: File[]) => file && take(file)}
        onReject={([rejected]: { errors: { code: string }[] }[]) => {
          const isLarge = rejected?.errors.some(({ code }) => code === 'file-too-large')
          refuse({ code: isLarge ? 'too_large' : 'not_text', choices: [] })
        }}
        // What a file is, is told by what it holds: the chooser only puts those first that may be lists.
        accept={{
          'text/csv': ['.csv'],
          'text/plain': ['.txt', '.tsv'],
          'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': ['.xlsx'],
          'application/vnd.ms-excel': ['.xls', '.csv'],
          'application/vnd.oasis.opendocument.spreadsheet': ['.ods'],
        }}
        maxSize={LARGEST_FILE}
        multiple={false}
        disabled={progress !== null}
        inputProps={{ 'aria-label': compose.drop }}
        aria-label={compose.drop}
      >
        <Group justify="center" gap="md" mih={120} wrap="nowrap" style={{ pointerEvents: 'none' }}>
          <IconFileSpreadsheet size={36} stroke={1.4} style={{ flex: 'none' }} aria-hidden />
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
      {progress && <WorkProgress {...progress} isShare label={compose.reading} onStop={stop} />}
      {unread && unread.choices.length > 0 && (
        <ListWays unread={unread} onChoose={(wanted) => read(source, wanted)} />
      )}
      {unread && unread.choices.length === 0 && (
        <Alert color="red" variant="outline" role="alert">
          {saidOf(unread.code)}
        </Alert>
      )}
      <Group>
        <Button
          disabled={text.trim() === ''}
          loading={progress !== null}
          onClick={() => take(text)}
        >
          {compose.readList}
        </Button>
      </Group>
    </Stack>
  )
}
