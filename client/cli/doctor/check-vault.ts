/**
 * Whether Vault still has what lies there.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, error } = findingsOf('vault')

/** What each kind of secret is for, and what brings one back that is lost. */
const REPAIRS = {
  'keys that sign links': 'select usher.rotate_signing_key(); Then send open invites again.',
  'secrets that sign webhooks':
    'Rotate the secret of each webhook that usher.webhook_secrets names (rotate_organisation_webhook_secret), and give its receiver the new one.',
  'tokens that open other applications':
    'Give each endpoint that usher.directory_endpoint_tokens names its token anew (update_organisation_directory_endpoint).',
}

/** Also those that a restored database brought along, and its new Vault did not. */
export async function checkVault(sql: postgres.Sql): Promise<Finding[]> {
  const [vault] = await sql<{ is_there: boolean }[]>`
    select to_regclass('vault.decrypted_secrets') is not null as is_there`
  const found = vault?.is_there
    ? sql`(select id from vault.decrypted_secrets where decrypted_secret is not null)`
    : sql`(select null::uuid where false)`
  const lost = await sql<{ what: keyof typeof REPAIRS; how_many: number }[]>`
    select k.what, count(*)::int as how_many
    from (
      -- A key verifies for 30 days after its retirement, and is not missed later.
      select 'keys that sign links' as what, vault_secret_id from usher.signing_keys
      where retired_at is null or retired_at > now() - interval '30 days'
      union all
      select 'secrets that sign webhooks', vault_secret_id from usher.webhook_secrets
      where expires_at is null or expires_at > now()
      union all
      select 'tokens that open other applications', vault_secret_id from usher.directory_endpoint_tokens
    ) k
    where k.vault_secret_id is not null and k.vault_secret_id not in ${found}
    group by k.what
    order by k.what`
  if (lost.length === 0) return [well('All that should lie in Vault lies there.')]
  return lost.map(({ what, how_many }) =>
    error(`${how_many} ${what} should lie in Vault, and cannot be read there.`, REPAIRS[what]),
  )
}
