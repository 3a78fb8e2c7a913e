/**
 * The organisation whose pages are shown, and what the reader may do there. Only for comfort: what is
 * hidden here is refused by the server as well.
 *
 * @module
 */
import { useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, use, useEffect, useMemo, useRef } from 'react'
import type { MyOrganisation, Organisation, Permission } from '../../index.ts'
import { useUsherQueries } from '../../react/index.ts'
import { useAccent } from './accent.ts'
import { live } from './live.ts'

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

export function OrganisationProvider(props: OrganisationProviderProps) {
  const { organisationKey, whileLoading, whenMissing, whenFailed, children } = props
  const queries = useUsherQueries()
  // Roles may change while somebody looks.
  const mine = useQuery({ ...queries.organisations.mine(), ...live })
  const known = useRef({ key: '', id: '' })
  const found =
    mine.data?.find(({ id, slug }) => organisationKey === slug || organisationKey === id) ??
    // Its short name has changed, and the address still has the old one.
    mine.data?.find(({ id }) => known.current.key === organisationKey && known.current.id === id)
  const id = found?.id ?? ''
  const enabled = id !== ''
  useEffect(() => {
    if (id) known.current = { key: organisationKey, id }
  }, [organisationKey, id])

  const permissions = useQuery({ ...queries.organisations.myPermissions(id), ...live, enabled })
  const details = useQuery({ ...queries.organisations.get(id), enabled })
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
