/**
 * Texts of the database as Markdown.
 *
 * @module
 */

/** Names of SQL, alone or behind others: `roles_with_inherited`, `usher.settings.site_url`. */
const NAME =
  /((?<![\w/@.])(?:(?:[a-z]+\.)*[a-z]+(?:_[a-z0-9]+)+(?:\.[a-z_]+)*|usher\.[a-z_]+)(?![\w/]))/

/** Within a table, a bar would end the cell. */
export const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``

/** Text between other text: names as code, and no sign that Markdown would take for its own. */
export function plain(text: string): string {
  return text
    .split(/(`[^`]*`|https?:\/\/[^\s<>]*)/)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part
            .split(NAME)
            .map((each, n) => (n % 2 === 1 ? code(each) : each.replace(/[<>*_[\]]/g, '\\$&')))
            .join(''),
    )
    .join('')
}

/** Within a table: on one line. */
export function cell(text: string): string {
  return plain(text)
    .replace(/\s*\n\s*/g, ' ')
    .replace(/(?<!\\)\|/g, '\\|')
}

/** Paragraphs, in which lines such as `  failed  given up` make a list. */
export function prose(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [, word, meaning = ''] = line.match(/^ {2,4}(\w+) {2,}(\S.*)$/) ?? []
      if (word) return `- ${code(word)}: ${plain(meaning)}`
      return plain(line.replace(/^ {4,}/, '  '))
    })
    .join('\n')
}
