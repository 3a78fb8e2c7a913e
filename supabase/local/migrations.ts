/**
 * Applies migrations and seed as the Supabase CLI does, and notes them where it looks for them.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'

const MIGRATIONS = fileURLToPath(new URL('../migrations/', import.meta.url))
const SEED = fileURLToPath(new URL('../seed.sql', import.meta.url))

const BOOKKEEPING = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text);
  create table if not exists supabase_migrations.seed_files (path text primary key, hash text not null);`

/**
 * Applies what has not been applied yet, in order, each in a transaction of its own.
 *
 * @param folder - of the migrations. Default: `supabase/migrations/`
 * @returns the files that were applied now
 */
export async function applyMigrations(databaseUrl: string, folder = MIGRATIONS): Promise<string[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  const applied: string[] = []
  try {
    await sql.unsafe(BOOKKEEPING)
    const rows = await sql`select version from supabase_migrations.schema_migrations`
    const known = new Set(rows.map((row) => row.version))
    for (const file of (await readdir(folder)).sort()) {
      const [, version, name] = file.match(/^(\d{14})_(\w+)\.sql$/) ?? []
      if (!version || !name || known.has(version)) continue
      const text = await readFile(join(folder, file), 'utf8')
      await sql
        .begin(async (tx) => {
          await tx.unsafe(text)
          await tx`insert into supabase_migrations.schema_migrations (version, statements, name)
            values (${version}, ${[text]}, ${name})`
        })
        .catch((cause: unknown) => {
          throw new Error(`${join(folder, file)}: ${String(cause)}`, { cause })
        })
      applied.push(file)
    }
    return applied
  } finally {
    await sql.end()
  }
}

/**
 * The first migration that was applied here and is not in the folder with the same text any more; null where there is
 * none. Before the first release the baseline is made again with each change.
 */
export async function findOtherMigration(
  databaseUrl: string,
  folder = MIGRATIONS,
): Promise<string | null> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    const [list] =
      await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as exists`
    if (!list?.exists) return null
    const rows = await sql<{ file: string; text: string }[]>`
      select version || '_' || name || '.sql' as file, array_to_string(statements, '') as text
      from supabase_migrations.schema_migrations order by version`
    for (const { file, text } of rows) {
      const now = await readFile(join(folder, file), 'utf8').catch(() => null)
      if (now !== text) return file
    }
    return null
  } finally {
    await sql.end()
  }
}

/** Loads `supabase/seed.sql` once. Returns whether it did so now. */
export async function applySeed(databaseUrl: string): Promise<boolean> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  try {
    const [done] =
      await sql`select from supabase_migrations.seed_files where path = 'supabase/seed.sql'`
    if (done) return false
    const text = await readFile(SEED, 'utf8')
    const hash = createHash('sha256').update(text).digest('hex')
    await sql.begin(async (tx) => {
      await tx.unsafe(text)
      await tx`insert into supabase_migrations.seed_files values ('supabase/seed.sql', ${hash})`
    })
    return true
  } finally {
    await sql.end()
  }
}
