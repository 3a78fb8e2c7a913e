/**
 * How the answers of a client look: with `Date` or text, thrown or returned. Types only.
 *
 * @module
 */

/** `…At` is a time: a `Date` where it was a text. */
export type Dated<T> = T extends readonly (infer Item)[]
  ? Dated<Item>[]
  : T extends object
    ? {
        [K in keyof T]: K extends `${string}At`
          ? T[K] extends string | null
            ? Date | Extract<T[K], null>
            : T[K]
          : T[K]
      }
    : T

type Answer<A, Dates, Throws> = A extends { data: infer Data; error: null }
  ? Dates extends true
    ? Omit<A, 'data'> & { data: Dated<Data> }
    : A
  : Throws extends true
    ? never
    : A

type Returns<R, Dates, Throws> =
  R extends Promise<infer A>
    ? Promise<Answer<A, Dates, Throws>>
    : R extends AsyncGenerator<infer T, void, undefined>
      ? AsyncGenerator<Dates extends true ? Dated<T> : T, void, undefined>
      : R

type Methods<S, Dates, Throws> = {
  [M in keyof S]: S[M] extends (...args: infer Args) => infer R
    ? (...args: Args) => Returns<R, Dates, Throws>
    : never
}

/** The services of a client, whose answers look as asked. */
export type InMode<Services, Dates, Throws> = {
  [S in keyof Services]: true extends Dates | Throws
    ? Methods<Services[S], Dates, Throws>
    : Services[S]
}
