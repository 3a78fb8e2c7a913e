/**
 * What somebody finds who wants an account where only the invited may have one: that it takes an invitation, and
 * how to get it.
 *
 * @module
 */
import { Anchor, Button, Divider, Stack, Text, Title } from '@mantine/core'
import { useState } from 'react'
import { Link } from 'react-router'
import { useTexts } from '../app/language.tsx'
import { readWaiting } from '../app/waiting.ts'
import { SignInForm } from '../parts/sign-in-form.tsx'

export function NeedsInvitation() {
  const { sign, signUp, common } = useTexts()
  // Whether an address is of a domain that lets its people join, only the server knows.
  const [isTrying, setIsTrying] = useState(() => readWaiting()?.isNew ?? false)

  return (
    <Stack gap="md">
      <Title order={1} size="h3">
        {signUp.neededTitle}
      </Title>
      {isTrying ? (
        <>
          <Text size="sm">{signUp.byDomain}</Text>
          <SignInForm isNew returnTo="/" />
          <Anchor
            component="button"
            type="button"
            size="sm"
            ta="center"
            onClick={() => setIsTrying(false)}
          >
            {common.back}
          </Anchor>
        </>
      ) : (
        <>
          <Text>{signUp.howToText}</Text>
          <Text>{signUp.invitedAlready}</Text>
          <Button component={Link} to="/sign-in">
            {sign.signInInstead}
          </Button>
          <Divider />
          <Text size="sm" c="dimmed" ta="center">
            {signUp.byDomain}{' '}
            <Anchor
              component="button"
              type="button"
              inherit
              underline="always"
              onClick={() => setIsTrying(true)}
            >
              {signUp.tryDomain}
            </Anchor>
          </Text>
        </>
      )}
    </Stack>
  )
}
