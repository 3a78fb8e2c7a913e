/**
 * Edge function: reads the environment and wires the parts.
 *
 * @module
 */
import { connect, recordDeliveryEventOf } from '../_shared/database.ts'
import { readWebhookEnvironment } from '../_shared/environment.ts'
import { createHandler } from './handler.ts'
import { createPostmarkReader } from './postmark.ts'
import { createSesReader } from './ses.ts'
import { createStandardReader } from './standard.ts'

const { databaseUrl, resend, standard, postmark, sesTopicArn } = readWebhookEnvironment(
  Deno.env.toObject(),
)

Deno.serve(
  createHandler({
    readers: {
      ...(resend && { resend: createStandardReader(resend) }),
      ...(standard && { standard: createStandardReader(standard) }),
      ...(postmark && { postmark: createPostmarkReader(postmark) }),
      ...(sesTopicArn && { ses: createSesReader({ topicArn: sesTopicArn }) }),
    },
    record: recordDeliveryEventOf(connect(databaseUrl)),
  }),
)
