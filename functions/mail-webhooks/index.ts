/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, recordDeliveryEventOf, recordMailReportOf } from '../_shared/database.ts'
import { readWebhookEnvironment } from '../_shared/environment.ts'
import { createHandler } from './handler.ts'
import { createPostmarkReader } from './postmark.ts'
import { createReportReader } from './report.ts'
import { createSesReader } from './ses.ts'
import { createStandardReader } from './standard.ts'

const { databaseUrl, resend, standard, postmark, sesTopicArn, report } = readWebhookEnvironment(
  Deno.env.toObject(),
)
const sql = connect(databaseUrl)

Deno.serve(
  createHandler({
    readers: {
      ...(resend && { resend: createStandardReader(resend) }),
      ...(standard && { standard: createStandardReader(standard) }),
      ...(postmark && { postmark: createPostmarkReader(postmark) }),
      ...(report && { report: createReportReader(report) }),
      ...(sesTopicArn && { ses: createSesReader({ topicArn: sesTopicArn }) }),
    },
    record: recordDeliveryEventOf(sql),
    recordReport: recordMailReportOf(sql),
  }),
)
