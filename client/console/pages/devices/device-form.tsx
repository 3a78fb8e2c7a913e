/**
 * Makes a code for a device, and shows it once: to read out, to copy, to scan.
 *
 * @module
 */
import {
  Button,
  Center,
  CopyButton,
  Group,
  NativeSelect,
  Paper,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useForm } from '@mantine/form'
import { QRCodeSVG } from 'qrcode.react'
import type { DeviceCode } from '../../../index.ts'
import { useInviteDevice } from '../../../react/index.ts'
import { useFormat, useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { RoleSelect } from '../../parts/role-choice.tsx'

export function DeviceForm({ onClose }: { onClose: () => void }) {
  const { devices, common, compose } = useTexts()
  const { id } = useOrganisation()
  const invite = useInviteDevice(id)
  const form = useForm({
    initialValues: { deviceName: '', roles: ['member'], expiresIn: '1 day' },
  })

  return (
    <Dialog
      opened={true}
      onClose={onClose}
      title={invite.data ? devices.codeTitle : devices.invite}
    >
      {invite.data ? (
        <Code code={invite.data} onClose={onClose} />
      ) : (
        <form onSubmit={form.onSubmit((draft) => invite.mutate(draft))}>
          <Stack>
            <TextInput
              label={devices.name}
              description={devices.nameHint}
              required
              withAsterisk={false}
              maxLength={100}
              data-autofocus
              {...form.getInputProps('deviceName')}
            />
            <RoleSelect
              label={compose.rolesLabel}
              value={form.values.roles}
              onChange={(roles) => form.setFieldValue('roles', roles)}
            />
            <NativeSelect
              label={compose.expiry}
              data={[
                { value: '1 hour', label: compose.hours(1) },
                { value: '1 day', label: compose.days(1) },
                { value: '7 days', label: compose.days(7) },
              ]}
              {...form.getInputProps('expiresIn')}
            />
            {invite.error && <ProblemAlert error={invite.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {common.cancel}
              </Button>
              <Button
                type="submit"
                loading={invite.isPending}
                disabled={form.values.roles.length === 0}
              >
                {devices.create}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Dialog>
  )
}

function Code({ code, onClose }: { code: DeviceCode; onClose: () => void }) {
  const { devices, common } = useTexts()
  const format = useFormat()
  return (
    <Stack>
      <Text
        ta="center"
        fz={28}
        fw={600}
        ff="monospace"
        dir="ltr"
        style={{ letterSpacing: '0.08em', overflowWrap: 'anywhere' }}
      >
        {code.code}
      </Text>
      <Center>
        {/* White around it in dark, too: scanners need it. */}
        <Paper bg="white" p="md">
          <QRCodeSVG value={code.code} size={168} title={devices.qrLabel} />
        </Paper>
      </Center>
      <Text size="sm" ta="center">
        {devices.codeText} {devices.validUntil(format.dateTime(code.expiresAt))}
      </Text>
      <Group justify="center">
        <CopyButton value={code.code}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? common.copied : common.copy}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>{common.close}</Button>
      </Group>
    </Stack>
  )
}
