/**
 * `usher doctor`: looks at a deployed project, and says how to mend what is wrong.
 *
 * @module
 */
import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import { databaseUrlOf, PROJECT_ARGUMENTS } from './arguments.ts'
import { connect } from './connect.ts'
import { examine } from './doctor/examine.ts'
import { describeFindings } from './doctor/print-findings.ts'
import { readText } from './project/files.ts'
import { CONFIG_FILE } from './project/find-project.ts'
import { readPayload } from './project/payload.ts'
import { Refusal } from './project/refusal.ts'
import { refusing } from './refusing.ts'

export const doctor = defineCommand({
  meta: {
    name: 'doctor',
    description:
      'Looks at a deployed project: migrations, grants, hooks, settings, keys, worker, functions, DNS. Only reads. Ends with 1 when something has to be mended.',
  },
  args: {
    ...PROJECT_ARGUMENTS,
    'db-url': {
      ...PROJECT_ARGUMENTS['db-url'],
      description: 'The database, as its owner. Default: $SUPABASE_DB_URL',
    },
    'functions-url': {
      type: 'string',
      description: 'Where edge functions answer. Default: functions_url of the settings',
      valueHint: 'https://<project>.supabase.co/functions/v1',
    },
    'worker-url': {
      type: 'string',
      description: 'Where a worker of yours answers /health',
      valueHint: 'http://…:9464',
    },
    'mail-domain': {
      type: 'string',
      description: 'What follows the @ of MAIL_FROM: looks at its SPF, DKIM and DMARC records',
      valueHint: 'example.com',
    },
    'dkim-selector': { type: 'string', description: 'Of the DKIM key', valueHint: 'resend' },
    'dns-server': {
      type: 'string',
      description: "Asks this one in place of the system's",
      valueHint: '9.9.9.9',
    },
    json: { type: 'boolean', description: 'Prints the findings as JSON', default: false },
  },
  run: ({ args }) =>
    refusing(async () => {
      const databaseUrl = databaseUrlOf(args)
      if (!databaseUrl) {
        throw new Refusal('Which database? Give --db-url, or set SUPABASE_DB_URL.')
      }
      const sql = await connect(databaseUrl)
      const findings = await examine({
        sql,
        payload: await readPayload(),
        config: await readText(join(args.workdir, CONFIG_FILE)),
        isLocal: ['localhost', '127.0.0.1', '[::1]'].includes(new URL(databaseUrl).hostname),
        functionsUrl: args['functions-url'] || null,
        workerUrl: args['worker-url'],
        workerSecret: process.env.USHER_WORKER_SECRET || null,
        mailDomain: args['mail-domain'] || null,
        dkimSelector: args['dkim-selector'] || null,
        resolveTxt: resolverOf(args['dns-server']),
      }).finally(() => sql.end())

      console.log(args.json ? JSON.stringify({ findings }, null, 2) : describeFindings(findings))
      if (findings.some(({ level }) => level === 'error')) process.exitCode = 1
    }),
})

function resolverOf(server: string | undefined) {
  const resolver = new Resolver({ timeout: 5_000, tries: 2 })
  if (server) resolver.setServers([server])
  return (name: string) => resolver.resolveTxt(name)
}
