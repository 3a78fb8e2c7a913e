/**
 * Asks for signing in again, over the page that somebody is at work on, and says why. The page stays as it is.
 *
 * @module
 */
import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useLocation } from 'react-router'
import { SignInForm } from '../parts/sign-in-form.tsx'
import { useTexts } from './language.tsx'
import { useSession } from './session.tsx'
import { isOver } from './session-gate.ts'

/** Above the dialogs and messages of the page. */
const ABOVE_ALL = 1000

export function SignInAgain() {
  const { session, common } = useTexts()
  const { person, mustSignIn, putOff, signOut } = useSession()
  const { pathname, search } = useLocation()

  async function leave() {
    await signOut()
    // As if newly opened: neither the page nor its address is for somebody else.
    window.location.replace('/sign-in')
  }

  return (
    <Modal.Root
      opened={mustSignIn !== null}
      onClose={putOff}
      closeOnEscape={false}
      closeOnClickOutside={false}
      zIndex={ABOVE_ALL}
      centered
    >
      {/* Whoever comes by meanwhile shall not read what is beneath. */}
      <Modal.Overlay backgroundOpacity={0.7} blur={8} />
      <Modal.Content>
        <Group px="md" pt="md" pb="xs">
          <Modal.Title fw={600}>{session.title}</Modal.Title>
        </Group>
        <Modal.Body>
          {mustSignIn && (
            <Stack gap="md">
              <Text size="sm">
                {session.reasons[mustSignIn]} {session.kept}
              </Text>
              <SignInForm
                fixedEmail={person?.email ?? ''}
                fixedEmailNote={session.sameAccount}
                isNew={false}
                returnTo={pathname + search}
              />
              {isOver(mustSignIn) ? (
                <Stack gap={2} align="center">
                  <Anchor component="button" type="button" size="sm" onClick={leave}>
                    {session.otherAccount}
                  </Anchor>
                  <Text size="xs" c="dimmed">
                    {session.otherAccountNote}
                  </Text>
                </Stack>
              ) : (
                <Button variant="default" onClick={putOff}>
                  {common.cancel}
                </Button>
              )}
            </Stack>
          )}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}
