/**
 * Writes an invitation as the worker draws it, as JSON.
 *
 * @module
 */
import { render } from '../../functions/emails/render.tsx'
import { PROJECT_NAME, SENT_AT, samples } from '../../functions/emails/samples.ts'

const { senderName: _, ...message } = await render(samples.invite, {
  now: SENT_AT,
  projectName: PROJECT_NAME,
})
console.log(JSON.stringify(message))
