/** The house that `sql/` is: calls go down, and what is done by a text is known by name. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chainOf, readSql, type Subject } from '../../scripts/sql-calls.ts'
import { SQL_FOLDER, sqlFiles } from '../../scripts/sql-files.ts'

const subjects = await readSql()
const place = new Map(sqlFiles().map((file, at) => [file, at]))
const isLater = (one: Subject | undefined, other: Subject) =>
  one?.file != null &&
  other.file != null &&
  Number(place.get(one.file)) > Number(place.get(other.file))

const triggers = [...subjects.values()].flatMap((subject) => subject.triggers)
/** Those that a file attaches to what an earlier one made, or Supabase. */
const hearing = triggers.filter(({ table, file }) => subjects.get(table)?.file !== file)
const hears = new Set(
  hearing.filter(({ timing }) => timing === 'after').map((trigger) => trigger.function),
)

const VAULT = 'Vault is not in every project, so that its functions are named in a text'
const LOCK = 'the name of an advisory lock, no call'
const TABLES = 'counted or looked through by name, whatever table it is'

/** What is carried out, or found, by a text, and why the name cannot stand in the code. */
const BY_TEXT: Record<string, string> = {
  'usher.rotate_signing_key': VAULT,
  'usher.signing_key_secret': VAULT,
  'usher.add_webhook_secret': VAULT,
  'usher.webhook_signatures': VAULT,
  'usher.tg_webhook_secrets__leave_vault': VAULT,
  'usher.tg_directory_endpoint_tokens__forget': VAULT,
  'usher.keep_endpoint_token': VAULT,
  'usher.endpoint_token': VAULT,
  'usher.run_upkeep':
    'the step of upkeep that its caller names, for one organisation after the other',
  'usher.tenant_limits': TABLES,
  'usher.require_room': TABLES,
  'usher.kept_at_erasure': TABLES,
  'usher.report_traces': TABLES,
  'usher.redact_everywhere': TABLES,
  'usher.call_statement': 'reads arguments as the function that is called declares them',
  'usher.call_function_once': 'calls the function of public that its caller names, as its caller',
  'usher.next_place': LOCK,
  'usher.pace_mails': LOCK,
  'usher.purge_auth_mails_of': LOCK,
  'usher.lease_in_turn': LOCK,
  'usher.take_idempotency_key': LOCK,
}

describe('sql/', () => {
  test('calls only what is loaded before', () => {
    const up = [...subjects.values()].flatMap((subject) =>
      [...subject.calls]
        .filter((name) => isLater(subjects.get(name), subject))
        // A later subject's own: what it attaches, and what its foreign keys take away with the row of an earlier one.
        .filter((name) => !hears.has(name) && !subject.cascades.has(name))
        .map((name) => `${subject.file} ${subject.name} → ${subjects.get(name)?.file} ${name}`),
    )
    expect(up).toEqual([])
  })

  const ours = hearing.filter(({ table }) => subjects.get(table)?.file != null)

  test('a trigger that a later file attaches fires once the change is made, and does not refuse it', () => {
    expect(ours.length).toBeGreaterThan(5)
    const refusing = ours.filter(
      ({ timing, function: name }) =>
        timing === 'before' ||
        chainOf(subjects, name).some((each) => each.name === 'usher.fail' || each.raises),
    )
    expect(refusing.map(({ name }) => name)).toEqual([])
  })

  test('one such trigger changes the row that it hears of: what a directory gives comes on top', () => {
    const changing = ours.filter(({ table, function: name }) =>
      chainOf(subjects, name).some((each) => each.writes.has(table)),
    )
    expect([...new Set(changing.map((trigger) => trigger.function))]).toEqual([
      'usher.tg_organisation_members__join_directory',
    ])
  })

  test('what is carried out or found by a text is listed, with the reason', () => {
    const found = [...subjects.values()].flatMap(({ name, dynamic }) =>
      dynamic.length ? [name] : [],
    )
    expect(found.toSorted()).toEqual(Object.keys(BY_TEXT).toSorted())
  })

  test.for(sqlFiles())(
    '%s is read at one sitting: at most 400 lines, of at most 120 columns',
    (file) => {
      const lines = readFileSync(join(SQL_FOLDER, file), 'utf8').split('\n')
      expect(lines.length).toBeLessThanOrEqual(400)
      expect(lines.filter((line) => line.length > 120)).toEqual([])
    },
  )
})
