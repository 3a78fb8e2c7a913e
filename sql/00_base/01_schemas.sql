-- Schemas, the worker's role, and what nobody holds by default.
--
-- public   what the API exposes: tables to read under RLS, and thin RPC functions.
-- usher    the rules, tokens, keys and outbox. Never list it in the API's exposed schemas.

create schema if not exists extensions;
create extension if not exists pgcrypto with schema extensions;

-- A role belongs to the whole cluster, so another database may have made it, even just now.
do $$
begin
  if not exists (select from pg_catalog.pg_roles r where r.rolname = 'usher_worker') then
    create role usher_worker nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;

create schema usher;
comment on schema usher
  is 'The rules behind the organisation functions of public. Not exposed over HTTP.';

-- Usage alone opens nothing: each function and table below says who may use it.
grant usage on schema usher to anon, authenticated, service_role, usher_worker;

-- While these files load, nothing is granted by itself, so that every grant is written out beside
-- its object. 99_defaults/01_default_privileges.sql gives the project its own defaults back.
alter default privileges revoke execute on functions from public;
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
