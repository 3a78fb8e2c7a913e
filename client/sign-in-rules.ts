/**
 * Sign-in rules: which way an organisation's people have to come in.
 *
 * @module
 */
import { type Connection, call, type RowOf, settleOne } from './call.ts'
import { type Camel, snakeise } from './names.ts'
import type { Result } from './result.ts'

/**
 * `provider` is as Supabase Auth names it: `sso:<id>` for SAML, `keycloak` or `custom:<name>` for OIDC; or
 * there is a mail `domain` in its place. `maxAge` is an interval.
 */
export type SignInRule = Omit<Camel<RowOf<'organisation_sign_in_rules'>>, 'level'> & {
  level: 'aal1' | 'aal2'
}
/** What is left out stays; null takes it back. */
export type SignInRuleChanges = {
  [K in keyof Omit<SignInRule, 'organisationId' | 'updatedAt'>]?: SignInRule[K] | null | undefined
}

/** `usher.signInRules` */
export function signInRules(connection: Connection) {
  return {
    /** The rule of an organisation; null when it takes any way in, or is not the caller's to read. */
    get(organisationId: string): Promise<Result<SignInRule | null>> {
      const select = connection.supabase
        .from('organisation_sign_in_rules')
        .select('*')
        .eq('organisation_id', organisationId)
      return settleOne(connection, select)
    },

    /**
     * Says which way people have to come in to become members.
     *
     * @param changes.provider - through whom; null: anyone
     * @param changes.domain - in its place, the mail domain of a SAML provider of the project
     * @param changes.level - `aal2`: with a second factor of Supabase Auth's own
     * @param changes.methods - one of these has to be among the session's, such as `totp`
     * @param changes.maxAge - how long ago they signed in at most: 1 minute to 30 days
     * @param changes.forMembers - whether members, too, need such a session; not the owner, and no device
     * @returns the rule, or `unauthenticated`, `organisation_not_found`, `permission_denied`,
     *   `invalid_settings`, `sso_required` (only who comes this way themselves may ask it of members)
     */
    update(organisationId: string, changes: SignInRuleChanges): Promise<Result<SignInRule>> {
      return call(connection, 'update_organisation_sign_in_rule', {
        organisationId,
        changes: snakeise(changes) as Record<string, string>,
      })
    },
  }
}
