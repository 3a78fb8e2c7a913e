/**
 * The report of a package: one page of HTML that needs nothing beside it, for the screen and for paper.
 *
 * @module
 */
import { html, raw } from 'hono/html'
import type { Manifest } from '../manifest.ts'
import type { EvidenceRow } from '../source.ts'
import { type ReportData, SECTIONS } from './sections.ts'
import { styles } from './styles.ts'
import { time } from './table.ts'

/**
 * @param trail - the rows of `trail/events.json`
 * @returns a whole document; nothing in it can run or be fetched
 */
export async function report(
  about: Omit<Manifest, 'files'>,
  tables: Record<string, EvidenceRow[]>,
  trail: EvidenceRow[],
): Promise<string> {
  const data: ReportData = { about, tables, trail }
  const { organisation, since, until, collected_at } = about
  const title = `Evidence of access rights: ${organisation.name}`
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${raw(styles)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">For Implementing Regulation (EU) 2024/2690, annex 3.2 and 11, and ISO/IEC 27001:2022 A.5.18 and A.8.15.</p>
<dl class="facts">
<dt>Organisation</dt><dd>${organisation.name} <span class="quiet">(${organisation.slug}, <code>${organisation.id}</code>)</span></dd>
<dt>Period</dt><dd>from ${time(since)} to ${time(until)}</dd>
<dt>Collected</dt><dd>${time(collected_at)}</dd>
<dt>Events are kept</dt><dd>${organisation.audit_retention ?? 'for ever'}</dd>
${
  about.has_member_addresses && about.has_invite_addresses
    ? ''
    : html`<dt>Addresses</dt><dd>some are left out: whoever exported this may not see them</dd>`
}
</dl>
${tiles(data)}
<nav aria-label="Contents"><ol>${SECTIONS.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ol></nav>
</header>
<main>
${SECTIONS.map(({ id, title, body }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>\n${body(data)}</section>\n`)}
</main>
</body>
</html>
`
  return String(page)
}

function tiles({ tables, trail }: ReportData) {
  const held = (tables.rights ?? []).filter(({ is_held }) => is_held)
  const open = (tables.review_items ?? []).filter(({ decision }) => decision === null)
  const figures: [string, number][] = [
    ['people with access', new Set(held.map(({ user_id }) => user_id)).size],
    ['rights held', held.length],
    ['changes to rights', tables.changes?.length ?? 0],
    ['invitations', tables.invites?.length ?? 0],
    ['reviews', tables.reviews?.length ?? 0],
    ['rights not reviewed yet', open.length],
    ['findings on duties', tables.duty_findings?.length ?? 0],
    ['events', trail.length],
  ]
  return html`<ul class="tiles">${figures.map(([name, count]) => html`<li><strong>${count}</strong>${name}</li>`)}</ul>`
}
