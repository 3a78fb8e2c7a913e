/**
 * The keys of the project that the tests have, and sessions of its people.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'

const random = () => randomBytes(16).toString('hex')

export const KEYS = {
  jwtSecret: random(),
  publishableKey: `sb_publishable_${random()}`,
  secretKey: `sb_secret_${random()}`,
}

/** An access token that says this, as Auth signs them. */
export function signToken(
  claims: object,
  expiresIn: string | null = '1 hour',
  secret = KEYS.jwtSecret,
): Promise<string> {
  const token = new SignJWT({ aud: 'authenticated', ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuedAt()
  if (expiresIn) token.setExpirationTime(expiresIn)
  return token.sign(new TextEncoder().encode(secret))
}

/** A session of this account. */
export const accessToken = (userId: string, expiresIn?: string) =>
  signToken({ role: 'authenticated', sub: userId }, expiresIn)
