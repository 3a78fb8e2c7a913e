/**
 * A running stack, and people who use the client against it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { afterAll, beforeAll, inject } from 'vitest'
import { createUsher, type Usher } from '../../client/index.ts'
import type { Stack } from '../../supabase/local/stack-file.ts'
import { freeRange, type Run, runStart, temporaryFolder, untilReady } from '../support/stack.ts'

export interface ClientPerson {
  supabase: SupabaseClient
  usher: Usher
  /** The same, for what has to work. */
  must: Usher<false, true>
  email: string
  userId: string
}

/** The stack that all such tests share: what belongs to the project as a whole, nobody changes there. */
export const sharedStack = () => peopleOf(() => inject('sharedStack'))

/** Starts an empty stack for the tests of a file, and ends it after them. */
export function freshStack() {
  let folder: string
  let run: Run
  let stack: Stack

  beforeAll(async () => {
    folder = await temporaryFolder()
    run = runStart({
      USHER_DATA: folder,
      USHER_PORT: String(await freeRange()),
      USHER_SEED: 'none',
    })
    stack = await untilReady(run, folder)
  })
  afterAll(async () => {
    run.process.kill('SIGTERM')
    await run.ended
    await rm(folder, { recursive: true, force: true })
  })
  return peopleOf(() => stack)
}

function peopleOf(read: () => Stack) {
  const connect = (options: { fetch?: typeof fetch } = {}): SupabaseClient =>
    createClient(read().apiUrl, read().publishableKey, {
      auth: { persistSession: false },
      global: options,
    })

  /** Someone who has just registered, with an address of their own. */
  async function person(
    email = `person-${randomUUID().slice(0, 8)}@example.com`,
    options: { fetch?: typeof fetch } = {},
  ): Promise<ClientPerson> {
    const supabase = connect(options)
    const { error } = await supabase.auth.signUp({ email, password: 'password' })
    if (error) throw error
    return signedIn(supabase)
  }

  /** Whoever is signed in there. */
  async function signedIn(supabase: SupabaseClient): Promise<ClientPerson> {
    const { data } = await supabase.auth.getSession()
    const { id: userId = '', email = '' } = data.session?.user ?? {}
    const usher = createUsher(supabase)
    return { supabase, usher, must: usher.throwOnError(), email, userId }
  }

  /** The token in the link of an invite. */
  async function tokenOf(admin: ClientPerson, inviteId: string): Promise<string> {
    const { data: link } = await admin.must.invites.revealLink(inviteId)
    return link.split('#')[1] ?? ''
  }

  /** Someone who has just joined an organisation by a link. */
  async function join(admin: ClientPerson, organisationId: string, roles: string[]) {
    const newcomer = await person()
    const { data: invite } = await admin.must.invites.create(organisationId, {
      email: newcomer.email,
      roles,
    })
    await newcomer.must.invites.accept(await tokenOf(admin, invite.id))
    return newcomer
  }

  /** An organisation with its owner. */
  async function organisation() {
    const owner = await person()
    const { data } = await owner.must.organisations.create({ name: 'Acme' })
    return { id: data.id, owner }
  }

  return {
    get stack() {
      return read()
    },
    anyone: () => createUsher(connect()),
    connect,
    person,
    signedIn,
    join,
    tokenOf,
    organisation,
  }
}
