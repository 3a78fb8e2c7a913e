import { describe, expect } from 'vitest'
import { test } from '../support/acme.ts'

describe('the lists', () => {
  test('own_tables names every table of ours in public, and none of an application', async ({
    acme,
  }) => {
    const { sql } = acme
    await sql`create table public.organisation_theirs (note text)`
    try {
      const rows = await sql`select c.oid::regclass::text as name from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'usher'::regnamespace)`
      const own = await sql`select t::text as name from usher.own_tables() t`
      expect([...own.map(({ name }) => name), 'organisation_theirs'].sort()).toEqual(
        rows.map(({ name }) => name).sort(),
      )
    } finally {
      await sql`drop table public.organisation_theirs`
    }
  })

  test('kept_at_erasure names columns that are there, each with a reason', async ({ acme }) => {
    const rows = await acme.sql`select k.*, a.attname from usher.kept_at_erasure() k
      left join pg_attribute a on a.attrelid = to_regclass(regexp_replace(k.place, '\\.[^.]+$', ''))
        and a.attname = regexp_replace(k.place, '^.*\\.', '')`
    expect(rows.length).toBeGreaterThan(0)
    for (const { place, attname, reason } of rows) {
      expect(attname, place).not.toBeNull()
      expect(reason.length, place).toBeGreaterThan(10)
    }
  })
})
