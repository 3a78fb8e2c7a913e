/**
 * The fourth door: the GraphQL function.
 *
 * @module
 */
import { type Door, type Invite, type OpenDoor, Refused } from './door.ts'

const INVITE = 'id email roles status'
const MEMBER = 'userId roles status'
const PREVIEW = 'status reason organisationName'

interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: JSON, as it came
  data?: Record<string, any> | null
  errors?: { message: string; extensions: { code: string; status: number; details?: string } }[]
}

export const openGraphql: OpenDoor = ({ functionsUrl }, person): Door => {
  const headers = {
    'content-type': 'application/json',
    ...(person && { authorization: `Bearer ${person.accessToken}` }),
  }

  const ask = async (query: string, variables: object) => {
    const response = await fetch(`${functionsUrl}/graphql`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as Answer
    const [error] = errors ?? []
    if (error) throw new Refused({ ...error.extensions })
    return data ?? {}
  }

  /**
   * One field, with its arguments as variables.
   *
   * @param types - of the arguments, such as `{ token: 'String!' }`
   * @param fields - what is read of its answer
   */
  const field =
    (
      operation: 'query' | 'mutation',
      name: string,
      types: Record<string, string>,
      fields: string,
    ) =>
    async (args: object) => {
      const names = Object.keys(types)
      const variables = names.map((each) => `$${each}: ${types[each]}`).join(', ')
      const given = names.map((each) => `${each}: $${each}`).join(', ')
      const inBrackets = (list: string) => list && `(${list})`
      const query = `${operation} ${inBrackets(variables)} { ${name}${inBrackets(given)} { ${fields} } }`
      return (await ask(query, args))[name]
    }
  const query = (name: string, types: Record<string, string>, fields: string) =>
    field('query', name, types, fields)
  const mutation = (name: string, types: Record<string, string>, fields: string) =>
    field('mutation', name, types, fields)

  const inOrganisation = { organisationId: 'UUID!' }
  const ofMember = { ...inOrganisation, userId: 'UUID!' }
  const signUpPolicy = query('signUpPolicy', {}, 'signUp authConfirmsAddresses')
  const createOrganisation = mutation('createOrganisation', { name: 'String!' }, 'id name')
  const organisation = query('organisation', { id: 'UUID!' }, 'id name')
  const createInvite = mutation(
    'createInvite',
    { ...inOrganisation, invite: 'InviteDraft!' },
    INVITE,
  )
  const createInvites = mutation(
    'createInvites',
    { ...inOrganisation, invites: '[InviteDraft!]!' },
    'email status errorCode',
  )
  const invites = query(
    'invites',
    { ...inOrganisation, first: 'Int!', after: 'String' },
    `edges { node { ${INVITE} } } pageInfo { hasNextPage endCursor }`,
  )
  const validate = query('validateInvite', { token: 'String!' }, PREVIEW)
  const accept = mutation('acceptInvite', { token: 'String!' }, MEMBER)
  const decline = mutation('declineInvite', { token: 'String!', reason: 'String' }, PREVIEW)
  const resend = mutation('resendInvite', { inviteId: 'UUID!' }, INVITE)
  const revoke = mutation('revokeInvite', { inviteId: 'UUID!' }, INVITE)
  const updateRoles = mutation('updateMemberRoles', { ...ofMember, roles: '[String!]!' }, MEMBER)
  const remove = mutation('removeMember', ofMember, MEMBER)
  const ban = mutation('banMember', ofMember, MEMBER)
  const unban = mutation('unbanMember', ofMember, MEMBER)
  const transfer = mutation('transferOwnership', { ...inOrganisation, newOwnerId: 'UUID!' }, MEMBER)

  return {
    signUpPolicy: () => signUpPolicy({}),
    createOrganisation: (name) => createOrganisation({ name }),
    organisation: (id) => organisation({ id }),
    invite: (organisationId, invite) => createInvite({ organisationId, invite }),
    inviteMany: (organisationId, drafts) => createInvites({ organisationId, invites: drafts }),
    async invites(organisationId, first, after) {
      const { edges, pageInfo } = await invites({ organisationId, first, after })
      return {
        invites: edges.map(({ node }: { node: Invite }) => node),
        next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      }
    },
    validate: (token) => validate({ token }),
    accept: (token) => accept({ token }),
    decline: (token, reason) => decline({ token, reason }),
    resend: (inviteId) => resend({ inviteId }),
    revoke: (inviteId) => revoke({ inviteId }),
    updateRoles: (organisationId, userId, roles) => updateRoles({ organisationId, userId, roles }),
    remove: (organisationId, userId) => remove({ organisationId, userId }),
    ban: (organisationId, userId) => ban({ organisationId, userId }),
    unban: (organisationId, userId) => unban({ organisationId, userId }),
    transfer: (organisationId, newOwnerId) => transfer({ organisationId, newOwnerId }),
  }
}
