/**
 * The mail worker as a process of its own, as it runs on a server.
 *
 * @module
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { denoArguments } from '../../supabase/local/functions.ts'

/** @param databaseUrl - as usher_worker */
export function spawnWorker(
  databaseUrl: string,
  smtpUrl: string,
  stdio: StdioOptions = 'ignore',
): ChildProcess {
  return spawn('deno', denoArguments('send-mail/worker.ts'), {
    stdio,
    env: {
      ...process.env,
      USHER_DATABASE_URL: databaseUrl,
      USHER_WORKER_SECRET: 'a-secret-of-the-worker',
      SMTP_URL: smtpUrl,
      MAIL_FROM: 'Usher <no-reply@usher.test>',
    },
  })
}

export const isRunning = (child: ChildProcess) =>
  child.exitCode === null && child.signalCode === null

/** Once it has ended. */
export const ended = (child: ChildProcess) =>
  new Promise((resolve) => (isRunning(child) ? child.once('exit', resolve) : resolve(0)))
