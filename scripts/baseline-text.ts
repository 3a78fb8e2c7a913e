/**
 * The text of the one migration that a database begins with: all of `sql/`, in load order.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SQL_FOLDER, sqlFiles } from './sql-files.ts'

/**
 * Next to the first of the migrations whose place it takes (supabase/bridge/from/), so that what a project has written
 * since still finds our tables where its migrations run from the beginning. Not the same version as one of them: the
 * Supabase CLI would take it for applied.
 */
export const BASELINE = 'supabase/migrations/20261121000001_usher.sql'

const HEADER = `-- Usher: organisations, members, roles and invitations.
--
-- The files of sql/ in load order, put together by npm run baseline. Do not edit.
`

/**
 * Files of `sql/` take away what is granted on new objects by default, and give back what a new project has. A project
 * may have settled that in another way.
 */
const KEEP_DEFAULTS = `-- What the project itself grants on new objects, kept until the end of this file.
create temporary table usher_own_defaults as
select '' as place, 'functions' as objects, 'public' as grantee, a.privilege_type, a.is_grantable
from pg_catalog.pg_roles r
left join pg_catalog.pg_default_acl d
  on d.defaclrole = r.oid and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
cross join lateral pg_catalog.aclexplode(coalesce(d.defaclacl, pg_catalog.acldefault('f', r.oid))) a
where r.rolname = current_user and a.grantee = 0
union all
select 'in schema public', case d.defaclobjtype when 'r' then 'tables' else 'functions' end,
  g.rolname, a.privilege_type, a.is_grantable
from pg_catalog.pg_default_acl d
join pg_catalog.pg_roles r on r.oid = d.defaclrole and r.rolname = current_user
cross join lateral pg_catalog.aclexplode(d.defaclacl) a
join pg_catalog.pg_roles g on g.oid = a.grantee
where d.defaclnamespace = 'public'::regnamespace and d.defaclobjtype in ('r', 'f')
  and g.rolname in ('anon', 'authenticated', 'service_role');
`

const GIVE_DEFAULTS_BACK = `-- What the project itself grants on new objects, as it was before this file.
do $$
declare
  v_default record;
begin
  alter default privileges revoke execute on functions from public;
  alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
  alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
  for v_default in select * from pg_temp.usher_own_defaults loop
    execute format('alter default privileges %s grant %s on %s to %s%s', v_default.place,
      v_default.privilege_type, v_default.objects, v_default.grantee,
      case when v_default.is_grantable then ' with grant option' else '' end);
  end loop;
end
$$;

drop table pg_temp.usher_own_defaults;
`

/** What the file has to hold now. */
export function baselineText(): string {
  const parts = sqlFiles().map(
    (file) => `-- sql/${file}\n\n${readFileSync(join(SQL_FOLDER, file), 'utf8').trim()}\n`,
  )
  return [HEADER, KEEP_DEFAULTS, ...parts, GIVE_DEFAULTS_BACK].join('\n')
}
