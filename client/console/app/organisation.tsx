/**
 * The organisation whose pages are shown, and what the reader may do there. Only for comfort: what is
 * hidden here is refused by the server as well.
 *
 * @module
 */
import { createContext, type ReactNode, use, useMemo } from 'react'
import type { MyOrganisation, Organisation, Permission } from '../../index.ts'
import { useAccent } from './accent.ts'
import { useRead } from './data.ts'

interface CurrentOrganisation extends MyOrganisation {
  /** Its branding and settings; null while they are on their way, or where it is not to be read. */
  details: Organisation | null
  /** Where its pages begin. */
  path: string
  can(permission: Permission): boolean
}

const OrganisationContext = createContext<CurrentOrganisation | null>(null)

interface OrganisationProviderProps {
  /** Its short name or id, as in the address. */
  organisationKey: string
  whileLoading: ReactNode
  whenMissing: ReactNode
  whenFailed: (error: unknown, retry: () => void) => ReactNode
  children: ReactNode
}

/** Roles may change while somebody looks; how often that is looked for, in milliseconds. */
const ROLE_WATCH = 5_000

export function OrganisationProvider(props: OrganisationProviderProps) {
  const { organisationKey, whileLoading, whenMissing, whenFailed, children } = props
  const mine = useRead(['mine'], (usher) => usher.organisations.listMine(), {
    refetchInterval: ROLE_WATCH,
  })
  const found = mine.data?.find(({ id, slug }) => organisationKey === slug || organisationKey === id)
  const id = found?.id ?? ''
  const permissions = useRead(
    [id, 'permissions'],
    (usher) => usher.organisations.listMyPermissions(id),
    { enabled: id !== '', refetchInterval: ROLE_WATCH },
  )
  const details = useRead([id, 'details'], (usher) => usher.organisations.get(id), {
    enabled: id !== '',
  })
  useAccent(details.data?.accentColour)

  const organisation = useMemo(() => {
    if (!found || !permissions.data) return null
    const may = new Set<string>(permissions.data)
    return {
      ...found,
      details: details.data ?? null,
      path: `/organisations/${found.slug}`,
      can: (permission: Permission) => may.has(permission),
    }
  }, [found, permissions.data, details.data])

  if (organisation) {
    return <OrganisationContext value={organisation}>{children}</OrganisationContext>
  }
  if (mine.data && !found) return whenMissing
  const failed = mine.error ? mine : permissions.error ? permissions : null
  return failed ? whenFailed(failed.error, () => failed.refetch()) : whileLoading
}

export function useOrganisation(): CurrentOrganisation {
  const organisation = use(OrganisationContext)
  if (!organisation) throw new Error('useOrganisation needs an OrganisationProvider above it.')
  return organisation
}
