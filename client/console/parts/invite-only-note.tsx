/**
 * Says below a form to sign in why it offers no account.
 *
 * @module
 */
import { Anchor, Text } from '@mantine/core'
import { Link } from 'react-router'
import { useTexts } from '../app/language.tsx'

export function InviteOnlyNote() {
  const { signUp } = useTexts()
  return (
    <Text size="sm" c="dimmed" ta="center" mt="md">
      {signUp.needed}{' '}
      <Anchor component={Link} to="/register" inherit underline="always">
        {signUp.howTo}
      </Anchor>
    </Text>
  )
}
