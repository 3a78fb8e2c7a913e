/**
 * A dialog over the page. Its head is no `header` element: a screen reader would take that for a second head
 * of the page.
 *
 * @module
 */
import { Group, Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../app/language.tsx'

interface DialogProps {
  opened: boolean
  onClose: () => void
  title: ReactNode
  /** Of Mantine's sizes; `md` by default. */
  size?: string
  children: ReactNode
}

export function Dialog({ opened, onClose, title, size = 'md', children }: DialogProps) {
  const { common } = useTexts()
  return (
    <Modal.Root opened={opened} onClose={onClose} size={size} centered>
      <Modal.Overlay />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" px="md" pt="md" pb="xs">
          <Modal.Title fw={600}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={common.close} />
        </Group>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
