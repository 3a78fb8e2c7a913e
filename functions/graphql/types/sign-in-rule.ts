/**
 * Sign-in rules: which way an organisation's people have to come in.
 *
 * @module
 */
import { builder, operation, snakeCased } from '../builder.ts'
import type { SignInRuleRow } from '../rows.ts'
import { inOrganisation } from './page.ts'

export const SignInRule = builder.objectRef<SignInRuleRow>('SignInRule')

builder.objectType(SignInRule, {
  description: 'Which way an organisation’s people have to come in.',
  fields: (t) => ({
    organisationId: t.expose('organisation_id', { type: 'UUID' }),
    provider: t.exposeString('provider', {
      nullable: true,
      description: 'As Supabase Auth names it: sso:<id>, keycloak or custom:<name>.',
    }),
    domain: t.exposeString('domain', {
      nullable: true,
      description: 'In its place, the mail domain of a SAML provider.',
    }),
    level: t.exposeString('level', { description: 'aal1, or aal2: with a second factor.' }),
    methods: t.exposeStringList('methods', {
      description: 'One of these has to be among the session’s; none: any.',
    }),
    maxAge: t.expose('max_age', {
      type: 'String',
      nullable: true,
      description: 'How long ago they signed in at most.',
    }),
    forMembers: t.exposeBoolean('for_members', {
      description: 'Whether members, too, need such a session; not the owner, and no device.',
    }),
    updatedAt: t.expose('updated_at', { type: 'DateTime' }),
  }),
})

const SignInRuleChanges = builder.inputType('SignInRuleChanges', {
  description: 'What is left out stays; null takes it back.',
  fields: (t) => ({
    provider: t.string({ description: 'sso:<id>, keycloak or custom:<name>.' }),
    domain: t.string({ description: 'In its place, the mail domain of a SAML provider.' }),
    level: t.string({ description: 'aal1 or aal2.' }),
    methods: t.stringList({ description: 'Such as totp; at most 10.' }),
    maxAge: t.string({ description: '1 minute to 30 days, such as "12 hours".' }),
    forMembers: t.boolean({ description: 'Only who comes this way themselves may turn it on.' }),
  }),
})

builder.mutationFields((t) => ({
  updateSignInRule: t.field({
    type: SignInRule,
    description: 'Says which way people have to come in. Needs organisation.update.',
    args: {
      ...inOrganisation,
      changes: t.arg({ type: SignInRuleChanges, required: true }),
    },
    ...operation(
      'update_organisation_sign_in_rule',
      ({ organisationId, changes }: { organisationId: string; changes: object }) => ({
        organisation_id: organisationId,
        changes: snakeCased(changes),
      }),
    ),
  }),
}))
