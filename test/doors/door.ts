/**
 * One way into Usher, as one caller has it: what the four doors have in common, in the same words.
 *
 * @module
 */
import type { Stack } from '../../supabase/local/stack-file.ts'

export interface Person {
  email: string
  userId: string
  /** Of their session. */
  accessToken: string
}

export interface Draft {
  email: string
  roles: string[]
}

export interface Invite {
  id: string
  email: string
  roles: string[]
  status: string
}

export interface Outcome {
  email: string
  status: string
  errorCode: string | null
}

export interface Preview {
  status: string
  reason: string | null
  organisationName: string | null
}

export interface Member {
  userId: string
  roles: string[]
  status: string
}

export interface Organisation {
  id: string
  name: string
}

export interface Policy {
  signUp: string | null
  authConfirmsAddresses: boolean | null
}

export interface Page {
  invites: Invite[]
  /** To be given for the page that follows; null: there is none. */
  next: string | null
}

/** Every call throws a `Refused` when the database refuses. */
export interface Door {
  /** Who may create an account. */
  signUpPolicy(): Promise<Policy>
  createOrganisation(name: string): Promise<Organisation>
  /** Null when there is none that the caller may see. */
  organisation(id: string): Promise<Organisation | null>
  invite(organisationId: string, draft: Draft): Promise<Invite>
  /** An outcome for each draft, in their order. */
  inviteMany(organisationId: string, drafts: Draft[]): Promise<Outcome[]>
  /** Newest first. */
  invites(organisationId: string, size: number, after?: string | null): Promise<Page>
  validate(token: string): Promise<Preview>
  accept(token: string): Promise<Member>
  decline(token: string, reason: string): Promise<Preview>
  resend(inviteId: string): Promise<Invite>
  revoke(inviteId: string): Promise<Invite>
  updateRoles(organisationId: string, userId: string, roles: string[]): Promise<Member>
  remove(organisationId: string, userId: string): Promise<Member>
  ban(organisationId: string, userId: string): Promise<Member>
  unban(organisationId: string, userId: string): Promise<Member>
  /** Answers the membership of the new owner. */
  transfer(organisationId: string, newOwnerId: string): Promise<Member>
}

/** @param person - who calls; null: nobody who is signed in */
export type OpenDoor = (stack: Stack, person: Person | null) => Door

/** What a door says when the database refuses. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string
  /** As HTTP has it; GraphQL says it beside the code. */
  readonly status: number
  readonly details: string | null

  constructor({
    code,
    status,
    details,
  }: { code: string; status: number; details?: string | null }) {
    super(`${status} ${code}`)
    this.code = code
    this.status = status
    this.details = details ?? null
  }
}
