/**
 * What an organisation wrote, in the little Markdown that mails know: paragraphs, lists, bold, italic and
 * links to https. Anything else, HTML above all, is shown as it was typed.
 *
 * It is read as Markdown first and filled afterwards, so that no name can become markup.
 *
 * @module
 */
import { lexer, type Token, type Tokens } from 'marked'
import { Fragment, type ReactNode } from 'react'
import { Link } from 'react-email'
import { Paragraph } from './layout.tsx'
import { fill, type Placeholders } from './words.ts'

interface TemplateBodyProps {
  /** As saved: at most 5,000 characters. */
  source: string
  placeholders: Placeholders
  /** The colour of links. */
  linkColour: string
}

export function TemplateBody({ source, placeholders, linkColour }: TemplateBodyProps) {
  const text = (written: string) => fill(written, placeholders)

  const inline = (tokens: Token[]): ReactNode =>
    tokens.map((token, i) => {
      // biome-ignore lint/suspicious/noArrayIndexKey: drawn once
      return <Fragment key={i}>{one(token)}</Fragment>
    })

  const one = (token: Token): ReactNode => {
    switch (token.type) {
      case 'strong':
        return <strong>{inline((token as Tokens.Strong).tokens)}</strong>
      case 'em':
        return <em>{inline((token as Tokens.Em).tokens)}</em>
      case 'br':
        return <br />
      case 'link':
        return isHttps((token as Tokens.Link).href) ? (
          <Link href={(token as Tokens.Link).href} className="link" style={{ color: linkColour }}>
            {inline((token as Tokens.Link).tokens)}
          </Link>
        ) : (
          text(token.raw)
        )
      case 'escape':
        return text((token as Tokens.Escape).text)
      case 'text':
        // In a list, text may hold more than text.
        return 'tokens' in token && token.tokens ? inline(token.tokens) : lines(token.raw)
      default:
        return lines(token.raw)
    }
  }

  /** A line break that was typed is one that is seen. */
  const lines = (raw: string) =>
    text(raw)
      .split('\n')
      .map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: drawn once
        <Fragment key={i}>
          {i > 0 && <br />}
          {line}
        </Fragment>
      ))

  return lexer(source)
    .filter((token) => token.type !== 'space')
    .map((token, i) => {
      const key = `${i} ${token.type}`
      if (token.type === 'list') {
        const List = (token as Tokens.List).ordered ? 'ol' : 'ul'
        return (
          <List key={key} style={{ margin: '0 0 16px', paddingInlineStart: '24px' }}>
            {(token as Tokens.List).items.map((item, j) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: drawn once
              <li key={j} className="text">
                {inline(item.tokens)}
              </li>
            ))}
          </List>
        )
      }
      const words =
        token.type === 'paragraph'
          ? inline((token as Tokens.Paragraph).tokens)
          : lines(token.raw.trim())
      return <Paragraph key={key}>{words}</Paragraph>
    })
}

const isHttps = (href: string) => URL.canParse(href) && new URL(href).protocol === 'https:'
