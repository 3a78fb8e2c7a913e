/**
 * Makes a bare Postgres look like a Supabase project, before any migration of ours runs: the roles,
 * the schemas `auth` and `extensions`, and the default privileges that a hosted project has.
 *
 * @module
 */
import postgres from 'postgres'

/** Another database of the same cluster may do the same at this moment. */
const role = (name: string, options: string, then = '') => `
  do $$
  begin
    if not exists (select from pg_roles where rolname = '${name}') then
      create role ${name} ${options};
    end if;
    ${then}
  exception
    -- "tuple concurrently updated" is an internal error.
    when duplicate_object or unique_violation or internal_error then null;
  end
  $$;`

/** With the time limits of hosted projects (https://supabase.com/docs/guides/database/postgres/timeouts). */
const ROLES = [
  role('anon', 'nologin', "alter role anon set statement_timeout = '3s';"),
  role('authenticated', 'nologin', "alter role authenticated set statement_timeout = '8s';"),
  role('service_role', 'nologin bypassrls'),
  role(
    'authenticator',
    'login noinherit',
    `alter role authenticator set statement_timeout = '8s';
    alter role authenticator set lock_timeout = '8s';
    grant anon, authenticated, service_role to authenticator;`,
  ),
].join('')

// As hosted projects have it: what postgres creates in public is open to the API's roles. Our
// migrations have to take that back for each object, and here they show that they do.
const PRIVILEGES = `
  grant usage on schema public, auth, extensions to anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    grant all on tables to postgres, anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    grant all on functions to postgres, anon, authenticated, service_role;
  alter default privileges for role postgres in schema public
    grant all on sequences to postgres, anon, authenticated, service_role;`

// The claims as PostgREST gives them; hosted Supabase reads both places as well.
const AUTH_FUNCTIONS = `
  create or replace function auth.jwt() returns jsonb language sql stable as
    $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
  create or replace function auth.uid() returns uuid language sql stable as
    $$ select coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''), auth.jwt() ->> 'sub')::uuid $$;
  create or replace function auth.role() returns text language sql stable as
    $$ select coalesce(
      nullif(current_setting('request.jwt.claim.role', true), ''), auth.jwt() ->> 'role') $$;
  create or replace function auth.email() returns text language sql stable as
    $$ select coalesce(
      nullif(current_setting('request.jwt.claim.email', true), ''), auth.jwt() ->> 'email') $$;`

// PostgREST hears of what changes what it knows, and not of grants, as on hosted projects
// (https://docs.postgrest.org/en/stable/references/schema_cache.html#automatic-schema-cache-reloading).
const SCHEMA_WATCH = `
  create or replace function extensions.pgrst_ddl_watch() returns event_trigger language plpgsql
    set search_path = pg_catalog, pg_temp as
    $$ begin notify pgrst, 'reload schema'; end $$;
  create or replace function extensions.pgrst_drop_watch() returns event_trigger language plpgsql
    set search_path = pg_catalog, pg_temp as
    $$ begin notify pgrst, 'reload schema'; end $$;
  drop event trigger if exists pgrst_ddl_watch;
  drop event trigger if exists pgrst_drop_watch;
  create event trigger pgrst_ddl_watch on ddl_command_end
    when tag in ('CREATE SCHEMA', 'ALTER SCHEMA', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE',
      'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'CREATE VIEW', 'ALTER VIEW', 'CREATE MATERIALIZED VIEW',
      'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE TRIGGER', 'CREATE TYPE', 'ALTER TYPE',
      'CREATE RULE', 'COMMENT')
    execute function extensions.pgrst_ddl_watch();
  create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_drop_watch();`

/**
 * @param databaseUrl - as a superuser; Postgres 15 or later. Running it again changes nothing.
 */
export async function preparePlatform(databaseUrl: string): Promise<void> {
  process.env.DO_NOT_TRACK = '1'
  const { getAuthSchemaSql } = await import('@supabase/lite')
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(`${ROLES}
      create schema if not exists extensions;
      create extension if not exists pgcrypto with schema extensions;
      ${getAuthSchemaSql()};
      ${AUTH_FUNCTIONS}
      ${PRIVILEGES}
      ${SCHEMA_WATCH}
      do $$ begin
        execute format('alter database %I set pgrst.db_schemas = %L', current_database(), 'public');
      end $$;`)
  } finally {
    await sql.end()
  }
}
