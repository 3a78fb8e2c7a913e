/**
 * Who may create an account, which the operator decides for the whole project.
 *
 * @module
 */
import { Skeleton, Text } from '@mantine/core'
import { useSignUpPolicy } from '../../../react/index.ts'
import { useTexts } from '../../app/language.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { SettingsSection } from './settings-section.tsx'

export function SignUpSettings() {
  const { settings } = useTexts()
  const policy = useSignUpPolicy()
  return (
    <SettingsSection title={settings.signUp}>
      {policy.isPending && <Skeleton height={44} />}
      {policy.error && <ProblemAlert error={policy.error} onRetry={() => policy.refetch()} />}
      {policy.data && (
        <>
          <Text size="sm">{settings.signUpPolicies[policy.data.signUp]}</Text>
          <Text size="sm" c="dimmed">
            {settings.signUpByOperator}
          </Text>
        </>
      )}
    </SettingsSection>
  )
}
