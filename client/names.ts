/**
 * The one seam between the wire, which is snake_case, and TypeScript, which is camelCase.
 *
 * @module
 */

/** `expires_at` becomes `expiresAt`. */
export type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S

/** A row with its keys in camelCase. Values, such as `metadata`, stay as they are. */
export type Camel<Row> = { [K in keyof Row as K extends string ? CamelCase<K> : K]: Row[K] }

/**
 * Renames the keys of one row; not of what is inside its values.
 *
 * @param dates - makes a `Date` of each time, which is what a column called `…_at` holds
 */
export function camelise(row: object, dates = false): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      dates && key.endsWith('_at') && value ? new Date(value) : value,
    ]),
  )
}

/** The way back, for what is sent. */
export function snakeise(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}
