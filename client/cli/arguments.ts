/**
 * What several commands take.
 *
 * @module
 */
export const PROJECT_ARGUMENTS = {
  workdir: {
    type: 'string',
    description: 'The folder that holds supabase/',
    valueHint: 'folder',
    default: '.',
  },
  'db-url': {
    type: 'string',
    description: 'Looks at this database, too; only reads. Default: $SUPABASE_DB_URL',
    valueHint: 'postgres://…',
  },
} as const

export const WRITING_ARGUMENTS = {
  ...PROJECT_ARGUMENTS,
  yes: { type: 'boolean', alias: 'y', description: 'Does not ask', default: false },
  'dry-run': { type: 'boolean', description: 'Only says what it would do', default: false },
} as const

/** The database that a command was given. */
export function databaseUrlOf(args: { 'db-url'?: string | undefined }): string | undefined {
  return args['db-url'] || process.env.SUPABASE_DB_URL || undefined
}
