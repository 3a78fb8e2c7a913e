/**
 * The role that the mail worker comes as: it may log in, and can do nothing but its work.
 *
 * @module
 */
import type postgres from 'postgres'
import { GRANTS } from '../../generated/grants.ts'
import { type Finding, findingsOf } from './finding.ts'

const { well, error } = findingsOf('worker role')

export async function checkWorkerRole(sql: postgres.Sql): Promise<Finding[]> {
  const [role] = await sql<{ can_log_in: boolean; powers: string[]; groups: string[] }[]>`
    select r.rolcanlogin as can_log_in,
      array_remove(array[
        case when r.rolsuper then 'superuser' end,
        case when r.rolcreaterole then 'createrole' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolreplication then 'replication' end,
        case when r.rolbypassrls then 'bypassrls' end], null) as powers,
      array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
        where m.member = r.oid order by 1) as groups
    from pg_roles r where r.rolname = 'usher_worker'`
  if (!role) return [error('There is no role usher_worker.', 'Apply the migrations.')]

  const findings: Finding[] = []
  if (!role.can_log_in) {
    findings.push(
      error(
        'usher_worker may not log in, so no mail goes out.',
        "alter role usher_worker login password 'a long random password'; and put it into USHER_DATABASE_URL",
      ),
    )
  } else if (await hasNoPassword(sql)) {
    findings.push(
      error(
        'usher_worker has no password.',
        "alter role usher_worker password 'a long random password';",
      ),
    )
  }
  for (const power of role.powers) {
    findings.push(error(`usher_worker is ${power}.`, `alter role usher_worker no${power};`))
  }
  for (const group of role.groups) {
    findings.push(
      error(`usher_worker may do all that ${group} may.`, `revoke ${group} from usher_worker;`),
    )
  }
  for (const { object, privilege } of await strangeGrants(sql)) {
    findings.push(
      error(
        `usher_worker may ${privilege} ${object}, which is none of its work.`,
        `revoke ${privilege} on ${object} from usher_worker;`,
      ),
    )
  }
  return findings.length > 0 ? findings : [well('May log in, and do nothing but its work.')]
}

/** False, too, where the caller may not see it, as on hosted projects. */
async function hasNoPassword(sql: postgres.Sql): Promise<boolean> {
  const [may] = await sql<{ see: boolean }[]>`
    select has_table_privilege('pg_catalog.pg_authid', 'select') as see`
  if (!may?.see) return false
  const rows = await sql`
    select from pg_authid where rolname = 'usher_worker' and rolpassword is null`
  return rows.length > 0
}

/** What was granted to it by name, outside of what the migrations grant. */
async function strangeGrants(sql: postgres.Sql): Promise<{ object: string; privilege: string }[]> {
  const rows = await sql.begin('read only', async (tx) => {
    await tx`select set_config('search_path', '', true)`
    return tx<{ object: string; privilege: string }[]>`
      with worker as (select oid from pg_catalog.pg_roles where rolname = 'usher_worker')
      select 'table ' || n.nspname || '.' || c.relname as object, lower(a.privilege_type) as privilege
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      cross join lateral pg_catalog.aclexplode(c.relacl) a
      where a.grantee = (select oid from worker)
      union all
      select 'function ' || n.nspname || '.' || p.proname
        || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')', 'execute'
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      cross join lateral pg_catalog.aclexplode(p.proacl) a
      where a.grantee = (select oid from worker)
      union all
      select 'schema ' || n.nspname, lower(a.privilege_type)
      from pg_catalog.pg_namespace n
      cross join lateral pg_catalog.aclexplode(n.nspacl) a
      where a.grantee = (select oid from worker)
      order by 1, 2`
  })
  return rows.filter(
    ({ object, privilege }) =>
      // Those on our own tables and functions are found with the grants.
      !GRANTS[object] && !(object === 'schema usher' && privilege === 'usage'),
  )
}
