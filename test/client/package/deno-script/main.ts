import { createClient } from '@supabase/supabase-js'
import { createUsher } from 'usher'
import { readInvites } from 'usher/csv'

const env = (name: string) => Deno.env.get(name) ?? ''
const supabase = createClient(env('API_URL'), env('KEY'))
await supabase.auth.signInWithPassword({ email: env('EMAIL'), password: 'password' })
const usher = createUsher(supabase, { dates: true })

const rows = readInvites('email,roles\ndeno@example.com,member\n')
const { data: outcomes } = await usher.invites.createMany(env('ORGANISATION'), rows)
const { data: members, error } = await usher.members.list(env('ORGANISATION'))
if (error) throw error
const { error: refusal } = await usher.invites.accept('inv_x')
console.log(
  JSON.stringify({
    outcomes,
    isDate: members[0]?.joinedAt instanceof Date,
    code: refusal?.code,
  }),
)
await supabase.auth.signOut()
