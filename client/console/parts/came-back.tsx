/**
 * Why Supabase Auth led back without a session, on top of whichever page it led to.
 *
 * @module
 */
import { Alert } from '@mantine/core'
import { sentenceOf } from '../app/auth-errors.ts'
import { useTexts } from '../app/language.tsx'
import { useSession } from '../app/session.tsx'
import { AuthProblem } from './auth-problem.tsx'

/** @param props.whenExpired - what to do about a link that is used up, where it is not to sign in */
export function CameBackNotice({ whenExpired }: { whenExpired?: string | undefined }) {
  const { sign } = useTexts()
  const { cameBack, person } = useSession()
  const { refusal } = cameBack
  if (!refusal) return null
  const isExpired = sentenceOf(refusal) === 'linkExpired'
  if (isExpired && person) {
    return (
      <Alert variant="outline" role="status" mb="lg">
        {sign.alreadyIn}
      </Alert>
    )
  }
  return (
    <div style={{ marginBlockEnd: 'var(--mantine-spacing-lg)' }}>
      <AuthProblem error={refusal} text={isExpired ? whenExpired : undefined} />
    </div>
  )
}
