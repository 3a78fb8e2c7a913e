/**
 * The settings of an organisation.
 *
 * @module
 */
import { Stack } from '@mantine/core'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Needs } from '../../parts/needs.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { PageSkeleton } from '../../parts/page-skeleton.tsx'
import { BrandingSettings } from './branding-settings.tsx'
import { DeleteOrganisation } from './delete-organisation.tsx'
import { DomainSettings } from './domain-settings.tsx'
import { GeneralSettings } from './general-settings.tsx'
import { InviteSettings } from './invite-settings.tsx'
import { LimitSettings } from './limit-settings.tsx'
import { SignInSettings } from './sign-in-settings.tsx'
import { SignUpSettings } from './sign-up-settings.tsx'
import { TemplateSettings } from './template-settings.tsx'

export function SettingsPage() {
  return (
    <Needs permission="organisation.update">
      <Settings />
    </Needs>
  )
}

function Settings() {
  const { settings } = useTexts()
  const { details, can } = useOrganisation()
  return (
    <>
      <PageHead title={settings.title} />
      {details ? (
        <Stack gap="lg" maw={760}>
          <GeneralSettings details={details} />
          <BrandingSettings details={details} />
          <TemplateSettings />
          <InviteSettings details={details} />
          <LimitSettings details={details} />
          <DomainSettings />
          <SignInSettings />
          <SignUpSettings />
          {can('organisation.delete') && <DeleteOrganisation />}
        </Stack>
      ) : (
        <PageSkeleton lines={10} />
      )}
    </>
  )
}
