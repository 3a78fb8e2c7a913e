/**
 * REST and Auth over a database of a run.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { startApi } from '../../supabase/local/api.ts'
import { freePort } from '../../supabase/local/ports.ts'

export type Api = Awaited<ReturnType<typeof startQuietApi>>

export async function startQuietApi(databaseUrl: string) {
  const secrets = {
    jwtSecret: randomBytes(32).toString('hex'),
    publishableKey: `sb_publishable_${randomBytes(16).toString('hex')}`,
    secretKey: `sb_secret_${randomBytes(16).toString('hex')}`,
  }
  // The local REST prints each refusal of Postgres, and the REST function each connection that it has lost.
  const print = console.error
  console.error = (...what) => {
    const isExpected =
      what[0] instanceof Error
        ? what[0].name === 'PostgresError'
        : String(what[0]).startsWith('Not available: 0 ')
    if (!isExpected) print(...what)
  }
  const api = await startApi({
    databaseUrl,
    port: await freePort(),
    siteUrl: 'https://app.test',
    secrets,
  })
  return {
    url: api.url,
    publishableKey: secrets.publishableKey,
    tokenOf: (userId: string) =>
      new SignJWT({ role: 'authenticated', aud: 'authenticated' })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(userId)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secrets.jwtSecret)),
    async stop() {
      await api.stop()
      console.error = print
    },
  }
}
