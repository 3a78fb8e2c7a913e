import { createClient } from '@supabase/supabase-js'
import { createUsher, type Invite } from 'usher'
import { readInvites } from 'usher/csv'

const { API_URL = '', KEY = '', EMAIL = '', ORGANISATION = '' } = process.env
const supabase = createClient(API_URL, KEY)
await supabase.auth.signInWithPassword({ email: EMAIL, password: 'password' })
const usher = createUsher(supabase).throwOnError()

const rows = readInvites('email,roles\none@example.com,member\nnobody,member\n')
const { data: outcomes } = await usher.invites.createMany(ORGANISATION, rows)
const invites: Invite[] = []
for await (const invite of usher.invites.iterate(ORGANISATION, { pageSize: 1 }))
  invites.push(invite)
console.log(JSON.stringify({ outcomes, emails: invites.map(({ email }) => email) }))
await supabase.auth.signOut()
