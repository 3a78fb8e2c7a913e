/**
 * Takes the code that came by mail.
 *
 * @module
 */
import { Alert, Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'

interface CodeFormProps {
  email: string
  onBack: () => void
}

export function CodeForm({ email, onBack }: CodeFormProps) {
  const { sign } = useTexts()
  const { supabase } = useSession()
  const [code, setCode] = useState('')
  const [isWrong, setIsWrong] = useState(false)
  const [isBusy, setIsBusy] = useState(false)

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    setIsBusy(true)
    const { error } = await supabase.auth.verifyOtp({ email, token: code.trim(), type: 'email' })
    setIsWrong(error !== null)
    setIsBusy(false)
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text size="sm" role="status">
          {sign.codeSent(email)}
        </Text>
        <TextInput
          label={sign.codeLabel}
          name="code"
          inputMode="numeric"
          autoComplete="one-time-code"
          pattern="\s*[0-9]{6}\s*"
          required
          withAsterisk={false}
          autoFocus
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        {isWrong && (
          <Alert color="red" variant="outline" role="alert">
            {sign.codeWrong}
          </Alert>
        )}
        <Button type="submit" loading={isBusy} fullWidth>
          {sign.useCode}
        </Button>
        <Anchor component="button" type="button" size="sm" ta="center" onClick={onBack}>
          {sign.sendAnother}
        </Anchor>
      </Stack>
    </form>
  )
}
