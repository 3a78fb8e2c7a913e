/**
 * The first door: functions and tables of `public`, by bare HTTP, as curl would.
 *
 * @module
 */
import { type Door, type OpenDoor, Refused } from './door.ts'
import { toInvite, toMember, toOrganisation, toOutcome, toPolicy, toPreview } from './rows.ts'

export const openRpc: OpenDoor = ({ apiUrl, publishableKey }, person): Door => {
  const headers = {
    apikey: publishableKey,
    'content-type': 'application/json',
    ...(person && { authorization: `Bearer ${person.accessToken}` }),
  }

  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${apiUrl}/rest/v1/${path}`, { headers, ...init })
    const body = await response.json()
    if (response.ok) return body
    const { status } = response
    // Without a session nothing is granted: Postgres itself refuses, in its own word.
    const code = status === 401 && body.code === '42501' ? 'unauthenticated' : body.code
    throw new Refused({ ...body, code, status })
  }
  const call = (name: string, args: object) =>
    ask(`rpc/${name}`, { method: 'POST', body: JSON.stringify(args) })

  return {
    signUpPolicy: async () => toPolicy(await call('organisation_sign_up_policy', {})),
    createOrganisation: async (name) => toOrganisation(await call('create_organisation', { name })),
    async organisation(id) {
      const [row] = await ask(`organisations?id=eq.${id}`)
      return row ? toOrganisation(row) : null
    },
    invite: async (organisation_id, draft) =>
      toInvite(await call('create_organisation_invite', { organisation_id, ...draft })),
    inviteMany: async (organisation_id, invites) =>
      (await call('create_organisation_invites', { organisation_id, invites })).map(toOutcome),
    async invites(organisation_id, page_size, cursor = null) {
      const args = { organisation_id, page_size, cursor }
      const invites = (await call('list_organisation_invites', args)).map(toInvite)
      return { invites, next: invites[page_size - 1]?.id ?? null }
    },
    validate: async (token) => toPreview(await call('validate_organisation_invite', { token })),
    accept: async (token) => toMember(await call('accept_organisation_invite', { token })),
    decline: async (token, reason) =>
      toPreview(await call('decline_organisation_invite', { token, reason })),
    resend: async (invite_id) => toInvite(await call('resend_organisation_invite', { invite_id })),
    revoke: async (invite_id) => toInvite(await call('revoke_organisation_invite', { invite_id })),
    updateRoles: async (organisation_id, user_id, roles) =>
      toMember(await call('update_organisation_member_roles', { organisation_id, user_id, roles })),
    remove: async (organisation_id, user_id) =>
      toMember(await call('remove_organisation_member', { organisation_id, user_id })),
    ban: async (organisation_id, user_id) =>
      toMember(await call('ban_organisation_member', { organisation_id, user_id })),
    unban: async (organisation_id, user_id) =>
      toMember(await call('unban_organisation_member', { organisation_id, user_id })),
    transfer: async (organisation_id, new_owner_id) =>
      toMember(await call('transfer_organisation_ownership', { organisation_id, new_owner_id })),
  }
}
