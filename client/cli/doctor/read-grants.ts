/**
 * Who may do what with the tables and functions of Usher, as the catalog has it: `npm run generate` writes down
 * how it should be, and `usher doctor` compares.
 *
 * @module
 */
import type postgres from 'postgres'

/** The roles that come from outside; the owner of the database may do everything anyway. */
export const ROLES = ['anon', 'authenticated', 'service_role', 'usher_worker'] as const

/**
 * By object, such as `table public.organisations` or `function usher.fail(code text)`: each right that a role
 * holds, such as `authenticated select`, and for tables `rls` where it is on.
 */
export type Grants = Record<string, string[]>

/** Reads all that is in `usher`, and what is of Usher in `public`: whatever is named after organisations. */
export async function readGrants(sql: postgres.Sql): Promise<Grants> {
  return sql.begin('read only', async (tx) => {
    // So that types are written with their schema, whoever asks.
    await tx`select set_config('search_path', '', true)`
    const rows = await tx<{ object: string; rights: string[] }[]>`
      with roles as (select r.rolname from pg_catalog.pg_roles r where r.rolname = any (${[...ROLES]}))
      select 'table ' || n.nspname || '.' || c.relname as object,
        array(select 'rls' where c.relrowsecurity
          union all
          (select r.rolname || ' ' || p.privilege
          from roles r,
            unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
              p (privilege)
          where case when p.privilege in ('select', 'insert', 'update', 'references')
            then pg_catalog.has_any_column_privilege(r.rolname, c.oid, p.privilege)
            else pg_catalog.has_table_privilege(r.rolname, c.oid, p.privilege) end
          order by 1)) as rights
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'v', 'm', 'p')
        and (n.nspname = 'usher' or n.nspname = 'public' and c.relname ~ 'organisation')
      union all
      select 'function ' || n.nspname || '.' || p.proname
          || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')',
        array(select r.rolname || ' execute' from roles r
          where pg_catalog.has_function_privilege(r.rolname, p.oid, 'execute') order by 1)
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'usher' or n.nspname = 'public' and p.proname ~ 'organisation'
      order by 1`
    return Object.fromEntries(rows.map(({ object, rights }) => [object, rights]))
  })
}
