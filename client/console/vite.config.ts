/**
 * How the console is built. `vite build client/console --outDir <folder>` makes static files of it.
 *
 * @module
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const unused = fileURLToPath(new URL('./build/unused-services.ts', import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: {
    alias: {
      '@supabase/realtime-js': unused,
      '@supabase/storage-js': unused,
    },
  },
  build: { emptyOutDir: true, reportCompressedSize: false },
})
