/**
 * The key that signs links.
 *
 * @module
 */
import type postgres from 'postgres'
import { type Finding, findingsOf } from './finding.ts'

const { well, warning, error } = findingsOf('signing key')

const ROTATE = 'select usher.rotate_signing_key();'

export async function checkKeys(sql: postgres.Sql): Promise<Finding> {
  const [vault] = await sql<{ is_there: boolean }[]>`
    select to_regclass('vault.decrypted_secrets') is not null as is_there`
  const [key] = await sql<{ kept_in: string; is_due: boolean; secret: string | null }[]>`
    select s.kept_in, s.is_due, k.vault_secret_id as secret
    from usher.signing_key_states s
    join usher.signing_keys k on k.id = s.id
    where s.state = 'signs'`
  if (!key) {
    const [used] = await sql<{ exists: boolean }[]>`
      select exists (select from usher.signing_keys) as exists`
    return used?.exists
      ? error('All keys are retired: no link can be signed.', ROTATE)
      : well(`None yet: the first mail makes it${vault?.is_there ? ', in Vault' : ''}.`)
  }
  if (key.kept_in === 'vault') {
    const found = vault?.is_there
      ? await sql`select from vault.decrypted_secrets where id = ${key.secret}`
      : []
    if (found.length === 0) {
      return error(
        'It should lie in Vault, and does not: no link can be signed, and those that are out are dead.',
        `${ROTATE} Then send open invites again.`,
      )
    }
  }
  if (key.kept_in === 'table' && vault?.is_there) {
    return warning('It lies in a table, though this project has Vault.', ROTATE)
  }
  if (key.is_due) return warning('It has signed for more than a year.', ROTATE)
  return well(`There, in ${key.kept_in === 'vault' ? 'Vault' : 'a table, for want of Vault'}.`)
}
