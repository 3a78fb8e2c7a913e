/**
 * Which organisation a request is about: callers name it by its id or by its slug, and members of one only need
 * not name it.
 *
 * @module
 */
import type { Database } from '../../client/generated/database.types.ts'
import type { Caller } from './caller.ts'
import type { Input, Operation } from './operation.ts'
import { Problem } from './problem.ts'

type MyOrganisation = Database['public']['Functions']['list_my_organisations']['Returns'][number]

/** The id of no organisation: what the caller cannot see is answered as what is not there. */
const NO_ORGANISATION = '00000000-0000-0000-0000-000000000000'

const takes = (schema: Operation['query']) => Object.hasOwn(schema?.shape ?? {}, 'organisation_id')

/** Whether its caller may leave the organisation out. In a path it has to stand. */
export const mayLeaveOutOrganisation = ({ params, query, body }: Operation): boolean =>
  !takes(params) && (takes(query) || takes(body))

/**
 * The input with the id of the organisation in it, where an operation is about one.
 *
 * @throws Problem: organisation_required, where none was named and the caller is a member of several, or of none
 */
export async function withOrganisation(
  caller: Caller,
  operation: Operation,
  input: Input,
): Promise<Input> {
  const named = input.organisation_id
  if (typeof named === 'string') {
    // What has the form of an id is one, also where a slug has it.
    const isId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(named)
    return isId ? input : { ...input, organisation_id: await idOf(caller, named) }
  }
  return mayLeaveOutOrganisation(operation)
    ? { ...input, organisation_id: await onlyId(caller) }
    : input
}

async function idOf(caller: Caller, slug: string): Promise<string> {
  const { data } = await caller.read((supabase) =>
    // Quoted: the REST of the local stack would take false and 12 for what they look like.
    supabase.from('organisations').select('id').or(`slug.eq."${slug}"`),
  )
  const [readable] = data as { id: string }[]
  if (readable) return readable.id
  // Members without a role read no organisation, and are members all the same.
  const mine = (await ownOrganisations(caller)).find((each) => each.slug === slug)
  return mine?.id ?? NO_ORGANISATION
}

async function onlyId(caller: Caller): Promise<string> {
  const mine = await ownOrganisations(caller)
  const [only] = mine
  if (only && mine.length === 1) return only.id
  const some = mine.slice(0, 3).map(({ slug }) => slug)
  const whose = only
    ? `You are a member of ${mine.length} organisations, such as ${some.join(', ')}.`
    : 'You are a member of no organisation.'
  throw new Problem('organisation_required', {
    hint: `${whose} Give organisation_id: the id or the slug of one.`,
  })
}

/** Those of whoever is signed in. A secret key is a member of none. */
async function ownOrganisations(caller: Caller): Promise<MyOrganisation[]> {
  try {
    return (await caller.call('list_my_organisations', {})).data as MyOrganisation[]
  } catch (error) {
    if (error instanceof Problem && error.code === 'permission_denied') return []
    throw error
  }
}
