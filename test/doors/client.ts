/**
 * The second door: the npm package over supabase-js.
 *
 * @module
 */
import { createClient } from '@supabase/supabase-js'
import {
  type Invite as ClientInvite,
  type Member as ClientMember,
  createUsher,
  type InvitePreview,
  isUsherError,
} from '../../client/index.ts'
import {
  type Door,
  type Invite,
  type Member,
  type OpenDoor,
  type Preview,
  Refused,
} from './door.ts'

export const openClient: OpenDoor = ({ apiUrl, publishableKey }, person): Door => {
  const supabase = createClient(
    apiUrl,
    publishableKey,
    person
      ? { accessToken: async () => person.accessToken }
      : { auth: { persistSession: false, autoRefreshToken: false } },
  )
  const { organisations, invites, members } = createUsher(supabase).throwOnError()

  /** The data of an answer, in the words of the test. */
  const settle = async <T, R>(asking: Promise<{ data: T }>, read: (data: T) => R): Promise<R> => {
    try {
      return read((await asking).data)
    } catch (error) {
      throw isUsherError(error) ? new Refused(error) : error
    }
  }

  return {
    signUpPolicy: () => settle(organisations.getSignUpPolicy(), (policy) => policy),
    createOrganisation: (name) =>
      settle(organisations.create({ name }), ({ id }) => ({ id, name })),
    organisation: (id) =>
      settle(organisations.get(id), (found) => found && { id: found.id, name: found.name }),
    invite: (organisationId, draft) => settle(invites.create(organisationId, draft), toInvite),
    inviteMany: (organisationId, drafts) =>
      settle(invites.createMany(organisationId, drafts), (outcomes) =>
        outcomes.map(({ email, status, errorCode }) => ({ email: email ?? '', status, errorCode })),
      ),
    invites: (organisationId, pageSize, cursor = null) =>
      settle(
        invites.list(organisationId, { pageSize, cursor }).then((page) => ({ data: page })),
        ({ data, nextCursor }) => ({ invites: (data ?? []).map(toInvite), next: nextCursor }),
      ),
    validate: (token) => settle(invites.validate(token), toPreview),
    accept: (token) => settle(invites.accept(token), toMember),
    decline: (token, reason) => settle(invites.decline(token, { reason }), toPreview),
    resend: (inviteId) => settle(invites.resend(inviteId), toInvite),
    revoke: (inviteId) => settle(invites.revoke(inviteId), toInvite),
    updateRoles: (organisationId, userId, roles) =>
      settle(members.updateRoles(organisationId, userId, roles), toMember),
    remove: (organisationId, userId) => settle(members.remove(organisationId, userId), toMember),
    ban: (organisationId, userId) => settle(members.ban(organisationId, userId), toMember),
    unban: (organisationId, userId) => settle(members.unban(organisationId, userId), toMember),
    transfer: (organisationId, newOwnerId) =>
      settle(organisations.transferOwnership(organisationId, newOwnerId), toMember),
  }
}

const toInvite = ({ id, email, roles, status }: ClientInvite): Invite => ({
  id,
  email: email ?? '',
  roles,
  status,
})
const toMember = ({ userId, roles, status }: ClientMember): Member => ({ userId, roles, status })
const toPreview = ({ status, reason, organisationName }: InvitePreview): Preview => ({
  status,
  reason,
  organisationName,
})
