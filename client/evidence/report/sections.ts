/**
 * The sections of the report, one a register.
 *
 * @module
 */
import { html, raw } from 'hono/html'
import type { Manifest } from '../manifest.ts'
import type { EvidenceRow } from '../source.ts'
import { bars, columns, shares } from './charts.ts'
import { countBy, overTime } from './figures.ts'
import { at, type Markup, person, stack, table, text } from './table.ts'

export interface ReportData {
  about: Omit<Manifest, 'files'>
  tables: Record<string, EvidenceRow[]>
  trail: EvidenceRow[]
}

export interface Section {
  id: string
  title: string
  body: (data: ReportData) => Markup
}

const figure = (svg: string, caption: string) =>
  html`<figure><div class="scroll">${raw(svg)}</div><figcaption>${caption}</figcaption></figure>`

const rowsOf = ({ tables }: ReportData, name: string) => tables[name] ?? []

/** When it ended, or when it will by itself. */
const until = (row: EvidenceRow) => at('ended_at')(row) ?? at('ends_at')(row)

/** Said under a chart, for those who cannot see it. */
const inWords = (counts: [string, number][]) =>
  counts.map(([name, n]) => `${name}: ${n}`).join('; ')

export const SECTIONS: Section[] = [
  {
    id: 'rights',
    title: 'Register of access rights',
    body(data) {
      const rights = rowsOf(data, 'rights')
      const held = rights.filter(({ is_held }) => is_held)
      const unexplained = rights.filter(({ is_explained }) => !is_explained).length
      const counts = countBy(held, 'role')
      return html`<p>Who held which role in the period. ${held.length} of ${rights.length} were held at its end.</p>
${unexplained > 0 ? html`<p><span class="bad">${unexplained} came or went in a way that the trail does not tell</span>: by SQL, or before older events were removed.</p>` : ''}
${counts.length > 0 ? figure(bars(counts), `Rights at the end of the period, by role. ${inWords(counts)}.`) : ''}
${table(
  rights,
  [
    { title: 'Who', of: stack(person('name', 'email', 'user_id'), text('email')) },
    { title: 'Role', of: text('role') },
    { title: 'Since', of: stack(at('granted_at'), text('granted_through')) },
    { title: 'Given by', of: person('granted_by_email', 'granted_by') },
    { title: 'Why', of: text('grant_reason') },
    { title: 'Until', of: stack(until, text('ended_through'), text('end_reason')) },
  ],
  { file: 'tables/rights.csv', empty: 'Nobody held a right in the period.' },
)}`
    },
  },
  {
    id: 'changes',
    title: 'Changes to access rights',
    body(data) {
      const changes = rowsOf(data, 'changes')
      const counts = countBy(changes, 'change')
      const timeline = overTime(changes, data.about, 'occurred_at', 'change')
      return html`<p>Each role that was given or taken in the period, as the trail tells it.</p>
${changes.length > 0 ? figure(columns(timeline), `Roles given and taken, by ${timeline.unit}. ${inWords(counts)}.`) : ''}
${table(
  changes,
  [
    { title: 'When', of: stack(at('occurred_at'), text('through')) },
    { title: 'Change', of: text('change') },
    { title: 'Role', of: text('role') },
    { title: 'Who', of: person('email', 'user_id') },
    { title: 'By', of: person('actor_email', 'actor_id', 'actor_kind') },
    { title: 'Why', of: text('reason') },
  ],
  { file: 'tables/changes.csv', empty: 'No right was given or taken in the period.' },
)}`
    },
  },
  {
    id: 'reviews',
    title: 'Access reviews',
    body(data) {
      const reviews = rowsOf(data, 'reviews')
      const partsOf = ({ confirmed, withdrawn, lapsed, open }: EvidenceRow) =>
        ({ confirmed, withdrawn, lapsed, open }) as Record<string, number>
      const rows = reviews.map((row) => ({ name: String(row.title), parts: partsOf(row) }))
      const titles = new Map(reviews.map(({ id, title }) => [id, title]))
      const withdrawn = rowsOf(data, 'review_items').filter(
        ({ decision }) => decision === 'withdrawn',
      )
      return html`<p>Campaigns in which every right is confirmed or withdrawn.</p>
${rows.length > 0 ? figure(shares(rows), 'Rights by answer, a bar for each review.') : ''}
${table(
  reviews,
  [
    { title: 'Review', of: stack(text('title'), text('status')) },
    { title: 'Started', of: stack(at('started_at'), person('started_by_email', 'started_by')) },
    { title: 'Due', of: at('due_at') },
    {
      title: 'Ended',
      of: stack(at('ended_at'), person('closed_by_email', 'closed_by'), text('closed_reason')),
    },
    { title: 'Confirmed', of: text('confirmed'), isNumber: true },
    { title: 'Withdrawn', of: text('withdrawn'), isNumber: true },
    { title: 'Lapsed', of: text('lapsed'), isNumber: true },
    { title: 'Open', of: text('open'), isNumber: true },
  ],
  { file: 'tables/reviews.csv', empty: 'No review was open in the period.' },
)}
${
  reviews.length > 0
    ? html`<h3>Rights that were withdrawn</h3>${table(
        withdrawn,
        [
          { title: 'Review', of: ({ review_id }) => String(titles.get(review_id) ?? '') },
          { title: 'Who', of: person('email', 'user_id') },
          { title: 'Role', of: text('role') },
          { title: 'By', of: person('decided_by_email', 'decided_by') },
          { title: 'When', of: at('decided_at') },
          { title: 'Why', of: text('reason') },
        ],
        { file: 'tables/review_items.csv', empty: 'None.' },
      )}`
    : ''
}`
    },
  },
  {
    id: 'duties',
    title: 'Separation of duties',
    body(data) {
      return html`<p>Roles that nobody may hold together, and what there is to be looked at.</p>
${table(
  rowsOf(data, 'exclusions'),
  [
    { title: 'Rule', of: text('name') },
    { title: 'Roles', of: text('roles') },
    { title: 'So many are too many', of: text('cardinality'), isNumber: true },
    { title: 'Violations now', of: text('violations'), isNumber: true },
  ],
  { file: 'tables/exclusions.csv', empty: 'No roles are set apart.' },
)}
<h3>Findings</h3>
${table(
  rowsOf(data, 'duty_findings'),
  [
    { title: 'Finding', of: ({ finding }) => String(finding).replaceAll('_', ' ') },
    { title: 'Rule', of: text('exclusion') },
    { title: 'Who', of: person('email', 'user_id') },
    { title: 'Roles', of: text('roles') },
    { title: 'When', of: at('at') },
  ],
  { file: 'tables/duty_findings.csv', empty: 'None.' },
)}`
    },
  },
  {
    id: 'invitations',
    title: 'Invitations',
    body(data) {
      const invitations = rowsOf(data, 'invites')
      const counts = countBy(invitations, 'status')
      return html`<p>Invitations that were open at some time in the period, and what became of them.</p>
${counts.length > 0 ? figure(bars(counts), `Invitations by outcome. ${inWords(counts)}.`) : ''}
${table(
  invitations,
  [
    { title: 'To', of: text('invitee') },
    { title: 'Roles', of: text('roles') },
    { title: 'By', of: person('invited_by_email', 'invited_by') },
    { title: 'Made', of: at('created_at') },
    { title: 'Outcome', of: text('status') },
    {
      title: 'When',
      of: (row) =>
        at('accepted_at')(row) ??
        at('declined_at')(row) ??
        at('revoked_at')(row) ??
        at('expires_at')(row),
    },
    { title: 'Why', of: person('declined_reason', 'revoked_reason') },
    { title: 'Mail', of: text('mail') },
  ],
  { file: 'tables/invites.csv', empty: 'No invitation was open in the period.' },
)}`
    },
  },
  {
    id: 'mails',
    title: 'Mails',
    body(data) {
      const counts = countBy(rowsOf(data, 'deliveries'), 'status')
      return html`<p>What became of the mails of the period, as mail servers and providers said.</p>
${counts.length > 0 ? figure(bars(counts), `Mails by state. ${inWords(counts)}.`) : ''}
${table(
  rowsOf(data, 'delivery_counts'),
  [
    { title: 'Kind', of: text('kind') },
    { title: 'State', of: text('status') },
    { title: 'Mails', of: text('mails'), isNumber: true },
  ],
  { file: 'tables/delivery_counts.csv', empty: 'No mail was sent in the period.' },
)}`
    },
  },
  {
    id: 'roles',
    title: 'Roles and what they permit',
    body: (data) =>
      table(
        rowsOf(data, 'roles'),
        [
          { title: 'Role', of: text('name') },
          { title: 'Own or built in', of: ({ is_built_in }) => (is_built_in ? 'built in' : 'own') },
          { title: 'Holders now', of: text('holders'), isNumber: true },
          { title: 'Permissions', of: text('permissions') },
        ],
        { file: 'tables/roles.csv', empty: 'None.' },
      ),
  },
  {
    id: 'keys',
    title: 'Signing keys',
    body: (
      data,
    ) => html`<p>The keys that sign the links of invitations. One that was replaced verifies for 30 days more.</p>
${table(
  rowsOf(data, 'signing_keys'),
  [
    { title: 'Key', of: text('id') },
    { title: 'State', of: text('state') },
    { title: 'Kept in', of: text('kept_in') },
    { title: 'Made', of: at('created_at') },
    { title: 'Replaced', of: at('retired_at') },
    { title: 'Time to replace it', of: ({ is_due }) => (is_due ? 'yes' : 'no') },
  ],
  { file: 'tables/signing_keys.csv', empty: 'No key has signed in the period.' },
)}`,
  },
  {
    id: 'trail',
    title: 'The trail, and what proves it whole',
    body(data) {
      const { trail } = data.about
      const events = data.trail
      const timeline = overTime(events, data.about, 'occurred_at')
      const counts = countBy(events, 'event')
      return html`<p>${trail.events} events are in this package as they were sealed. Each seal is a SHA-256 over the seal before
and its events, so that one hash that somebody has noted elsewhere tells whether anything before it was changed.</p>
${events.length > 0 ? figure(columns(timeline), `Events by ${timeline.unit}.`) : ''}
<dl class="facts">
<dt>Seals of the period</dt><dd>${trail.first_seal === null ? 'none: nothing happened' : `${trail.first_seal} to ${trail.last_seal}`}</dd>
<dt>Newest seal</dt><dd>${trail.head_seal}: <code>${trail.head_hash ?? ''}</code></dd>
</dl>
${table(
  counts.map(([event, count]) => ({ event, count })),
  [
    { title: 'Event', of: text('event') },
    { title: 'How often', of: text('count'), isNumber: true },
  ],
  { file: 'trail/events.csv', empty: 'Nothing happened in the period.' },
)}
<h3>How to check it</h3>
<p>In the unpacked folder, this tells whether every file is as it was packed; <code>README.txt</code> says how to check
events and seals by hand, and what that proves.</p>
<pre>sha256sum -c SHA256SUMS</pre>`
    },
  },
]
