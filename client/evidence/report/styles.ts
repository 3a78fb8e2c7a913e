/**
 * How the report looks: light, dark, narrow, and on paper.
 *
 * @module
 */

export const styles = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1f2430; --quiet: #5a6372; --line: #d9dde4;
  --good: #0b7a4b; --bad: #b42318; --accent: #3b5bdb;
  --series-1: #3b5bdb; --series-2: #e8590c; --series-3: #0c8599; --series-4: #868e96;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171d; --panel: #1d222b; --ink: #e8ebf0; --quiet: #a3acba; --line: #353c49;
    --good: #51cf9a; --bad: #ff8f85; --accent: #91a7ff;
    --series-1: #748ffc; --series-2: #ff922b; --series-3: #3bc9db; --series-4: #909aa8;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 64rem; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.25rem; }
h2 { font-size: 1.25rem; margin: 2.75rem 0 0.25rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 0.5rem; }
p { margin: 0.25rem 0 0.75rem; max-width: 48rem; }
a { color: var(--accent); }
code { font: 0.85em ui-monospace, "Cascadia Mono", Menlo, monospace; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.25rem; margin: 1.25rem 0; }
dl.facts dt { color: var(--quiet); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
ul.tiles {
  list-style: none; padding: 0; margin: 1.5rem 0; display: grid; gap: 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr));
}
ul.tiles li { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 0.75rem 1rem; }
ul.tiles strong { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
nav ol { columns: 2; padding-left: 1.25rem; margin: 0.5rem 0 0; line-height: 1.75rem; }
figure { margin: 1rem 0 1.5rem; }
figure svg { display: block; width: 100%; min-width: 36rem; max-width: 45rem; height: auto; }
figcaption { color: var(--quiet); font-size: 0.875rem; margin-top: 0.25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem; margin: 0.75rem 0; }
th, td { text-align: start; vertical-align: top; padding: 0.375rem 0.625rem 0.375rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
td { overflow-wrap: break-word; min-width: 5.5rem; }
td time { white-space: nowrap; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; min-width: 0; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 0.75rem 1rem; overflow-x: auto; font-size: 0.8125rem; }
@media (max-width: 34rem) {
  ul.tiles { grid-template-columns: 1fr 1fr; }
  body { padding-top: 1.25rem; }
  nav ol { columns: 1; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: 0.5rem; }
}
@page { size: A4; margin: 16mm 14mm 18mm; @bottom-right { content: counter(page) " / " counter(pages); font: 8pt system-ui, sans-serif; } }
@media print {
  :root {
    --paper: #ffffff; --panel: #ffffff; --ink: #000000; --quiet: #444444; --line: #bbbbbb;
    --good: #0b7a4b; --bad: #b42318; --accent: #000000;
    --series-1: #3b5bdb; --series-2: #e8590c; --series-3: #0c8599; --series-4: #868e96;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; max-width: none; font-size: 9.5pt; }
  table { font-size: 7.5pt; }
  td { min-width: 0; overflow-wrap: anywhere; }
  td time { white-space: normal; }
  .scroll { overflow: visible; }
  thead { display: table-header-group; }
  tr, figure, ul.tiles li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  ul.tiles { grid-template-columns: repeat(4, 1fr); }
  nav { display: none; }
  pre { white-space: pre-wrap; }
}
`
