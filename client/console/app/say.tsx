/**
 * Short messages at the edge of the page: what was done, or why it was refused.
 *
 * @module
 */
import { Code, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useTexts } from './language.tsx'
import { useProblem } from './problem.ts'

/** @param isInvitee - whether the reader answers an invitation, or joins */
export function useSay(isInvitee = false) {
  const { common } = useTexts()
  const explain = useProblem(isInvitee)
  const closeButtonProps = { 'aria-label': common.close }
  return {
    done: (message: string) =>
      void notifications.show({ message, color: 'teal', closeButtonProps }),
    /** @param title - such as that a change was taken back */
    refused(error: unknown, title = common.somethingWrong) {
      const { text, hint, code } = explain(error)
      notifications.show({
        title,
        color: 'red',
        autoClose: 12_000,
        closeButtonProps,
        message: (
          <>
            {text} {hint}{' '}
            {code && (
              <Text span size="xs">
                <Code>{code}</Code>
              </Text>
            )}
          </>
        ),
      })
    },
  }
}
