/**
 * What may be sent. The form of a value is checked here: whether it is a number, a moment, an id. How long it may be
 * and what may stand in it is described only, so that programs made from the document know; SQL judges, with its codes.
 *
 * @module
 */
import { z } from '@hono/zod-openapi'

/** Postgres holds no NUL. */
export const words = z.string().openapi({ pattern: '^[^\\u0000]*$' })
/** No line breaks, no other control characters, none that turn the direction of the text around it. */
const ON_ONE_LINE =
  '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]*$'
/** The same, with line breaks and tabs. */
const ON_LINES =
  '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$'

/** One line, which may be empty, of at most so many characters. */
export const line = (most: number) => z.string().openapi({ maxLength: most, pattern: ON_ONE_LINE })
/** What people are called by, and things: `usher.clean_name`. */
export const name = line(100).openapi({ minLength: 1 })
/** Several lines of at most so many characters. */
export const lines = (most: number) => z.string().openapi({ maxLength: most, pattern: ON_LINES })
/** Of roles, permissions, events and so on. */
export const someNames = z.array(words)
export const address = z.string().openapi({ format: 'idn-email', example: 'new@example.com' })
export const slug = z.string().openapi({
  description: '2 to 63 of a-z, 0-9 and single inner hyphens, and no word such as admin.',
  minLength: 2,
  maxLength: 63,
  pattern: '^[a-z0-9]+(-[a-z0-9]+)*$',
})
export const locale = z.string().openapi({
  maxLength: 35,
  pattern: '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$',
  example: 'de-AT',
})
export const webAddress = z.string().openapi({ format: 'uri', maxLength: 2000 })
/** One of these; a wrong one has a code of the contract. */
export const oneOf = (options: readonly string[]) =>
  z.string().openapi({ enum: [...options], example: options[0] })

/** A length of time as Postgres reads it. Whether it can be read, Postgres says. */
export const interval = z.string().openapi({
  description: 'A length of time, such as "3 days", "12:00:00" or "P1D".',
  maxLength: 100,
  pattern: '^[^\\u0000]*[0-9][^\\u0000]*$',
})

/**
 * A moment with its offset, such as `2027-03-31T18:00:00Z`; a date alone is its first moment. In UTC from here on,
 * because Postgres knows no offset of 16 hours.
 */
export const instant = z
  .string()
  .transform((given) => (/^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T00:00:00Z` : given))
  .pipe(z.iso.datetime({ offset: true }))
  .transform((given, context) => {
    const [, seconds = '', fraction = '', offset = ''] = given.match(/^(.{19})(\.\d+)?(.+)$/) ?? []
    const utc = new Date(seconds + offset).toISOString()
    if (/^[+-]|^0000/.test(utc)) context.addIssue('A year is 0001 to 9999.')
    return `${utc.slice(0, 19)}${fraction}Z`
  })
  .openapi({ type: 'string', format: 'date-time', example: '2027-03-31T18:00:00Z' })

interface Bounds {
  least: number
  most: number
}

/** A whole number in an address. Bounds are described; beyond these, refused. */
export function whole({ least, most }: Bounds, range: Bounds = INTEGER) {
  return z
    .string()
    .regex(/^-?\d{1,10}$/, 'Give a whole number.')
    .transform(Number)
    .pipe(z.number().min(range.least).max(range.most))
    .openapi({ type: 'integer', minimum: least, maximum: most })
}
/** What an `integer` of Postgres holds. */
const INTEGER: Bounds = { least: -(2 ** 31), most: 2 ** 31 - 1 }

/**
 * Changes of a thing, any of them. A name that is not among them is refused in SQL, where the list of them is; the
 * document says that there are no others.
 */
export const changes = (shape: z.ZodRawShape) =>
  z.looseObject(z.object(shape).partial().shape).openapi({ additionalProperties: false })
