/**
 * How the console is built. `vite build client/console --outDir <folder>` makes static files of it.
 *
 * @module
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const path = (of: string) => fileURLToPath(new URL(of, import.meta.url))

export default defineConfig({
  root: path('.'),
  resolve: {
    alias: [
      {
        find: /^@supabase\/(realtime|storage|functions)-js$/,
        replacement: path('./build/unused-services.ts'),
      },
      // As auth-js asks for a file of its own.
      { find: /^\.\/lib\/webauthn$/, replacement: path('./build/no-security-keys.ts') },
    ],
  },
  // What only some lists need is loaded with the first of them, there as well.
  worker: { format: 'es' },
  build: {
    emptyOutDir: true,
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // All pages need them; each in a file of its own, an invitee would fetch more.
            {
              name: 'basics',
              test: /[\\/]console[\\/]app[\\/](accent|own-path|use-page-title)\.|[\\/]parts[\\/](page-skeleton|single-page)\./,
            },
          ],
        },
      },
    },
  },
})
