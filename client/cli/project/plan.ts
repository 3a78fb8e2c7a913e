/**
 * What is going to be done to a project, before anything is.
 *
 * @module
 */

export interface Change {
  /** Relative to the project, with slashes. */
  path: string
  /** Its new text; null: the file goes. */
  content: string | null
  does: 'adds' | 'replaces' | 'extends' | 'removes'
}

/** Something of the project that stays as its people made it. */
export interface Kept {
  path: string
  why: string
}

export interface Collision {
  /** A file, a key of config.toml, or an object of the database. */
  where: string
  /** What is wrong, and what to do. */
  why: string
}

export interface Plan {
  changes: Change[]
  /** What is going to be done in the database, before the files are written. */
  database: string[]
  /** What is there already, as this version has it. */
  present: string[]
  kept: Kept[]
  /** With one of these, nothing is written. */
  collisions: Collision[]
  /** What the reader should know beside. */
  notes: string[]
}

/** Of several parts of a project, one. */
export function joinPlans(plans: Plan[]): Plan {
  return {
    changes: plans.flatMap(({ changes }) => changes),
    database: plans.flatMap(({ database }) => database),
    present: plans.flatMap(({ present }) => present),
    kept: plans.flatMap(({ kept }) => kept),
    collisions: plans.flatMap(({ collisions }) => collisions),
    notes: plans.flatMap(({ notes }) => notes),
  }
}

export const emptyPlan = (): Plan => ({
  changes: [],
  database: [],
  present: [],
  kept: [],
  collisions: [],
  notes: [],
})
