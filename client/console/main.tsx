/**
 * Starts the console: takes the token out of the address, reads where the API is, draws.
 *
 * @module
 */
import { createClient, isAuthRetryableFetchError, type SupabaseClient } from '@supabase/supabase-js'
import { createRoot } from 'react-dom/client'
import { createUsher, keepToken, openLanding } from '../index.ts'
import { App } from './app/app.tsx'
import { takeAuthReturn } from './app/auth-return.ts'
import { initialLanguage } from './app/language.tsx'
import { createSessionGate } from './app/session-gate.ts'
import { takeStopToken } from './app/stop-token.ts'
import './styles.css'
import { LANGUAGES } from './texts/languages.ts'

/** What `config.json` beside the pages says. */
interface Config {
  apiUrl: string
  publishableKey: string
  /** Whether the project has single sign-on; it is offered then. */
  hasSso?: boolean
  /** Where `functions/one-click` answers, if it does; its button is shown then. */
  oneClickUrl?: string
}

// Before anything else: a token in the address could end in a screenshot, a bookmark or a history; and one that
// is kept nowhere yet would be lost by a reload.
const token = keepToken()
const stopToken = takeStopToken()
const authReturn = takeAuthReturn()

const code = initialLanguage()
const [config, texts] = await Promise.all([
  fetch('/config.json').then((answer) => answer.json() as Promise<Config>),
  LANGUAGES[code].load(),
])

const gate = createSessionGate(() => supabase.auth)
const supabase: SupabaseClient = createClient(config.apiUrl, config.publishableKey, {
  // It would leave the session that it finds there in the history.
  auth: { detectSessionInUrl: false },
  global: { fetch: gate.fetch },
})
const refused = authReturn.session
  ? (await supabase.auth.setSession(authReturn.session)).error
  : authReturn.refusal
// The link that brought it works only once, and what it brought, until it is taken.
if (isAuthRetryableFetchError(refused)) authReturn.putBack()
const usher = createUsher(supabase)
const query = new URLSearchParams(window.location.search)
if (token) query.set('token', token)
// Kept in the tab until it is answered: through registration, sign-in and reloads.
const landing = openLanding(usher, {
  location: {
    hash: '',
    search: `?${query}`,
    pathname: window.location.pathname,
  },
})

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <App
      supabase={supabase}
      gate={gate}
      usher={usher}
      landing={landing}
      stopToken={stopToken}
      cameBack={{ by: refused ? null : authReturn.by, refusal: refused }}
      ways={{ hasSso: config.hasSso ?? false, oneClickUrl: config.oneClickUrl ?? null }}
      language={{ code, texts }}
    />,
  )
}
