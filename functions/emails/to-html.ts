/**
 * From a tree to HTML, and from HTML to plain text.
 *
 * react-email's own `render` and `toPlainText` come to the same, character by character but for React's marks
 * of streaming, and take six times as long: it streams what is drawn in one go, and reads its rules of plain
 * text anew for each mail.
 *
 * @module
 */
import { compile } from 'html-to-text'
import type { ReactNode } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { plainTextSelectors } from 'react-email'

// What mail programs expect in front. Source: react-email, render
const DOCTYPE =
  '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">'

export const toHtml = (tree: ReactNode): string => DOCTYPE + renderToStaticMarkup(tree)

export const toText = compile({
  wordwrap: false,
  selectors: [
    ...(plainTextSelectors as { selector: string }[]),
    { selector: 'h1', options: { uppercase: false } },
  ],
})
