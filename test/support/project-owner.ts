/**
 * The owner of a hosted project: not a superuser, and not the owner of what is Auth's.
 *
 * @module
 */
import { withDatabase } from '../../scripts/schema.ts'

const OWNER = `
  create role project_owner login createrole password 'secret';
  grant anon, authenticated, service_role to project_owner with admin option;
  grant create on database postgres to project_owner;
  alter schema public owner to project_owner;
  grant all on schema extensions to project_owner with grant option;
  grant usage on schema auth to project_owner;
  grant all on all tables in schema auth to project_owner;
  grant all on all functions in schema auth to project_owner;`

/** What the superuser has made of ours is the owner's. */
const HAND_OVER = `
  do $$
  declare
    v_statement text;
  begin
    for v_statement in
      select format('alter schema %I owner to project_owner', n.nspname)
      from pg_namespace n where n.nspname in ('usher', 'supabase_migrations')
      union all
      select format('alter %s %s owner to project_owner',
        case c.relkind when 'v' then 'view' when 'c' then 'type' else 'table' end, c.oid::regclass)
      from pg_class c
      where c.relnamespace::regnamespace::text in ('public', 'usher', 'supabase_migrations')
        and c.relkind in ('r', 'v', 'c')
      union all
      select format('alter function %s owner to project_owner', p.oid::regprocedure)
      from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'usher')
    loop
      execute v_statement;
    end loop;
  end
  $$;`

/** @returns the address under which the owner comes to the database */
export async function createProjectOwner(databaseUrl: string): Promise<string> {
  await withDatabase(databaseUrl, (sql) => sql.unsafe(OWNER + HAND_OVER))
  return databaseUrl.replace(/\/\/[^@]+@/, '//project_owner:secret@')
}
