/**
 * Loaders: what many resolvers of one request ask for goes to the API as one question.
 *
 * @module
 */
import DataLoader from 'dataloader'
import { everyPage, type Order, pageAfter, type Select } from '../../client/keyset.ts'
import type { CallerClient } from '../_shared/caller.ts'
import { fromCursor, type PageArgs, pageSize } from './connection.ts'
import { requireText, settle } from './errors.ts'
import type {
  AccessReviewItemRow,
  AccessReviewRow,
  AuditEventRow,
  DeliveryRow,
  DirectoryCopyRow,
  DirectoryEndpointRow,
  DirectoryTokenRow,
  DomainRow,
  EmailTemplateRow,
  InviteRow,
  JoinRequestRow,
  MemberRow,
  OrganisationRow,
  RoleExclusionRow,
  RoleRow,
  SignInRuleRow,
  WebhookDeliveryRow,
  WebhookRow,
} from './rows.ts'

/**
 * Tables with pages, and the column that orders them; the id decides between equal ones, where it is not the id
 * itself.
 */
const PAGED: Record<PagedTable, { by: string; ascending: boolean; isId?: true }> = {
  organisation_members: { by: 'joined_at', ascending: true },
  organisation_invites: { by: 'created_at', ascending: false },
  organisation_deliveries: { by: 'created_at', ascending: false },
  organisation_email_templates: { by: 'created_at', ascending: false },
  organisation_join_requests: { by: 'created_at', ascending: false },
  organisation_access_reviews: { by: 'started_at', ascending: false },
  organisation_webhook_deliveries: { by: 'created_at', ascending: false },
  organisation_directory_copies: { by: 'member_id', ascending: true, isId: true },
}

interface PagedRows {
  organisation_members: MemberRow
  organisation_invites: InviteRow
  organisation_deliveries: DeliveryRow
  organisation_email_templates: EmailTemplateRow
  organisation_join_requests: JoinRequestRow
  organisation_access_reviews: AccessReviewRow
  organisation_webhook_deliveries: WebhookDeliveryRow
  organisation_directory_copies: DirectoryCopyRow
}
type PagedTable = keyof PagedRows

type Values = Record<string, unknown>
/** Tables that are read as a whole. */
type WholeTable =
  | 'organisation_role_exclusions'
  | 'organisation_domains'
  | 'organisation_sign_in_rules'
  | 'organisation_webhooks'
  | 'organisation_directory_tokens'
  | 'organisation_directory_endpoints'
  | 'organisation_access_review_items'

interface PageKey extends PageArgs {
  table: PagedTable
  /** Of an organisation; of copies: of an endpoint. */
  ownerId: string
  status?: string | null | undefined
}

/** Nothing is kept for later: a document may change something and then read it. */
const BATCH = { cache: false }
/** How many ids a request names at most, lest its address grow too long for what it passes through. */
const CHUNK = 100

export type Loaders = ReturnType<typeof createLoaders>

/** Loaders for one request. What row level security hides is null, or missing in lists. */
export function createLoaders(client: CallerClient) {
  const pages = new DataLoader<PageKey, unknown[]>(async (keys) => {
    // Keys that differ in the owner only are one question.
    const groups = groupBy(keys, pageText)
    const answers = await Promise.all(
      [...groups.values()].map((group) => loadPages(client, group).catch(asError)),
    )
    const found = new Map([...groups.keys()].map((text, i) => [text, answers[i]]))
    return keys.map((key) => {
      const answer = found.get(pageText(key))
      return answer instanceof Error ? answer : (answer?.get(key.ownerId) ?? [])
    })
  }, BATCH)

  /** All rows of several owners, sorted by these columns for each, however many the API lets through at once. */
  const allOf = <Row extends object>(
    table: WholeTable,
    owner: keyof Row & string,
    ...columns: (keyof Row & string)[]
  ) =>
    new DataLoader<string, Row[]>(async (ids) => {
      const order: Order = [owner, ...columns].map((column) => [column, 'asc'])
      const rows = await chunked(ids, (some) =>
        everyPage<Row>((last) => {
          const select: Select = client.from(table).select('*')
          return settle(
            pageAfter(select.in(owner, some), order, last as (Row & Values) | undefined),
          )
        }),
      )
      const grouped = groupBy(rows, (row) => row[owner])
      return ids.map((id) => grouped.get(id as Row[typeof owner]) ?? [])
    }, BATCH)

  return {
    organisation: new DataLoader<string, OrganisationRow | null>(async (ids) => {
      const rows = await chunked(ids, (some) =>
        settle(client.from('organisations').select('*').in('id', some)),
      )
      const found = new Map(rows.map((row) => [row.id, row]))
      return ids.map((id) => found.get(id) ?? null)
    }, BATCH),

    /** The roles that can be held in an organisation: built-in ones, then its own, by name. */
    roles: new DataLoader<string, RoleRow[]>(async (ids) => {
      const rows = await chunked(ids, (some) => {
        const wanted = `organisation_id.is.null,organisation_id.in.(${some.join(',')})`
        return everyPage<RoleRow>((last) => {
          const select: Select = client.from('organisation_roles').select('*').or(wanted)
          return settle(pageAfter(select, [['id', 'asc']], last))
        })
      })
      // Built-in ones come with each chunk.
      const roles = [...new Map(rows.map((row) => [row.id, row])).values()].sort(byKindAndName)
      return ids.map((id) =>
        roles.filter(({ organisation_id }) => organisation_id === null || organisation_id === id),
      )
    }, BATCH),

    domains: allOf<DomainRow>('organisation_domains', 'organisation_id', 'domain'),
    /** One, or none. */
    signInRules: allOf<SignInRuleRow>('organisation_sign_in_rules', 'organisation_id'),
    webhooks: allOf<WebhookRow>('organisation_webhooks', 'organisation_id', 'created_at', 'id'),
    directoryTokens: allOf<DirectoryTokenRow>(
      'organisation_directory_tokens',
      'organisation_id',
      'created_at',
      'id',
    ),
    directoryEndpoints: allOf<DirectoryEndpointRow>(
      'organisation_directory_endpoints',
      'organisation_id',
      'name',
      'id',
    ),
    roleExclusions: allOf<RoleExclusionRow>(
      'organisation_role_exclusions',
      'organisation_id',
      'name',
    ),

    /** What a review asks about, by person and role. */
    accessReviewItems: allOf<AccessReviewItemRow>(
      'organisation_access_review_items',
      'review_id',
      'user_id',
      'role',
    ),

    /** One more row than the page holds, when there are more. */
    page<T extends PagedTable>(
      table: T,
      ownerId: string,
      { first, after, status }: PageArgs & { status?: string | null | undefined },
    ): Promise<PagedRows[T][]> {
      requireText({ status })
      const key = { table, ownerId, first: pageSize(first), after, status }
      return pages.load(key) as Promise<PagedRows[T][]>
    },

    /** The same of the audit trail, which outlives its organisation and is asked for by itself. */
    auditPage(organisationId: string, { first, after }: PageArgs): Promise<AuditEventRow[]> {
      const from = fromCursor(after)
      const order = { ascending: false }
      const query = client
        .from('organisation_audit_events')
        .select('*')
        .eq('organisation_id', organisationId)
        .order('occurred_at', order)
        .order('id', order)
        .limit(pageSize(first) + 1)
      return settle(from ? query.or(beyond('occurred_at', 'lt', from)) : query)
    },
  }
}

/** The same page of several owners at once, each with its own limit. */
async function loadPages(
  client: CallerClient,
  keys: readonly PageKey[],
): Promise<Map<string, unknown[]>> {
  const [{ table, first, after, status }] = keys as [PageKey]
  const { by, ascending, isId } = PAGED[table]
  const from = fromCursor(after, isId)
  const order = { ascending, referencedTable: table }
  const ids = keys.map(({ ownerId }) => ownerId)
  const rows = await chunked(ids, async (some) => {
    const owners =
      table === 'organisation_directory_copies'
        ? 'organisation_directory_endpoints'
        : 'organisations'
    let query = client
      .from(owners as 'organisations')
      .select(`id, ${table} (*)`)
      .in('id', some)
      .order(by, order)
      .limit(first + 1, { referencedTable: table })
    if (!isId) query = query.order('id', order)
    if (status) query = query.eq(`${table}.status`, status)
    const than = ascending ? 'gt' : 'lt'
    if (from && isId) query = query[than](`${table}.${by}`, from.id)
    else if (from) query = query.or(beyond(by, than, from), { referencedTable: table })
    return (await settle(query)) as unknown as ({ id: string } & Record<string, unknown[]>)[]
  })
  return new Map(rows.map((row) => [row.id, row[table] ?? []]))
}

/** Built-in ones first. Names of roles are plain letters. */
function byKindAndName(a: RoleRow, b: RoleRow): number {
  const isOwn = ({ organisation_id }: RoleRow) => Number(organisation_id !== null)
  return isOwn(a) - isOwn(b) || (a.name < b.name ? -1 : 1)
}

/** What two keys have in common that differ in the owner only. */
function pageText({ table, first, after, status }: PageKey): string {
  return JSON.stringify([table, first, after, status])
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

/** Asks for each id once, and for so many at a time. */
async function chunked<Row>(
  ids: readonly string[],
  load: (some: string[]) => Promise<Row[]>,
): Promise<Row[]> {
  const distinct = [...new Set(ids)]
  const chunks: string[][] = []
  while (distinct.length > 0) chunks.push(distinct.splice(0, CHUNK))
  return (await Promise.all(chunks.map(load))).flat()
}

function beyond(column: string, than: 'lt' | 'gt', { at, id }: { at: string; id: string }): string {
  return `${column}.${than}."${at}",and(${column}.eq."${at}",id.${than}.${id})`
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
