/**
 * What an event changed: short in the table, all of it on demand.
 *
 * @module
 */
import { Button, Code, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { AuditEvent } from '../../../index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { Dialog } from '../../parts/dialog.tsx'

interface EventDetailsProps {
  event: AuditEvent
  /** What somebody is called, by their id. */
  named: (userId: string | null) => string | null
}

export function EventDetails({ event, named }: EventDetailsProps) {
  const { trail, events, actorKinds, common, invitations } = useTexts()
  const format = useFormat()
  const [isOpen, { open, close }] = useDisclosure(false)
  const titles: Record<string, string> = events
  const reasons: Record<string, string> = invitations.reasons
  const title = titles[event.event] ?? event.event
  const facts: [string, string | null][] = [
    [trail.when, format.dateTime(event.occurredAt)],
    [trail.who, named(event.actorId) ?? actorKinds[event.actorKind]],
    [trail.target, `${event.targetKind} ${named(event.targetId) ?? event.targetId}`],
    [trail.from, [event.ip, event.userAgent].filter(Boolean).join(' · ') || null],
    [trail.claimedFrom, event.claimedIp],
    [common.reason, event.reason && (reasons[event.reason] ?? event.reason)],
  ]
  return (
    <>
      <Button
        variant="subtle"
        size="compact-sm"
        onClick={open}
        aria-label={`${trail.details}: ${title}, ${format.dateTime(event.occurredAt)}`}
      >
        {trail.details}
      </Button>
      <Dialog opened={isOpen} onClose={close} title={title} size="lg">
        <Stack gap="sm" className="usher-words">
          {facts.map(
            ([label, value]) =>
              value && (
                <div key={label}>
                  <Text size="xs" c="dimmed">
                    {label}
                  </Text>
                  <Text size="sm">{value}</Text>
                </div>
              ),
          )}
          {event.before !== null && <Values label={trail.before} value={event.before} />}
          {event.after !== null && <Values label={trail.after} value={event.after} />}
        </Stack>
      </Dialog>
    </>
  )
}

function Values({ label, value }: { label: string; value: unknown }) {
  return (
    <div>
      <Text size="xs" c="dimmed" mb={4}>
        {label}
      </Text>
      <Code block dir="ltr" style={{ whiteSpace: 'pre-wrap' }}>
        {JSON.stringify(value, null, 2)}
      </Code>
    </div>
  )
}
