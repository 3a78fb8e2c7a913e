/**
 * Domains that the organisation has proved, or is about to prove, and what their people may do.
 *
 * @module
 */
import {
  ActionIcon,
  Button,
  Code,
  CopyButton,
  Group,
  NativeSelect,
  Paper,
  Skeleton,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import type { Domain, JoinPolicy } from '../../../index.ts'
import {
  useCreateDomain,
  useDeleteDomain,
  useDomains,
  useUpdateDomain,
} from '../../../react/index.ts'
import { readableAddress } from '../../../readable-address.ts'
import { useTexts } from '../../app/language.tsx'
import { useOrganisation } from '../../app/organisation.tsx'
import { useSay } from '../../app/say.tsx'
import { ProblemAlert } from '../../parts/problem-alert.tsx'
import { useGivableRoles } from '../../parts/role-choice.tsx'
import { Status } from '../../parts/status.tsx'
import { TakeOver } from '../../parts/take-over.tsx'
import { SettingsSection } from './settings-section.tsx'

export function DomainSettings() {
  const { settings } = useTexts()
  const { id } = useOrganisation()
  const domains = useDomains(id)
  const create = useCreateDomain(id)
  const [typed, setTyped] = useState('')

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    create.mutate({ domain: typed }, { onSuccess: () => setTyped('') })
  }

  return (
    <SettingsSection title={settings.domains}>
      <Text size="sm" c="dimmed">
        {settings.domainsText}
      </Text>
      {domains.isPending && <Skeleton height={40} />}
      {domains.error && <ProblemAlert error={domains.error} />}
      {domains.data?.map((domain) => (
        <DomainCard key={domain.domain} domain={domain} />
      ))}
      <form onSubmit={add}>
        <Group align="flex-end">
          <TextInput
            label={settings.domain}
            placeholder="example.com"
            required
            withAsterisk={false}
            flex="1 1 200px"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" variant="default" loading={create.isPending}>
            {settings.addDomain}
          </Button>
        </Group>
      </form>
      {create.error && <ProblemAlert error={create.error} />}
    </SettingsSection>
  )
}

function DomainCard({ domain }: { domain: Domain }) {
  const { settings, common } = useTexts()
  const { id } = useOrganisation()
  const say = useSay()
  const givable = useGivableRoles()
  const update = useUpdateDomain(id)
  const remove = useDeleteDomain(id)
  const onError = (error: unknown) => say.refused(error)
  const name = domain.domain

  return (
    <Paper withBorder p="md" className="usher-words">
      <Group justify="space-between" wrap="nowrap">
        <div>
          <Text fw={600}>{readableAddress(name)}</Text>
          <Status mood={domain.verifiedAt ? 'good' : 'waiting'}>
            {domain.verifiedAt ? settings.verifiedDomain : settings.unverifiedDomain}
          </Status>
        </div>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={settings.removeDomain(name)}
          onClick={() => remove.mutate({ domain: name }, { onError })}
        >
          <IconTrash size={16} aria-hidden />
        </ActionIcon>
      </Group>
      {domain.joinPolicy === 'join' && (
        <TakeOver id={domain.id} name={name} stopsAt={domain.stopsAt} />
      )}
      {!domain.verifiedAt && (
        <Stack gap={6} mt="sm">
          <Text size="sm">{settings.dnsText}</Text>
          {[
            [settings.dnsName, `_usher.${name}`],
            [settings.dnsValue, domain.verification],
          ].map(([label = '', value = '']) => (
            <Group key={label} gap="xs" wrap="nowrap">
              <Text size="sm" c="dimmed" w={56} style={{ flexShrink: 0 }}>
                {label}
              </Text>
              <Code dir="ltr">{value}</Code>
              <CopyButton value={value}>
                {({ copied, copy }) => (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    onClick={copy}
                    aria-label={`${common.copy}: ${label}`}
                  >
                    {copied ? common.copied : common.copy}
                  </Button>
                )}
              </CopyButton>
            </Group>
          ))}
        </Stack>
      )}
      <Group mt="sm" align="flex-end">
        <NativeSelect
          label={settings.joinPolicy}
          value={domain.joinPolicy}
          data={Object.entries(settings.joinPolicies).map(([value, label]) => ({ value, label }))}
          onChange={(event) => {
            const joinPolicy = event.currentTarget.value as JoinPolicy
            update.mutate({ domain: name, joinPolicy }, { onError })
          }}
        />
        <NativeSelect
          label={settings.joinRole}
          value={domain.role}
          data={givable}
          onChange={(event) =>
            update.mutate({ domain: name, role: event.currentTarget.value }, { onError })
          }
        />
      </Group>
    </Paper>
  )
}
