/**
 * What stands in the way in the database itself, where it may be asked.
 *
 * @module
 */
import type postgres from 'postgres'
import { connect } from '../connect.ts'
import { OUR_OBJECTS, OUR_SCHEMA_COMMENT } from './our-objects.ts'
import { isMigration, type Payload, versionOf } from './payload.ts'
import { emptyPlan, type Plan } from './plan.ts'
import { readAppliedMigrations } from './read-applied.ts'

/** Only reads. Throws a refusal when the database does not let it in. */
export async function planDatabase(databaseUrl: string, payload: Payload): Promise<Plan> {
  const sql = await connect(databaseUrl)
  try {
    const plan = emptyPlan()
    await refuseAppliedVersions(plan, sql, payload)
    const [usher] = await sql<{ comment: string | null }[]>`
      select obj_description(n.oid, 'pg_namespace') as comment
      from pg_namespace n where n.nspname = 'usher'`
    if (usher?.comment?.startsWith(OUR_SCHEMA_COMMENT)) {
      plan.present.push('the database: schema usher')
      return plan
    }
    if (usher) {
      plan.collisions.push({
        where: 'schema usher, in the database',
        why: 'It is not ours. Rename it: alter schema usher rename to …',
      })
    }
    for (const object of await takenNames(sql)) {
      plan.collisions.push({
        where: `${object.replace('relation', 'table')}, in the database`,
        why: 'Ours would be called the same. Rename yours: alter … rename to …',
      })
    }
    return plan
  } finally {
    await sql.end()
  }
}

async function takenNames(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ object: string }[]>`
    select 'relation public.' || c.relname as object
    from pg_class c where c.relnamespace = 'public'::regnamespace
    union
    select 'relation public.' || t.typname
    from pg_type t where t.typnamespace = 'public'::regnamespace
    union
    select 'function public.' || p.proname
    from pg_proc p where p.pronamespace = 'public'::regnamespace
    order by 1`
  return rows.map(({ object }) => object).filter((object) => OUR_OBJECTS.includes(object))
}

async function refuseAppliedVersions(
  plan: Plan,
  sql: postgres.Sql,
  payload: Payload,
): Promise<void> {
  const applied = await readAppliedMigrations(sql)
  for (const path of [...payload.files.keys()].filter(isMigration)) {
    const file = path.split('/').at(-1) ?? ''
    const other = applied?.get(versionOf(path) ?? '')
    if (!other || file === `${versionOf(path)}_${other}.sql`) continue
    plan.collisions.push({
      where: `migration ${versionOf(path)}, in the database`,
      why: `Another one of this version has been applied there, called ${other}; ${file} never would be.`,
    })
  }
}
