/**
 * What can be done with one webhook.
 *
 * @module
 */
import { ActionIcon, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import type { Webhook, WebhookSecret } from '../../../index.ts'
import { useTestWebhook, useUpdateWebhook, useUsher, usherKeys } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import type { Question } from '../../parts/confirm.tsx'
import type { Open } from './webhooks-page.tsx'

interface WebhookMenuProps {
  webhook: Webhook
  onOpen: (open: Open) => void
  onAsk: (question: Question) => void
  onSecret: (secret: WebhookSecret) => void
}

export function WebhookMenu({ webhook, onOpen, onAsk, onSecret }: WebhookMenuProps) {
  const { webhooks: words, common } = useTexts()
  const { id } = useOrganisation()
  const usher = useUsher()
  const queryClient = useQueryClient()
  const say = useSay()
  const update = useUpdateWebhook(id)
  const test = useTestWebhook(id)
  const { id: webhookId, url, isEnabled } = webhook
  const onError = (error: unknown) => say.refused(error)

  const askForSecret: Question = {
    title: words.rotate,
    text: words.rotateText,
    confirm: words.rotate,
    async act() {
      const result = await usher.webhooks.rotateSecret(webhookId)
      if (result.data) onSecret(result.data)
      return result
    },
  }
  const askToDelete: Question = {
    title: words.deleteTitle,
    text: words.deleteText(url),
    confirm: words.delete,
    async act() {
      const result = await usher.webhooks.delete(webhookId)
      if (!result.error) say.done(words.deleted)
      await queryClient.invalidateQueries({ queryKey: usherKeys.organisation(id) })
      return result
    },
  }
  const choices = [
    { label: words.change, act: () => onOpen({ what: 'form', webhook }) },
    {
      label: words.test,
      isOffered: isEnabled,
      act: () => test.mutate({ webhookId }, { onSuccess: () => say.done(words.tested), onError }),
    },
    {
      label: words.replay,
      isOffered: isEnabled,
      act: () => onOpen({ what: 'replay', webhook }),
    },
    { label: words.rotate, act: () => onAsk(askForSecret) },
    {
      label: isEnabled ? words.switchOff : words.switchOn,
      act: () => update.mutate({ webhookId, isEnabled: !isEnabled }, { onError }),
    },
    { label: words.delete, act: () => onAsk(askToDelete) },
  ].filter(({ isOffered = true }) => isOffered)

  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={common.actions(url)}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {choices.map(({ label, act }) => (
          <Menu.Item key={label} onClick={act}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
