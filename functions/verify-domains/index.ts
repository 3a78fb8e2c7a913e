/**
 * Edge function: `POST /verify-domains` looks up the records of claimed domains. For a cron job.
 *
 * @module
 */
import { resolveTxt } from 'node:dns/promises'
import { connect, domainsOf } from '../_shared/database.ts'
import { readWorkerEnvironment } from '../_shared/environment.ts'
import { createWorkerHandler } from '../_shared/worker-request.ts'
import { checkDomains } from './check.ts'

const environment = readWorkerEnvironment(Deno.env.toObject())
const domains = domainsOf(connect(environment.databaseUrl))

Deno.serve(createWorkerHandler(environment.workerSecret, () => checkDomains(domains, resolveTxt)))
