/**
 * Who invites to what, as what, until when.
 *
 * @module
 */
import { Avatar, Badge, Blockquote, Group, Stack, Text, Title } from '@mantine/core'
import { readableAddress } from '../../../readable-address.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import type { PendingPreview } from './invite-page.tsx'

/** What of an invitation is shown. */
type Facts = Pick<
  PendingPreview,
  | 'organisationName'
  | 'organisationLogoUrl'
  | 'inviterName'
  | 'inviterEmail'
  | 'message'
  | 'roles'
  | 'email'
  | 'expiresAt'
  | 'membershipEndsAt'
>

export function InviteFacts({ preview }: { preview: Facts }) {
  const { invite, common } = useTexts()
  const format = useFormat()
  const { organisationName, organisationLogoUrl, inviterName, inviterEmail, message } = preview
  const inviter = inviterName ?? inviterEmail

  return (
    <Stack gap="md" mb="xl">
      <Group wrap="nowrap" align="center">
        <Avatar
          src={organisationLogoUrl}
          alt=""
          size="lg"
          radius="md"
          color="accent"
          variant="filled"
        >
          {organisationName.slice(0, 1).toUpperCase()}
        </Avatar>
        <Title order={1} size="h3">
          {invite.joinTitle(organisationName)}
        </Title>
      </Group>
      <Text>
        {inviter
          ? invite.invitesYou(inviter, organisationName)
          : invite.youAreInvited(organisationName)}
        {inviterName && inviterEmail && (
          <Text span c="dimmed" size="sm">
            {' '}
            <bdi>{inviterEmail}</bdi>
          </Text>
        )}
      </Text>
      {message && (
        <Blockquote p="md" radius="md" style={{ whiteSpace: 'pre-line' }}>
          {message}
          {inviter && (
            <Text component="cite" display="block" size="sm" mt="xs" fs="normal">
              – {inviter}
            </Text>
          )}
        </Blockquote>
      )}
      <Stack component="dl" gap="xs" m={0}>
        <Fact label={invite.yourRoles(preview.roles.length)}>
          <Group gap={6}>
            {preview.roles.map((role) => (
              <Badge key={role} variant="light" tt="none" size="lg">
                {format.role(role)}
              </Badge>
            ))}
          </Group>
        </Fact>
        <Fact label={invite.invitedAddress}>
          <bdi>{readableAddress(preview.email)}</bdi>
        </Fact>
        <Fact label={invite.validUntil}>
          <time dateTime={preview.expiresAt}>
            {format.fullDateTime(preview.expiresAt)} ({format.relative(preview.expiresAt)})
          </time>
        </Fact>
        {preview.membershipEndsAt && (
          <Fact label={common.membershipUntil}>
            <time dateTime={preview.membershipEndsAt}>
              {format.fullDateTime(preview.membershipEndsAt)}
            </time>
          </Fact>
        )}
      </Stack>
    </Stack>
  )
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <Text component="dt" size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="dd" m={0} size="sm">
        {children}
      </Text>
    </div>
  )
}
