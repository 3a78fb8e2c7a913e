/**
 * Who may create an account: what pages have to know before anybody has one.
 *
 * @module
 */
import { builder, operation } from '../builder.ts'
import type { SignUpPolicyRow } from '../rows.ts'

const SignUpPolicy = builder.objectRef<SignUpPolicyRow>('SignUpPolicy')

builder.objectType(SignUpPolicy, {
  description: 'Settings of the whole project that pages have to know.',
  fields: (t) => ({
    signUp: t.exposeString('sign_up', {
      nullable: true,
      description:
        'open; or invite_only: an account needs an invitation, or a domain that lets its people join.',
    }),
    authConfirmsAddresses: t.exposeBoolean('auth_confirms_addresses', {
      nullable: true,
      description: 'Whether acceptMyInvite accepts without the link.',
    }),
  }),
})

builder.queryFields((t) => ({
  signUpPolicy: t.field({
    type: SignUpPolicy,
    description: 'Who may create an account in this project. Anyone may ask.',
    ...operation('organisation_sign_up_policy'),
  }),
}))
