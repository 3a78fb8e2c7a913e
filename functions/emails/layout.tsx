/**
 * What all mails have in common: the frame, one heading, one button, and why the reader gets it.
 *
 * @module
 */
import { Fragment, type ReactNode } from 'react'
import {
  Body,
  Button,
  Container,
  Head,
  Heading,
  Hr,
  Html,
  Img,
  Link,
  Preview,
  Section,
  Text,
} from 'react-email'
import type { Organisation } from '../_shared/delivery.ts'
import type { Language } from './language.ts'
import { accentOf, dark, font, light, readableOn, size, textOn } from './theme.ts'

interface LayoutProps {
  language: Pick<Language, 'lang' | 'dir'>
  organisation: Pick<Organisation, 'name' | 'logo_url' | 'accent_colour'>
  /** What a mailbox shows beside the subject. */
  preview: string
  heading: string
  /** Null where there is nothing to open. */
  button: { label: string; href: string } | null
  why: string
  children: ReactNode
  /** Between the button and the line. */
  afterButton?: ReactNode
  /** Small links at the end. */
  afterWhy?: { label: string; href: string }[]
}

// Mail programs that know the reader's preference take it from here; the others stay light.
const darkStyles = (accent: string) => `
  :root { color-scheme: light dark; supported-color-schemes: light dark; }
  @media (prefers-color-scheme: dark) {
    .page, .page > table > tbody > tr > td { background-color: ${dark.page} !important; }
    .card { background-color: ${dark.card} !important; border-color: ${dark.border} !important; }
    .text { color: ${dark.text} !important; }
    .quiet { color: ${dark.quiet} !important; }
    .link { color: ${readableOn(dark.card, accent)} !important; }
    .quote, .line { border-color: ${dark.border} !important; }
  }
  @media (max-width: 480px) {
    .card > tbody > tr > td { padding: 24px 20px !important; }
  }`

/** A paragraph; quiet ones are small and grey. */
export function Paragraph({
  children,
  isQuiet = false,
}: {
  children: ReactNode
  isQuiet?: boolean
}) {
  return (
    <Text
      className={isQuiet ? 'quiet' : 'text'}
      style={{
        color: isQuiet ? light.quiet : light.text,
        fontSize: isQuiet ? size.small : size.text,
        lineHeight: '1.5',
        margin: '0 0 16px',
      }}
    >
      {children}
    </Text>
  )
}

/** What somebody wrote, as plain text, line by line: marked off, also in the plain text version. */
export function Quote({ children }: { children: string }) {
  return (
    <blockquote
      className="quote"
      style={{
        borderInlineStart: `3px solid ${light.border}`,
        margin: '0 0 16px',
        padding: '0 16px',
      }}
    >
      <Text
        className="text"
        // In whichever language it was written.
        dir="auto"
        style={{
          color: light.text,
          fontSize: size.text,
          lineHeight: '1.5',
          margin: '0',
        }}
      >
        {children.split('\n').map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: drawn once
          <Fragment key={i}>
            {i > 0 && <br />}
            {line}
          </Fragment>
        ))}
      </Text>
    </blockquote>
  )
}

/** A code to type in, large and in one width. */
export function Code({ children }: { children: string }) {
  return (
    <Text
      className="text"
      style={{
        color: light.text,
        fontFamily: 'ui-monospace, Menlo, Consolas, monospace',
        fontSize: '26px',
        fontWeight: '600',
        letterSpacing: '4px',
        margin: '0 0 24px',
      }}
    >
      <span dir="ltr">{children}</span>
    </Text>
  )
}

export function Layout({
  language,
  organisation,
  preview,
  heading,
  button,
  why,
  children,
  afterButton,
  afterWhy = [],
}: LayoutProps) {
  const accent = accentOf(organisation)
  return (
    <Html lang={language.lang} dir={language.dir}>
      <Head>
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <style>{darkStyles(accent)}</style>
      </Head>
      <Preview>{preview}</Preview>
      <Body
        // It would say English, from left to right, by itself.
        lang={language.lang}
        dir={language.dir}
        className="page"
        style={{ backgroundColor: light.page, fontFamily: font, margin: '0', padding: '24px 8px' }}
      >
        <Container
          className="card"
          style={{
            backgroundColor: light.card,
            border: `1px solid ${light.border}`,
            borderRadius: '12px',
            maxWidth: size.width,
            // Inherited by all of it: a name of one long word must not make the card wider.
            overflowWrap: 'anywhere',
            wordBreak: 'break-word',
            padding: '32px 36px',
          }}
        >
          {organisation.logo_url ? (
            <Img
              src={organisation.logo_url}
              alt={organisation.name}
              height="36"
              className="text"
              // Seen instead of the image where images are off.
              style={{
                color: light.text,
                fontSize: size.text,
                fontWeight: '600',
                marginBottom: '24px',
              }}
            />
          ) : (
            <Section style={{ marginBottom: '24px' }}>
              <span
                style={{
                  backgroundColor: accent,
                  borderRadius: '8px',
                  color: textOn(accent),
                  display: 'inline-block',
                  fontSize: size.small,
                  fontWeight: '600',
                  padding: '6px 12px',
                }}
              >
                {organisation.name}
              </span>
            </Section>
          )}
          <Heading
            as="h1"
            className="text"
            style={{
              color: light.text,
              fontSize: size.title,
              lineHeight: '1.3',
              margin: '0 0 16px',
            }}
          >
            {heading}
          </Heading>
          {children}
          {button && (
            <Button
              href={button.href}
              className="line"
              style={{
                backgroundColor: accent,
                // A hairline, so that a white button is seen on a white card, and a black one on black.
                border: `1px solid ${light.border}`,
                borderRadius: '8px',
                color: textOn(accent),
                fontSize: size.text,
                fontWeight: '600',
                margin: '8px 0 24px',
                padding: '12px 22px',
              }}
            >
              {button.label}
            </Button>
          )}
          {afterButton}
          <Hr
            className="line"
            style={{ borderTop: `1px solid ${light.border}`, margin: '8px 0 20px' }}
          />
          <Text
            className="quiet"
            style={{
              color: light.quiet,
              fontSize: size.fine,
              lineHeight: '1.5',
              margin: '0',
            }}
          >
            {why}
          </Text>
          {afterWhy.length > 0 && (
            <Text
              className="quiet"
              style={{
                color: light.quiet,
                fontSize: size.fine,
                lineHeight: '1.5',
                margin: '12px 0 0',
              }}
            >
              {afterWhy.map(({ label, href }, i) => (
                <Fragment key={label}>
                  {i > 0 && <br />}
                  <Link
                    href={href}
                    className="quiet"
                    style={{ color: light.quiet, textDecoration: 'underline' }}
                  >
                    {label}
                  </Link>
                </Fragment>
              ))}
            </Text>
          )}
        </Container>
      </Body>
    </Html>
  )
}
