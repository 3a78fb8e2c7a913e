/**
 * `docs/reference.md`, out of the database: functions, tables, error codes, permissions, roles and mails, each with
 * the comment that it has there.
 *
 * @module
 */
import type postgres from 'postgres'
import { describeFunction, readFunctions } from './reference-functions.ts'
import { describeRelation, readRelations } from './reference-relations.ts'
import { cell, code } from './reference-text.ts'

/** @param sql - of a database that was built from the migrations. Returns the page as Markdown. */
export async function referencePage(sql: postgres.Sql): Promise<string> {
  const errors = await sql<
    { code: string; status: number; message: string; hint: string | null }[]
  >`
    select code, status, message, hint from usher.errors() order by status, code`
  const functions = await readFunctions(sql)
  const relations = await readRelations(sql)
  const inSchema = <T extends { schema: string }>(all: T[], schema: string) =>
    all.filter((each) => each.schema === schema)

  return [
    `# Reference

Written out of the database's own comments by \`npm run generate\`; in psql, \`\\df+ public.*organisation*\` and \`\\d+\`
show the same. [permissions.md](permissions.md) tells of every function who gets through with it.

- [Functions](#functions): what \`supabase.rpc\` calls; REST, GraphQL and the client have the same under their own names
- [Tables](#tables): what may be read, under row level security
- [For operators](#for-operators): functions, views and settings for SQL, out of the API's reach
- [Error codes](#error-codes) · [Permissions](#permissions) · [Built-in roles](#built-in-roles) · [Mails](#mails)`,
    '## Functions',
    ...inSchema(functions, 'public').map(describeFunction),
    '## Tables',
    ...inSchema(relations, 'public').map(describeRelation),
    `## For operators

As the owner of the database: see [sql.md](sql.md).`,
    ...inSchema(functions, 'usher').map(describeFunction),
    ...inSchema(relations, 'usher').map(describeRelation),
    '## Error codes',
    table(
      ['status', 'code', 'means', 'what to do'],
      errors.map((error) => [
        String(error.status),
        code(error.code),
        cell(error.message),
        cell(error.hint ?? ''),
      ]),
    ),
    '## Permissions',
    table(
      ['permission', 'lets'],
      (
        await sql<{ name: string; description: string }[]>`
          select name, description from usher.permissions order by name`
      ).map(({ name, description }) => [code(name), cell(description)]),
    ),
    '## Built-in roles',
    table(
      ['role', 'is', 'permissions', 'may give'],
      (
        await sql<{ name: string; description: string; permissions: string[]; gives: string[] }[]>`
          select r.name, r.description, r.permissions,
            array(select a.role from usher.role_assigners a where a.assigner = r.name order by 1) as gives
          from public.organisation_roles r where r.organisation_id is null order by r.id`
      ).map(({ name, description, permissions, gives }) => [
        code(name),
        cell(description),
        [...permissions].sort().map(code).join(' '),
        gives.map(code).join(' '),
      ]),
    ),
    '## Mails',
    table(
      ['kind', 'placeholders of a template'],
      (
        await sql<{ kind: string; placeholders: string[] }[]>`
          select kind, placeholders from usher.mail_kinds() order by kind`
      ).map(({ kind, placeholders }) => [
        code(kind),
        placeholders.map((name) => code(`{{${name}}}`)).join(' '),
      ]),
    ),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n')
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
