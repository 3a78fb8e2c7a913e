/**
 * The pages. For now: the invitee's, and a list of one's own organisations.
 *
 * @module
 */
import { createClient } from '@supabase/supabase-js'
import { createRoot } from 'react-dom/client'
import { HomePage } from './pages/home.tsx'
import { InvitePage } from './pages/invite.tsx'
import './styles.css'
import { takeToken } from './take-token.ts'

const token = takeToken(window.location, window.history)
const { apiUrl, publishableKey } = await (await fetch('/config.json')).json()
const supabase = createClient(apiUrl, publishableKey)

const root = document.getElementById('root')
if (root) {
  const isInvite = /^\/(invite|register)$/.test(window.location.pathname)
  createRoot(root).render(
    isInvite ? <InvitePage supabase={supabase} token={token} /> : <HomePage supabase={supabase} />,
  )
}
