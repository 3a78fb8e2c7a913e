/**
 * Devices: invited by a code, enrolled with it.
 *
 * @module
 */
import { builder, operation } from '../builder.ts'
import type { DeviceInviteRow, MemberRow } from '../rows.ts'
import { Member } from './member.ts'
import { inOrganisation } from './page.ts'

const DeviceInvite = builder.objectRef<DeviceInviteRow>('DeviceInvite')

builder.objectType(DeviceInvite, {
  description: 'An invite of a device, with the code that is shown once.',
  fields: (t) => ({
    inviteId: t.expose('invite_id', { type: 'UUID', nullable: true }),
    organisationId: t.expose('organisation_id', { type: 'UUID', nullable: true }),
    deviceName: t.exposeString('device_name', { nullable: true }),
    roles: t.exposeStringList('roles', { nullable: true }),
    expiresAt: t.expose('expires_at', { type: 'DateTime', nullable: true }),
    code: t.exposeString('code', { nullable: true }),
  }),
})

builder.mutationFields((t) => ({
  createDeviceInvite: t.field({
    type: DeviceInvite,
    description: 'Makes a short code for a device. Needs invite.create.',
    args: {
      ...inOrganisation,
      deviceName: t.arg.string({ required: true, description: 'One line, 1 to 100 characters.' }),
      roles: t.arg.stringList({ required: true }),
      expiresIn: t.arg.string({ description: 'An interval, such as "1 hour".' }),
    },
    ...operation('create_organisation_device_invite'),
  }),
  enrolDevice: t.field({
    type: Member,
    nullable: true,
    description: 'Enrols the caller, a device that is signed in to an account of its own.',
    args: { code: t.arg.string({ required: true }) },
    extensions: { function: 'enrol_organisation_device' },
    // The function says that it returns JSON, because it also answers a wrong code without failing.
    resolve: async (_, args, { call }) =>
      (await call('enrol_organisation_device', args)) as unknown as MemberRow,
  }),
}))
