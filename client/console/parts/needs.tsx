/**
 * Shows a page only to those who may see it, and tells the others.
 *
 * @module
 */
import { IconLock } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import type { Permission } from '../../index.ts'
import { useTexts } from '../app/language.tsx'
import { useOrganisation } from '../app/organisation.tsx'
import { Empty } from './empty.tsx'

interface NeedsProps {
  permission: Permission
  children: ReactNode
}

export function Needs({ permission, children }: NeedsProps) {
  const { common } = useTexts()
  const { can } = useOrganisation()
  if (can(permission)) return children
  return (
    <div role="status">
      <Empty
        title={common.noAccessTitle}
        text={common.noAccess}
        icon={<IconLock size={28} aria-hidden />}
      />
    </div>
  )
}
