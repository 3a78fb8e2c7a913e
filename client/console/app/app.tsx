/**
 * The whole console: theme, language, session and pages.
 *
 * @module
 */
import { DirectionProvider, MantineProvider } from '@mantine/core'
import type { SupabaseClient } from '@supabase/supabase-js'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { BrowserRouter } from 'react-router'
import type { Landing, Usher } from '../../index.ts'
import { UsherProvider } from '../../react/provider.tsx'
import type { Texts } from '../texts/en.ts'
import type { LanguageCode } from '../texts/languages.ts'
import { AccentContext } from './accent.ts'
import { LanguageProvider } from './language.tsx'
import { Pages } from './pages.tsx'
import { type CameBack, SessionProvider, type Ways } from './session.tsx'
import type { SessionGate } from './session-gate.ts'
import { readableVariables, themeFor } from './theme.ts'

interface AppProps {
  supabase: SupabaseClient
  /** What the client's requests go through. */
  gate: SessionGate
  usher: Usher
  ways: Ways
  cameBack: CameBack
  language: { code: LanguageCode; texts: Texts }
  /** The invitation whose link led here. */
  landing: Landing
  /** What the link to stop mails carried. */
  stopToken: string | null
}

export function App(props: AppProps) {
  const { supabase, gate, usher, ways, cameBack, language, landing, stopToken } = props
  return (
    <DirectionProvider>
      <Themed>
        <LanguageProvider initial={language}>
          <QueryClientProvider client={queryClient}>
            <UsherProvider usher={usher}>
              <SessionProvider supabase={supabase} gate={gate} ways={ways} cameBack={cameBack}>
                <BrowserRouter>
                  <Pages landing={landing} stopToken={stopToken} />
                </BrowserRouter>
              </SessionProvider>
            </UsherProvider>
          </QueryClientProvider>
        </LanguageProvider>
      </Themed>
    </DirectionProvider>
  )
}

const queryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: 2_000 } },
})

function Themed({ children }: { children: ReactNode }) {
  const [accent, setAccent] = useState<string | null>(null)
  return (
    <AccentContext value={setAccent}>
      <MantineProvider
        theme={themeFor(accent)}
        cssVariablesResolver={readableVariables}
        defaultColorScheme="auto"
      >
        {children}
      </MantineProvider>
    </AccentContext>
  )
}
