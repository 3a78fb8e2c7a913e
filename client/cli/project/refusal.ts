/**
 * A refusal that somebody at a terminal can act on.
 *
 * @module
 */

/** Says what is wrong and what to do; shown without a stack. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}
