/** English. @module */
import type { Texts } from './texts.ts'

export const en: Texts = {
  roles: { owner: 'Owner', admin: 'Admin', finance: 'Finance', member: 'Member' },
  invite: {
    subject: ({ organisation, inviter }) =>
      inviter ? `${inviter} invites you to ${organisation}` : `You are invited to ${organisation}`,
    preview: ({ roles, expiresIn }) =>
      `You would join as ${roles}. The invitation ends ${expiresIn}.`,
    heading: ({ organisation }) => `Join ${organisation}`,
    intro: ({ organisation, inviter }) =>
      inviter
        ? `${inviter} invites you to become a member of ${organisation}.`
        : `You are invited to become a member of ${organisation}.`,
    role: ({ roles }) => `Your role: ${roles}`,
    expiry: ({ expiresIn, expiresAt }) => `The invitation ends ${expiresIn}, on ${expiresAt}.`,
    button: 'See the invitation',
    link: 'If the button does not work, copy this address into your browser:',
    why: ({ organisation, email }) =>
      `You get this mail because somebody at ${organisation} entered ${email}. If you did not expect it, ignore it: nothing happens unless you accept.`,
  },
  accepted: {
    subject: ({ organisation, invitee }) => `${invitee} has joined ${organisation}`,
    heading: () => 'Your invitation was accepted',
    body: ({ organisation, invitee, roles }) =>
      `${invitee} is now a member of ${organisation}, as ${roles}.`,
    button: 'See the organisation',
    why: ({ organisation }) =>
      `You get this mail because you sent the invitation for ${organisation}.`,
  },
  declined: {
    subject: ({ organisation, invitee }) => `${invitee} will not join ${organisation}`,
    heading: () => 'An invitation was declined',
    body: ({ organisation, invitee, roles }) =>
      `${invitee} has declined the invitation to ${organisation} as ${roles}.`,
    reason: 'The reason given:',
    button: 'See the organisation',
    why: ({ organisation }) =>
      `You get this mail because you may invite people to ${organisation}.`,
  },
}
