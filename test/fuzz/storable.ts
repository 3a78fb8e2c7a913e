/**
 * What Postgres can store at all of a text. The tests of the doors send the rest, too.
 *
 * @module
 */
export const storable = (text: string) => Buffer.from(text.replaceAll('\0', '')).toString()
