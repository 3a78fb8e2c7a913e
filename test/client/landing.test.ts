/** The page that a mailed link opens. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type InvitePreview,
  nextStep,
  openLanding,
  type TokenStorage,
  takeToken,
} from '../../client/index.ts'
import { sharedStack } from './people.ts'

/** A browser's address bar and history, as far as a link goes. */
function browserAt(address: string) {
  const url = new URL(address, 'https://app.example.com')
  const replaced: string[] = []
  return {
    location: url,
    history: {
      state: { kept: true },
      replaceState(_data: unknown, _unused: string, path: string) {
        replaced.push(path)
        url.href = new URL(path, url).href
      },
    },
    replaced,
  }
}

function memory(): TokenStorage & { items: Map<string, string> } {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  }
}

describe('takeToken', () => {
  test.for([
    ['/invite#inv_abc', 'inv_abc', '/invite'],
    ['/register?token=inv_abc', 'inv_abc', '/register'],
    ['/register?lang=de&token=inv_abc#top', 'inv_abc', '/register?lang=de#top'],
    ['/invite?token=inv_old#inv_new', 'inv_new', '/invite'],
    ['/invite?token=#x', null, '/invite#x'],
  ] as const)('%s: %s, and leaves %s', ([address, token, left]) => {
    const { location, history, replaced } = browserAt(address)

    expect(takeToken(location, history)).toBe(token)
    expect(replaced).toEqual([left])
  })

  test.for(['/invite', '/invite#section', '/?tokens=1'])('leaves %s alone', (address) => {
    const { location, history, replaced } = browserAt(address)

    expect(takeToken(location, history)).toBeNull()
    expect(replaced).toEqual([])
  })

  test('finds none where there is no address, as on a server', () => {
    expect(takeToken()).toBeNull()
  })
})

describe('nextStep', () => {
  const pending = { status: 'pending', email: 'kim@example.com', hasAccount: true } as InvitePreview

  test.for([
    ['sign-in', pending, null],
    ['register', { ...pending, hasAccount: false }, null],
    // A link that was revealed does not tell; whoever has an account signs in instead.
    ['register', { ...pending, hasAccount: null }, null],
    ['accept', pending, 'Kim@Example.com'],
    ['switch-account', pending, 'lou@example.com'],
    ['closed', { ...pending, status: 'expired' as const }, 'kim@example.com'],
    ['closed', { ...pending, status: 'invalid' as const }, null],
  ] as const)('%s', ([step, preview, email]) => {
    expect(nextStep(preview, email)).toBe(step)
  })
})

describe('openLanding', () => {
  const stack = sharedStack()

  async function invited() {
    const { id, owner } = await stack.organisation()
    const email = `lands-${randomUUID().slice(0, 8)}@example.com`
    const { data: invite } = await owner.must.invites.create(id, { email, roles: ['member'] })
    return { id, owner, email, token: await stack.tokenOf(owner, invite.id), invite }
  }

  test('survives registration on another page, accepts once, and cleans up', async () => {
    const { email, token } = await invited()
    const storage = memory()
    const first = browserAt(`/invite#${token}`)
    const before = openLanding(stack.anyone(), { ...first, storage })
    const { data: preview } = await before.preview()
    expect(preview).toMatchObject({ hasAccount: null })
    expect(nextStep(preview as InvitePreview, null)).toBe('register')
    expect(first.location.href).not.toContain('inv_')

    const newcomer = await stack.person(email)
    const after = openLanding(newcomer.usher, { ...browserAt('/welcome'), storage })
    expect(after.token).toBe(token)
    const { data: again } = await after.preview()
    expect(nextStep(again as InvitePreview, newcomer.email)).toBe('accept')
    const [one, two] = await Promise.all([after.accept(), after.accept()])

    expect(one.data).toMatchObject({ status: 'active', roles: ['member'] })
    expect(two).toBe(one)
    expect(after.token).toBeNull()
    expect(storage.items.size).toBe(0)
  })

  test('keeps the token when another try may help, and asks again', async () => {
    const { email, token } = await invited()
    const storage = memory()
    const wrong = await stack.person()
    const landing = openLanding(wrong.usher, { ...browserAt(`/?token=${token}`), storage })

    expect((await landing.accept()).error?.code).toBe('invite_wrong_email')
    expect(landing.token).toBe(token)
    await wrong.supabase.auth.signOut()
    expect((await landing.accept()).error?.code).toBe('unauthenticated')
    await wrong.supabase.auth.signUp({ email, password: 'password' })
    expect((await landing.accept()).data?.status).toBe('active')
    expect(storage.items.size).toBe(0)
  })

  test('forgets a token that is spent', async () => {
    const { owner, invite, token, email } = await invited()
    await owner.must.invites.revoke(invite.id)
    const storage = memory()
    const person = await stack.person(email)
    const landing = openLanding(person.usher, { ...browserAt(`/invite#${token}`), storage })

    expect((await landing.accept()).error?.code).toBe('invite_revoked')
    expect([landing.token, storage.items.size]).toEqual([null, 0])
  })

  test('does the same with a client that throws', async () => {
    const { owner, invite, token, email } = await invited()
    const storage = memory()
    const person = await stack.person(email)
    const landing = openLanding(person.must, { ...browserAt(`/invite#${token}`), storage })
    const { data: preview } = await landing.preview()
    expect(nextStep(preview, email)).toBe('accept')

    await owner.must.invites.revoke(invite.id)

    await expect(landing.accept()).rejects.toMatchObject({ code: 'invite_revoked' })
    expect([landing.token, storage.items.size]).toEqual([null, 0])
  })

  test('declines without an account', async () => {
    const { token } = await invited()
    const storage = memory()
    const landing = openLanding(stack.anyone(), { ...browserAt(`/invite#${token}`), storage })

    const { data } = await landing.decline({ reason: 'Wrong person' })

    expect(data?.status).toBe('declined')
    expect(storage.items.size).toBe(0)
    expect((await landing.preview()).data?.status).toBe('declined')
  })

  test('works where storage is forbidden, for as long as the page lives', async () => {
    const { token } = await invited()
    const forbidden = () => {
      throw new Error('forbidden')
    }
    const storage = { getItem: forbidden, setItem: forbidden, removeItem: forbidden }
    const landing = openLanding(stack.anyone(), { ...browserAt(`/invite#${token}`), storage })

    expect((await landing.preview()).data?.status).toBe('pending')
    landing.clear()
    expect(landing.token).toBeNull()
  })

  test('without a token shows an invite that is invalid', async () => {
    const landing = openLanding(stack.anyone(), { ...browserAt('/invite'), storage: memory() })

    expect(landing.token).toBeNull()
    expect((await landing.preview()).data?.status).toBe('invalid')
  })
})
