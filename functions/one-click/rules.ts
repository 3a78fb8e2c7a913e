/**
 * What the one-click function asks of the database, which decides.
 *
 * @module
 */
import type postgres from 'postgres'

/** Whom to make an account for. */
export interface OneClick {
  inviteId: string
  /** Which sending of the invite. */
  issue: number
  email: string
}

export interface OneClickRules {
  /** Uses a link up; null when it is not good for it, whyever. */
  start(token: string): Promise<OneClick | null>
  /**
   * Whether the code of this account may be handed out; asked once.
   *
   * @param userId - null when there is none
   */
  finish(oneClick: OneClick, userId: string | null): Promise<boolean>
}

/** @param sql - connected as the role usher_worker */
export function oneClickRulesOf(sql: postgres.Sql): OneClickRules {
  return {
    async start(token) {
      const [row] = await sql<OneClick[]>`
        select s.invite_id as "inviteId", s.issue, s.email from usher.start_one_click(${token}) s`
      return row ?? null
    },
    async finish({ inviteId, issue }, userId) {
      const [row] = await sql<{ isGood: boolean }[]>`
        select usher.finish_one_click(${inviteId}, ${issue}, ${userId}) as "isGood"`
      return row?.isGood ?? false
    },
  }
}
