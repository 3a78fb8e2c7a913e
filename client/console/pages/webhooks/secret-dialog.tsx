/**
 * Shows the secret of a webhook, this once.
 *
 * @module
 */
import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core'
import type { WebhookSecret } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { Dialog } from '../../parts/dialog.tsx'

export function SecretDialog({ secret, onClose }: { secret: WebhookSecret; onClose: () => void }) {
  const { webhooks: words, common } = useTexts()
  const format = useFormat()
  const { oldSecretsEnd } = secret
  return (
    <Dialog opened={true} onClose={onClose} title={words.secretTitle}>
      <Stack>
        <Text size="sm">{words.secretText}</Text>
        <Code block dir="ltr" className="usher-words" style={{ whiteSpace: 'pre-wrap' }}>
          {secret.secret}
        </Code>
        {oldSecretsEnd && (
          <Text size="sm">{words.oldSecretsEnd(format.dateTime(oldSecretsEnd))}</Text>
        )}
        <Group justify="flex-end">
          <CopyButton value={secret.secret}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? common.copied : common.copy}
              </Button>
            )}
          </CopyButton>
          <Button onClick={onClose}>{common.close}</Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
