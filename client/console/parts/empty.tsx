/**
 * Nothing is here yet: what would be, and what to do.
 *
 * @module
 */
import { EmptyState } from '@mantine/core'
import type { ReactNode } from 'react'

interface EmptyProps {
  title: string
  text: string
  icon?: ReactNode
  /** The way out, such as a button. */
  children?: ReactNode
}

export function Empty({ title, text, icon, children }: EmptyProps) {
  return (
    <EmptyState py={48} title={title} description={text} icon={icon} withIndicatorBackground>
      {children && <EmptyState.Actions>{children}</EmptyState.Actions>}
    </EmptyState>
  )
}
