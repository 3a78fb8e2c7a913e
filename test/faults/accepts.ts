/**
 * Postgres dies while people accept: postmaster and backends are killed with SIGKILL in the middle of it.
 * Whoever was told that they are in is in, nobody is half in, and whoever was told nothing asks again and hears
 * the truth.
 *
 * @module
 */
import { setTimeout as wait } from 'node:timers/promises'
import type postgres from 'postgres'
import { Refusal } from '../support/refusal.ts'
import { ask, NoAnswer } from './ask.ts'
import { createRandom } from './random.ts'
import { check, type FaultOptions, type FaultReport } from './report.ts'
import { connectTo, countAccepts, halfAccepts, type Invitee, startScene } from './scene.ts'

const CLIENTS = 16

/** @param options.kills - how often; so many times 150 people are invited */
export async function runAcceptFaults(
  options: FaultOptions & { kills: number },
): Promise<FaultReport> {
  const { seed, kills, say = () => {} } = options
  const random = createRandom(seed)
  const scene = await startScene()
  const broken: string[] = []
  const figures = { kills, acknowledged: 0, unanswered: 0, committed: 0 }

  try {
    for (let kill = 1; kill <= kills; kill++) {
      const invitees = await scene.invite(150)
      const { acknowledged, unanswered, refused } = await acceptUntilKilled(invitees)
      check(broken, 'somebody was refused who is invited', refused)
      await scene.start()

      const accepted = await acceptedOf(invitees)
      check(
        broken,
        'what was acknowledged is gone',
        acknowledged.map(({ inviteId }) => inviteId).filter((id) => !accepted.has(id)),
      )
      const asked = new Set([...acknowledged, ...unanswered])
      check(
        broken,
        'somebody is in who has not asked',
        invitees
          .filter((invitee) => accepted.has(invitee.inviteId) && !asked.has(invitee))
          .map(({ inviteId }) => inviteId),
      )
      check(broken, 'half an accept', await halfAccepts(scene.sql))
      for (const invitee of unanswered) await askAgain(invitee, accepted.has(invitee.inviteId))

      figures.acknowledged += acknowledged.length
      figures.unanswered += unanswered.length
      figures.committed += unanswered.filter(({ inviteId }) => accepted.has(inviteId)).length
      if (kill % 10 === 0) say(`Postgres was killed ${kill} times.`)
    }
    const { invites, members, events } = await countAccepts(scene.sql, scene.organisationId)
    if (invites !== members || invites !== events) {
      broken.push(`${invites} accepted invites, ${members} members and ${events} events`)
    }
    if (invites !== figures.acknowledged + figures.unanswered) {
      broken.push(
        `${invites} are in, not the ${figures.acknowledged + figures.unanswered} who asked`,
      )
    }
    return { broken, figures }
  } finally {
    await scene.stop()
  }

  /** Sixteen take from one list, until the server is gone. */
  async function acceptUntilKilled(invitees: Invitee[]) {
    const sql = connectTo(scene.url, CLIENTS)
    const waiting = [...invitees]
    const acknowledged: Invitee[] = []
    const unanswered: Invitee[] = []
    const refused: string[] = []
    const enough = Math.floor(5 + random() * 100)
    let isKilled = false
    let reachEnough = () => {}
    const hasEnough = new Promise<void>((resolve) => {
      reachEnough = resolve
    })

    const clients = Array.from({ length: CLIENTS }, async () => {
      while (!isKilled) {
        const invitee = waiting.shift()
        if (!invitee) return reachEnough()
        try {
          await accept(sql, invitee)
          acknowledged.push(invitee)
        } catch (error) {
          if (error instanceof NoAnswer) unanswered.push(invitee)
          else refused.push(wordOf(error))
        }
        if (acknowledged.length >= enough) reachEnough()
      }
    })
    await hasEnough
    await wait(random() * 20)
    isKilled = true
    await scene.kill()
    await Promise.all(clients)
    await sql.end({ timeout: 0 }).catch(() => {})
    return { acknowledged, unanswered, refused }
  }

  async function acceptedOf(invitees: Invitee[]): Promise<Set<string>> {
    const rows = await scene.sql<{ id: string }[]>`select i.id from usher.invites i
      where i.status = 'accepted' and i.id = any (${invitees.map(({ inviteId }) => inviteId)})`
    return new Set(rows.map(({ id }) => id))
  }

  async function askAgain(invitee: Invitee, wasAccepted: boolean) {
    const answer = await accept(scene.sql, invitee).then(({ status }) => status, wordOf)
    const truth = wasAccepted ? 'invite_already_accepted' : 'active'
    if (answer !== truth) check(broken, `asking again was answered with ${answer}`, [truth])
  }
}

const accept = (sql: postgres.Sql, invitee: Invitee) =>
  ask<{ status: string }>(sql, invitee, 'accept_organisation_invite', { token: invitee.token })

const wordOf = (error: unknown) => (error instanceof Refusal ? error.code : String(error))
