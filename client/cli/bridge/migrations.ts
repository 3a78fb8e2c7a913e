/**
 * The migrations of before the first release, and those of the time between.
 *
 * @module
 */

/** Those that the bridge leads on from (supabase/bridge/from/), with the SHA-256 of each as it was given out. */
export const REPLACED: Record<string, string> = {
  'supabase/migrations/20261121000000_trunk.sql':
    '8639d3c7847b99b49eae9d30cc98a778f26ffebead5dc667abe373deef0eed05',
  'supabase/migrations/20261121132219_mail_and_doors.sql':
    '26f5edf36c37ae065e4a053f0483537ba75640e2d9fcc1d851b25c8b34b4de47',
  'supabase/migrations/20261121174022_the_outside.sql':
    '75cd55d98cf9873b66c9cb0fb0bcb4f990bac71c14654304a8634f6b762234f6',
}

/** Never released, and in projects only where somebody has tried out a version in the making: no bridge leads on from these. */
export const BETWEEN = [
  'supabase/migrations/20261128170039_bulk_answers_whole.sql',
  'supabase/migrations/20261128170418_accounts.sql',
  'supabase/migrations/20261128202107_sign_up_policy.sql',
  'supabase/migrations/20261128204259_lists_come_whole.sql',
  'supabase/migrations/20261129074431_pg_temp_last.sql',
  'supabase/migrations/20261129084647_bounds_and_no_change.sql',
  'supabase/migrations/20261129100641_secrets_and_addresses.sql',
  'supabase/migrations/20261129101705_nothing_gets_past_the_words.sql',
  'supabase/migrations/20261129102324_fair_turns.sql',
  'supabase/migrations/20261129104254_tenants_apart.sql',
  'supabase/migrations/20261129114256_forgotten_for_good.sql',
  'supabase/migrations/20261129115131_links_and_filters.sql',
  'supabase/migrations/20261129120959_one_guard.sql',
]
