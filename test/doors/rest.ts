/**
 * The third door: the REST function.
 *
 * @module
 */
import { type Door, type OpenDoor, Refused } from './door.ts'
import { toInvite, toMember, toOrganisation, toOutcome, toPolicy, toPreview } from './rows.ts'

export const openRest: OpenDoor = ({ functionsUrl }, person): Door => {
  const headers = {
    'content-type': 'application/json',
    ...(person && { authorization: `Bearer ${person.accessToken}` }),
  }

  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${functionsUrl}/api${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Refused(answer)
    return answer
  }
  const get = (path: string) => ask('GET', path)
  const post = (path: string, body?: object) => ask('POST', path, body)
  const member = (organisationId: string, userId: string) =>
    `/organisations/${organisationId}/members/${userId}`

  return {
    signUpPolicy: async () => toPolicy(await get('/sign-up-policy')),
    createOrganisation: async (name) => toOrganisation(await post('/organisations', { name })),
    async organisation(id) {
      try {
        return toOrganisation(await get(`/organisations/${id}`))
      } catch (error) {
        // One thing at an address of its own: HTTP says 404 where the others say null.
        if (error instanceof Refused && error.code === 'organisation_not_found') return null
        throw error
      }
    },
    invite: async (organisation_id, draft) =>
      toInvite(await post('/invitations', { organisation_id, ...draft })),
    inviteMany: async (organisation_id, invites) =>
      (await post('/invitations/bulk', { organisation_id, invites })).data.map(toOutcome),
    async invites(organisation_id, page_size, cursor) {
      const query = new URLSearchParams({
        organisation_id,
        page_size: String(page_size),
        ...(cursor && { cursor }),
      })
      const { data, next_cursor } = await get(`/invitations?${query}`)
      return { invites: data.map(toInvite), next: next_cursor }
    },
    validate: async (token) => toPreview(await get(`/invitations/validate?token=${token}`)),
    accept: async (token) => toMember(await post('/invitations/accept', { token })),
    decline: async (token, reason) =>
      toPreview(await post('/invitations/decline', { token, reason })),
    resend: async (inviteId) => toInvite(await post(`/invitations/${inviteId}/resend`)),
    revoke: async (inviteId) => toInvite(await post(`/invitations/${inviteId}/revoke`)),
    updateRoles: async (organisationId, userId, roles) =>
      toMember(await ask('PUT', `${member(organisationId, userId)}/roles`, { roles })),
    remove: async (organisationId, userId) =>
      toMember(await post(`${member(organisationId, userId)}/remove`)),
    ban: async (organisationId, userId) =>
      toMember(await post(`${member(organisationId, userId)}/ban`)),
    unban: async (organisationId, userId) =>
      toMember(await post(`${member(organisationId, userId)}/unban`)),
    transfer: async (organisationId, new_owner_id) =>
      toMember(await post(`/organisations/${organisationId}/transfer-ownership`, { new_owner_id })),
  }
}
