/**
 * Devices: a short code instead of a mail.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'
import { interval, name, someNames, words } from '../inputs.ts'
import { created, myOrganisation, type Operation, OUTSIDE, row } from '../operation.ts'
import { DeviceInvite, Member } from '../schemas.ts'

const tag = 'Devices'

export const devices: Operation[] = [
  {
    id: 'createDeviceInvitation',
    method: 'post',
    path: '/devices/invitations',
    tag,
    summary: 'Makes a code for a device, shown this once.',
    source: { function: 'create_organisation_device_invite' },
    body: z.strictObject({
      organisation_id: myOrganisation,
      device_name: name.openapi({ example: 'Front door' }),
      roles: someNames.openapi({ minItems: 1, maxItems: 20, example: ['member'] }),
      expires_in: interval
        .optional()
        .openapi({ description: '1 hour to 30 days; without it, a day.' }),
    }),
    answers: created(DeviceInvite),
    refuses: [
      ...OUTSIDE,
      'role_not_assignable',
      'invalid_role',
      'invalid_expiry',
      'invalid_settings',
      'seat_limit_reached',
      'rate_limited',
    ],
    creates: { at: (row) => `/invitations/${row.invite_id}` },
  },
  {
    id: 'enrolDevice',
    method: 'post',
    path: '/devices/enrol',
    tag,
    summary: 'Makes the caller, a device with an account of its own, a member by a code.',
    source: { function: 'enrol_organisation_device' },
    body: z.strictObject({ code: words.openapi({ example: '7KQ4M-XW2BD' }) }),
    answers: row(Member),
    refuses: [
      'unauthenticated',
      'invite_invalid',
      'rate_limited',
      'invite_already_accepted',
      'invite_not_pending',
      'invite_revoked',
      'invite_expired',
      'inviter_lost_right',
      'invalid_role',
      'role_not_assignable',
      'domain_not_allowed',
      'sso_required',
      'seat_limit_reached',
      'already_member',
      'member_banned',
      'try_again',
    ],
  },
]
