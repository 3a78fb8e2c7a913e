-- Gives back the default privileges that 00_base/01_schemas.sql took away while the files loaded: they belong
-- to the project, not to Usher, and a Supabase project is made with exactly these.

alter default privileges grant execute on functions to public;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
