/**
 * Amazon SES, which tells by Amazon SNS: each message is signed with a certificate of Amazon's.
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 *
 * @module
 */
import Validator from 'sns-payload-validator'
import {
  asId,
  asText,
  asTime,
  asUuid,
  blankEvent,
  type DeliveryEvent,
  named,
  type Reader,
} from './event.ts'

/** A message older than this is a replay, or of no use any more. SNS itself gives up after an hour. */
const TOO_OLD_MILLISECONDS = 60 * 60 * 1000

interface SnsMessage {
  Type: string
  MessageId: string
  TopicArn: string
  Timestamp: string
  Message: string
  SubscribeURL?: string
}

interface SesEvent {
  /** Of event publishing. */
  eventType?: unknown
  /** Of feedback notifications, the older way. */
  notificationType?: unknown
  mail?: { messageId?: unknown; tags?: { delivery_id?: unknown[] } }
  delivery?: { timestamp?: unknown }
  open?: { timestamp?: unknown }
  complaint?: { timestamp?: unknown }
  bounce?: {
    timestamp?: unknown
    bounceType?: unknown
    bouncedRecipients?: ({ diagnosticCode?: unknown; status?: unknown } | null)[]
  }
}

export interface SesReaderOptions {
  /** The only topic that is listened to: anyone can make one, and sign with it. */
  topicArn: string
  /** Throws when the signature is wrong. Default: checks it with Amazon's certificate */
  validate?: (message: unknown) => Promise<unknown>
  /** Confirms that the topic may report here. Default: opens the address */
  confirm?: (url: URL) => Promise<void>
}

export function createSesReader({
  topicArn,
  validate = (message) => new Validator().validate(message as never),
  confirm = async (url) => {
    await fetch(url, { signal: AbortSignal.timeout(10_000) })
  },
}: SesReaderOptions): Reader {
  return async (_request, body) => {
    let message: SnsMessage
    try {
      message = JSON.parse(body)
      await validate(message)
    } catch {
      return { refusal: 'The signature is wrong.', status: 401 }
    }
    if (message.TopicArn !== topicArn) {
      return { refusal: 'This is not the topic of SES_TOPIC_ARN.', status: 403 }
    }
    if (!(Date.now() - Date.parse(message.Timestamp) < TOO_OLD_MILLISECONDS)) {
      return { refusal: 'The message is too old.', status: 401 }
    }
    if (message.Type === 'SubscriptionConfirmation') {
      const url = URL.parse(message.SubscribeURL ?? '')
      if (
        url?.protocol !== 'https:' ||
        !/^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(url.hostname)
      ) {
        return { refusal: 'SubscribeURL is not one of Amazon SNS.', status: 403 }
      }
      await confirm(url)
    }
    if (message.Type !== 'Notification') return { events: [] }
    const event = toEvent(message)
    return { events: event ? [event] : [] }
  }
}

function toEvent(message: SnsMessage): DeliveryEvent | null {
  let told: SesEvent | null
  try {
    told = JSON.parse(message.Message)
  } catch {
    // SNS itself says hello in plain text when a topic is set up.
    return null
  }
  const of = asText(told?.eventType ?? told?.notificationType)?.toLowerCase()
  const found = named<[DeliveryEvent['kind'], { timestamp?: unknown } | undefined]>(
    {
      delivery: ['delivered', told?.delivery],
      open: ['opened', told?.open],
      bounce: ['bounced', told?.bounce],
      complaint: ['complained', told?.complaint],
    },
    of,
  )
  if (!told || !found) return null
  const [kind, part] = found
  const recipient = told.bounce?.bouncedRecipients?.[0]
  return {
    ...blankEvent,
    eventId: message.MessageId,
    kind,
    deliveryId: asUuid(told.mail?.tags?.delivery_id?.[0]),
    providerMessageId: asId(told.mail?.messageId),
    occurredAt: asTime(part?.timestamp),
    isPermanent: told.bounce?.bounceType === 'Permanent',
    response: asText(recipient?.diagnosticCode),
    statusCode: asText(recipient?.status),
  }
}
