/** English. @module */
import type { Texts } from './texts.ts'

const whyInviter = ({ organisation }: { organisation: string }) =>
  `You get this mail because you sent the invitation for ${organisation}.`
const whyMember = ({ organisation }: { organisation: string }) =>
  `You get this mail because you are a member of ${organisation}.`
const whyFormerMember = ({ organisation }: { organisation: string }) =>
  `You get this mail because you were a member of ${organisation}.`
const whyReviewer = ({ organisation }: { organisation: string }) =>
  `You get this mail because you may review rights in ${organisation}.`

export const en: Texts = {
  roles: { owner: 'Owner', admin: 'Admin', finance: 'Finance', member: 'Member' },
  someone: 'An admin',
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
    membershipEnd: ({ membershipEndsAt }) =>
      `Your membership would last until ${membershipEndsAt}.`,
    button: 'See the invitation',
    link: 'If the button does not work, copy this address into your browser:',
    why: ({ organisation, email }) =>
      `You get this mail because somebody at ${organisation} entered ${email}. If you did not expect it, ignore it: nothing happens unless you accept.`,
    decline: 'Decline the invitation',
    stop: ({ organisation }) => `Stop invitations from ${organisation}`,
  },
  notices: {
    reason: 'The reason given:',
    buttons: {
      organisation: 'See the organisation',
      members: 'See members',
      invitation: 'See the invitation',
      invitations: 'See invitations',
      resend: 'Resend the invitation',
      devices: 'See devices',
      review: 'Open the review',
      webhook: 'See webhooks',
      request: 'See the request',
    },
    invite_accepted: {
      subject: ({ organisation, invitee }) => `${invitee} has joined ${organisation}`,
      heading: 'Your invitation was accepted',
      body: ({ organisation, invitee, roles }) =>
        `${invitee} is now a member of ${organisation}, as ${roles}.`,
      why: whyInviter,
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
      why: whyInviter,
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
    device_enrolled: {
      subject: ({ organisation, device }) => `${device} is enrolled in ${organisation}`,
      heading: 'A device is enrolled',
      body: ({ organisation, device, roles }) =>
        `The device ${device} has used its code and now belongs to ${organisation}, as ${roles}. If that was not meant, remove it.`,
      why: ({ organisation }) => `You get this mail because you made the code for ${organisation}.`,
    },
    access_review_started: {
      subject: ({ organisation, review }) =>
        `Please review who may do what in ${organisation}: ${review}`,
      heading: 'A review of rights has begun',
      body: ({ organisation, review, actor, due_at }) =>
        `${actor} has started the review “${review}” in ${organisation}. Please confirm or withdraw each right by ${due_at}.`,
      why: whyReviewer,
    },
    access_review_overdue: {
      subject: ({ organisation, review }) => `The review ${review} in ${organisation} is overdue`,
      heading: 'A review of rights is overdue',
      body: ({ organisation, review, due_at }) =>
        `The review “${review}” in ${organisation} should have been done by ${due_at}, and rights are still waiting for an answer.`,
      why: whyReviewer,
    },
    webhook_disabled: {
      subject: ({ webhook }) => `The webhook to ${webhook} was switched off`,
      heading: 'A webhook was switched off',
      body: ({ organisation, webhook }) =>
        `${webhook} no longer hears what happens in ${organisation}: for days it took nothing, or it said that it is gone. You can switch it on again, and send what it missed.`,
      why: ({ organisation }) =>
        `You get this mail because you manage the webhooks of ${organisation}.`,
    },
    invites_lost_right: {
      subject: ({ organisation }) => `Invitations to ${organisation} no longer work`,
      heading: 'Invitations no longer work',
      body: ({ organisation, person, count }) =>
        `${person} may no longer invite people to ${organisation}. Open invitations of theirs that no longer work: ${count}. You can send them anew in your own name.`,
      why: ({ organisation }) =>
        `You get this mail because you may invite people to ${organisation}.`,
    },
    credentials_lost_right: {
      subject: ({ credentials }) => `Somebody has to answer for ${credentials}`,
      heading: 'Nobody answers for this any more',
      body: ({ organisation, person, credentials, endsAt }) =>
        `${person} may no longer answer for this in ${organisation}: ${credentials}. It works until ${endsAt}, and goes on when somebody else takes it over.`,
      why: ({ organisation }) => `You get this mail because you manage ${organisation}.`,
    },
    member_roles_updated: {
      subject: ({ organisation }) => `Your roles in ${organisation} have changed`,
      heading: 'Your roles have changed',
      body: ({ organisation, roles, actor }) =>
        `${actor} has changed what you may do in ${organisation}. ${roles ? `Your roles are now: ${roles}.` : 'You hold no role there now.'}`,
      why: whyMember,
    },
    member_removed: {
      subject: ({ organisation }) => `You are no longer a member of ${organisation}`,
      heading: 'Your membership has ended',
      body: ({ organisation, actor }) => `${actor} has removed you from ${organisation}.`,
      why: whyFormerMember,
    },
    member_banned: {
      subject: ({ organisation }) => `You have been banned from ${organisation}`,
      heading: 'You have been banned',
      body: ({ organisation, actor }) =>
        `${actor} has banned you from ${organisation}. You cannot be invited there until the ban is lifted.`,
      why: whyFormerMember,
    },
    access_ending: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Your membership of ${organisation} ends soon`
          : `A role of yours in ${organisation} ends soon`,
      heading: 'Your access ends soon',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Your membership of ${organisation} ends on ${endsAt}. If you need it for longer, ask an admin.`
          : `In ${organisation} you hold this until ${endsAt}: ${roles}. If you need it for longer, ask an admin.`,
      why: whyMember,
    },
    access_ended: {
      subject: ({ organisation, isMembership }) =>
        isMembership
          ? `Your membership of ${organisation} has ended`
          : `A role of yours in ${organisation} has ended`,
      heading: 'Your access has ended',
      body: ({ organisation, isMembership, roles, endsAt }) =>
        isMembership
          ? `Your membership of ${organisation} ended on ${endsAt}, as it was agreed.`
          : `In ${organisation} you no longer hold: ${roles}. Its time ended on ${endsAt}.`,
      why: (words) => (words.isMembership ? whyFormerMember(words) : whyMember(words)),
    },
    ownership_transferred: {
      subject: ({ organisation }) => `${organisation} has a new owner`,
      heading: 'The organisation has a new owner',
      body: ({ organisation, owner, actor, roles }) =>
        `${actor} has handed ${organisation} over to ${owner}. Your role is now: ${roles}.`,
      why: ({ organisation }) =>
        `You get this mail because you were or now are the owner of ${organisation}.`,
    },
    join_requested: {
      subject: ({ organisation, requester }) => `${requester} asks to join ${organisation}`,
      heading: 'Somebody asks to join',
      body: ({ organisation, requester }) =>
        `${requester} has a confirmed address of one of your domains and asks to become a member of ${organisation}. You can let them in, or not.`,
      why: ({ organisation }) =>
        `You get this mail because you may invite people to ${organisation}.`,
    },
    join_approved: {
      subject: ({ organisation }) => `You are now a member of ${organisation}`,
      heading: 'You are in',
      body: ({ organisation, roles, actor }) =>
        `${actor} has let you into ${organisation}, as ${roles}.`,
      why: ({ organisation }) => `You get this mail because you asked to join ${organisation}.`,
    },
    join_declined: {
      subject: ({ organisation }) => `You cannot join ${organisation}`,
      heading: 'Your request was declined',
      body: ({ organisation, actor }) =>
        `${actor} has declined your request to join ${organisation}.`,
      why: ({ organisation }) => `You get this mail because you asked to join ${organisation}.`,
    },
  },
  auth: {
    code: 'Or enter this code:',
    invited: ({ organisation, roles, expiresIn, expiresAt }) =>
      `You are invited to ${organisation} as ${roles}. The invitation ends ${expiresIn}, on ${expiresAt}.`,
    whyAsked: ({ email, project }) =>
      `You receive this email because someone entered ${email} at ${project}. If it wasn’t you, ignore it, and never share the code or the link.`,
    whyTold: ({ project }) =>
      `You receive this email because it concerns the security of your ${project} account.`,
    signup: {
      subject: 'Confirm your address',
      body: ({ email }) => `Confirm that ${email} is yours, and your account is ready.`,
      button: 'Confirm my address',
    },
    invite: {
      subject: 'You are invited',
      body: ({ email }) => `An account is ready for ${email}. Activate it to sign in.`,
      button: 'Activate your account',
    },
    magiclink: {
      subject: 'Your link to sign in',
      body: ({ email }) => `With this link you sign in as ${email}. It works once.`,
      button: 'Sign in',
    },
    recovery: {
      subject: 'Choose a new password',
      body: ({ email }) =>
        `Somebody wants to choose a new password for ${email}. If it was you, go on here.`,
      button: 'Choose a new password',
    },
    email_change: {
      subject: 'Confirm the change of your address',
      body: ({ email }) => `Confirm that your account is to use the address ${email} from now on.`,
      button: 'Confirm the change',
    },
    reauthentication: {
      subject: 'Your code',
      body: () => 'Enter this code to show that it is you.',
      button: null,
    },
    password_changed_notification: {
      subject: 'Your password was changed',
      body: ({ email }) =>
        `The password of ${email} was changed. If it was not you, choose a new one at once.`,
      button: 'Choose a new password',
    },
    email_changed_notification: {
      subject: 'Your address was changed',
      body: ({ email, project }) =>
        `Your account now uses the address ${email}. If it was not you, contact ${project} at once.`,
      button: null,
    },
    phone_changed_notification: {
      subject: 'Your phone number was changed',
      body: ({ email, project }) =>
        `The phone number of ${email} was changed. If it was not you, contact ${project} at once.`,
      button: null,
    },
    identity_linked_notification: {
      subject: 'A new way to sign in was added',
      body: ({ email }) =>
        `${email} can now sign in by another account, too. If it was not you, remove it at once.`,
      button: null,
    },
    identity_unlinked_notification: {
      subject: 'A way to sign in was removed',
      body: ({ email, project }) =>
        `One of the ways to sign in as ${email} was removed. If it was not you, contact ${project} at once.`,
      button: null,
    },
    mfa_factor_enrolled_notification: {
      subject: 'A second factor was added',
      body: ({ email }) =>
        `Signing in as ${email} now asks for another factor, too. If it was not you, remove it at once.`,
      button: null,
    },
    mfa_factor_unenrolled_notification: {
      subject: 'A second factor was removed',
      body: ({ email }) =>
        `Signing in as ${email} no longer asks for one of its factors. If it was not you, add it again at once.`,
      button: null,
    },
  },
}
