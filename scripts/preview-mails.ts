/**
 * Starts the preview of mails in Deno, as the worker draws them.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { denoArguments } from '../supabase/local/functions.ts'

const child = spawn('deno', denoArguments('emails/preview.ts'), { stdio: 'inherit' })
child.on('exit', (code) => {
  process.exitCode = code ?? 0
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
