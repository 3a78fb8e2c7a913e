/**
 * The pages of an organisation that the reader's roles open.
 *
 * @module
 */
import { NavLink } from '@mantine/core'
import {
  IconChartBar,
  IconClipboardCheck,
  IconDeviceTablet,
  IconHistory,
  IconKey,
  IconMail,
  IconSend,
  IconSettings,
  IconUsers,
  IconUsersGroup,
  IconWebhook,
} from '@tabler/icons-react'
import { NavLink as RouterLink } from 'react-router'
import { useTexts } from './language.tsx'
import { useOrganisation } from './organisation.tsx'

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const texts = useTexts()
  const { path, can } = useOrganisation()
  const pages = [
    { to: 'overview', label: texts.overview.title, icon: IconChartBar, needs: 'invite.read' },
    { to: 'members', label: texts.members.title, icon: IconUsers, needs: 'member.read' },
    { to: 'invitations', label: texts.invitations.title, icon: IconMail, needs: 'invite.read' },
    { to: 'mails', label: texts.mails.title, icon: IconSend, needs: 'invite.read' },
    { to: 'devices', label: texts.devices.title, icon: IconDeviceTablet, needs: 'invite.read' },
    {
      to: 'directories',
      label: texts.directories.title,
      icon: IconUsersGroup,
      needs: 'directory.manage',
    },
    { to: 'roles', label: texts.roles.title, icon: IconKey, needs: 'role.read' },
    {
      to: 'access-reviews',
      label: texts.accessReviews.title,
      icon: IconClipboardCheck,
      needs: 'access_review.manage',
    },
    { to: 'webhooks', label: texts.webhooks.title, icon: IconWebhook, needs: 'webhook.manage' },
    { to: 'trail', label: texts.trail.title, icon: IconHistory, needs: 'audit.read' },
    {
      to: 'settings',
      label: texts.settings.title,
      icon: IconSettings,
      needs: 'organisation.update',
    },
  ]
  return pages
    .filter(({ needs }) => can(needs))
    .map(({ to, label, icon: Icon }) => (
      <RouterLink key={to} to={`${path}/${to}`} onClick={onNavigate} style={{ all: 'unset' }}>
        {({ isActive }) => (
          <NavLink
            component="span"
            active={isActive}
            label={label}
            leftSection={<Icon size={18} stroke={1.6} aria-hidden />}
            style={{ borderRadius: 8 }}
          />
        )}
      </RouterLink>
    ))
}
