/** English. @module */
import type { Texts } from './texts.ts'

export const en: Texts = {
  roles: { owner: 'Owner', admin: 'Admin', finance: 'Finance', member: 'Member' },
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter ? `${inviter} invites you to ${organisation}` : `You are invited to ${organisation}`,
    reminder: ({ organisation, expiresIn }) =>
      `Your invitation to ${organisation} ends ${expiresIn}`,
    preview: ({ roles, expiresIn }) =>
      `You would join as ${roles}. The invitation ends ${expiresIn}.`,
    heading: ({ organisation }) => `Join ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} invites you to become a member of ${organisation}.`
        : `You are invited to become a member of ${organisation}.`,
    role: ({ roles, roleCount }) => `${roleCount === 1 ? 'Your role' : 'Your roles'}: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `The invitation ends ${expiresIn}, on ${expiresAt}.`,
    button: 'See the invitation',
    link: 'If the button does not work, copy this address into your browser:',
    why: ({ organisation, email }) =>
      `You get this mail because somebody at ${organisation} entered ${email}. If you did not expect it, ignore it: nothing happens unless you accept.`,
  },
  notices: {
    reason: 'The reason given:',
    button: 'See the organisation',
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} has joined ${organisation}`,
      heading: 'Your invitation was accepted',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} is now a member of ${organisation}, as ${roles}.`,
      why: ({ organisation }) =>
        `You get this mail because you sent the invitation for ${organisation}.`,
    },
    invite_declined: {
      subject: ({ organisation, invitee }) => `${invitee} will not join ${organisation}`,
      heading: 'An invitation was declined',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} has declined the invitation to ${organisation} as ${roles}.`,
      why: ({ organisation }) =>
        `You get this mail because you may invite people to ${organisation}.`,
    },
    invite_expired: {
      subject: ({ organisation, invitee }) =>
        `The invitation of ${invitee} to ${organisation} has expired`,
      heading: 'An invitation has expired',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} did not answer the invitation to ${organisation} as ${roles} in time. You can send it again.`,
      why: ({ organisation }) =>
        `You get this mail because you sent the invitation for ${organisation}.`,
    },
    invite_resend_requested: {
      subject: ({ organisation, invitee }) =>
        `${invitee} asks for a new invitation to ${organisation}`,
      heading: 'Somebody asks for a new invitation',
      body: ({ organisation, invitee, roles }) =>
        `The invitation of ${invitee} to ${organisation} as ${roles} has expired, and they ask for a new one. You can send it again.`,
      why: ({ organisation }) =>
        `You get this mail because you may send invitations to ${organisation} again.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Your roles in ${organisation} have changed`,
      heading: 'Your roles have changed',
      body: ({ organisation, roles, actor }) =>
        `${actor ?? 'An admin'} has changed what you may do in ${organisation}. ${roles ? `Your roles are now: ${roles}.` : 'You hold no role there now.'}`,
      why: ({ organisation }) => `You get this mail because you are a member of ${organisation}.`,
    },
    member_removed: {
      subject: ({ organisation }) => `You are no longer a member of ${organisation}`,
      heading: 'Your membership has ended',
      body: ({ organisation, actor }) =>
        `${actor ?? 'An admin'} has removed you from ${organisation}.`,
      why: ({ organisation }) => `You get this mail because you were a member of ${organisation}.`,
    },
    member_banned: {
      subject: ({ organisation }) => `You have been banned from ${organisation}`,
      heading: 'You have been banned',
      body: ({ organisation, actor }) =>
        `${actor ?? 'An admin'} has banned you from ${organisation}. You cannot be invited there until the ban is lifted.`,
      why: ({ organisation }) => `You get this mail because you were a member of ${organisation}.`,
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} has a new owner`,
      heading: 'The organisation has a new owner',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor ?? 'The owner'} has handed ${organisation} over to ${owner}. Your role is now: ${roles}.`,
      why: ({ organisation }) =>
        `You get this mail because you were or now are the owner of ${organisation}.`,
    },
  },
}
