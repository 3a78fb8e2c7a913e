/**
 * The sections of a TOML file as they stand there, with the comments above them.
 *
 * @module
 */

export interface ConfigBlock {
  /** Of its header: `['functions', 'send-mail']` of `[functions.send-mail]`. */
  path: string[]
  /** Comments, header and keys, without blank lines around them. */
  text: string
}

/** Reads the tables whose header is made of bare keys, as those of ours are. */
export function readBlocks(toml: string): ConfigBlock[] {
  return toml.split(/\n\s*\n/).flatMap((paragraph) => {
    const header = paragraph.match(/^\[([\w.-]+)\]\s*$/m)?.[1]
    return header ? [{ path: header.split('.'), text: paragraph.trim() }] : []
  })
}
