/**
 * The schema: every type and operation, put together.
 *
 * @module
 */
import './types/organisation.ts'
import './types/member.ts'
import './types/role.ts'
import './types/invite.ts'
import './types/invite-answer.ts'
import './types/device.ts'
import './types/domain.ts'
import './types/sign-in-rule.ts'
import './types/sign-up-policy.ts'
import './types/directory.ts'
import './types/delivery.ts'
import './types/email-template.ts'
import './types/access-review.ts'
import './types/audit.ts'
import './types/webhook.ts'
import { builder } from './builder.ts'

export const schema = builder.toSchema()
