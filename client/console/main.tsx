/**
 * Starts the console: takes the token out of the address, reads where the API is, draws.
 *
 * @module
 */
import { createClient } from '@supabase/supabase-js'
import { createRoot } from 'react-dom/client'
import { App } from './app/app.tsx'
import { initialLanguage } from './app/language.tsx'
import './styles.css'
import { takeToken } from './take-token.ts'
import { LANGUAGES } from './texts/languages.ts'

/** What `config.json` beside the pages says. */
interface Config {
  apiUrl: string
  publishableKey: string
  /** Whether the project has single sign-on; it is offered then. */
  hasSso?: boolean
}

// Before anything else: a token in the address could end in a screenshot, a bookmark or a history.
const token = takeToken(window.location, window.history)

const code = initialLanguage()
const [config, texts] = await Promise.all([
  fetch('/config.json').then((answer) => answer.json() as Promise<Config>),
  LANGUAGES[code].load(),
])

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <App
      supabase={createClient(config.apiUrl, config.publishableKey)}
      hasSso={config.hasSso ?? false}
      language={{ code, texts }}
      token={token}
    />,
  )
}
