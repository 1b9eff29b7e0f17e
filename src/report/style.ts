// The page's look. System fonts, two colour schemes, narrow screens and paper. Colours of series have a contrast of at
// least 4.5 to the paper in both schemes, since names are written in them too; hues are told apart with any kind of
// colour vision together with the shapes of points (after Okabe and Ito, "Color universal design", 2008).

/** The style sheet. */
export const style: string = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1d21; --muted: #5c6370; --grid: #e3e6ea; --wash: #f4f6f8; --link: #0b5cad;
  --skip: #666d78; --fixed: #0b62a8; --adaptive: #c2410c; --probe: #a8327d; --features: #7a6200; --expected: #4a6b0a;
  --pipeline: #04745a; --deadline: #6d3fc9; --fired: #c2410c; --held: #3c86c6;
  --loss: 213 94 0; --gain: 0 114 178;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --ink: #e7e9ec; --muted: #a2a9b4; --grid: #31353c; --wash: #1e2126; --link: #7db8f5;
    --skip: #a9b0ba; --fixed: #6cb0f5; --adaptive: #ff9b5e; --probe: #ec92d6; --features: #dcc04c; --expected: #a9cf55;
    --pipeline: #4fd0a5; --deadline: #b79cff; --fired: #ff9b5e; --held: #4f93d1;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header, main, footer { max-width: 1088px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 40px; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.015em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 56px 0 12px; letter-spacing: -0.01em; }
h3 { font-size: 1rem; margin: 28px 0 8px; }
p { margin: 0 0 12px; max-width: 76ch; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.92em; }
pre { background: var(--wash); padding: 12px; overflow-x: auto; border-radius: 6px; }
.lead { font-size: 1.06rem; margin-bottom: 4px; overflow-wrap: anywhere; }
.protocol, .note, figcaption, caption, footer { color: var(--muted); font-size: 0.875rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 20px 0 0; padding: 0; font-size: 0.9rem; }
section { scroll-margin-top: 12px; }
section#summary h2 { margin-top: 32px; }
.scroll { overflow-x: auto; }
@media (min-width: 1140px) { .roomy { margin-right: calc((1040px - 100vw) / 2 + 24px); } }
.scroll:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
table { border-collapse: separate; border-spacing: 0; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 10px; caption-side: top; }
caption > span { display: inline-block; position: sticky; left: 0; width: max-content; max-width: min(76ch, 100vw - 32px); }
th, td { padding: 5px 9px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
th { font-weight: 600; }
thead th { vertical-align: bottom; font-size: 0.8125rem; border-bottom-color: var(--muted); }
thead th[scope="colgroup"] { text-align: center; border-left: 1px solid var(--grid); border-bottom-color: var(--grid); color: var(--muted); font-weight: 500; }
tr > :first-child { text-align: left; position: sticky; left: 0; background: var(--paper); }
td.text, th[rowspan] { text-align: left; }
.summary thead tr:last-child th { white-space: normal; min-width: 3.4em; position: static; background: none; text-align: right; }
.edge { border-left: 1px solid var(--grid); }
.summary { font-size: 0.8125rem; } .summary th, .summary td { padding: 5px 6px; } .summary thead th { font-size: 0.78rem; }
tr.oracle small { color: var(--muted); font-weight: 400; }
tr.oracle > * { background: var(--wash); }
tbody tr:hover > * { background: var(--wash); }
tfoot > tr > * { font-weight: 600; border-top: 1px solid var(--muted); border-bottom: 0; }
.classes td small { color: inherit; font-size: 0.85em; display: inline-block; min-width: 3.6em; }
.best { color: var(--pipeline); }
.swatch { padding: 0 5px; color: var(--ink); }
${["loss", "gain"]
  .flatMap((side) =>
    [0.12, 0.24, 0.38, 0.52].map(
      (strength, index) =>
        `.${side}-${index + 1}, tbody tr:hover > .${side}-${index + 1} { background: rgb(var(--${side}) / ${strength}); }`,
    ),
  )
  .join("\n")}
figure { margin: 0 0 24px; }
figcaption { margin-top: 4px; max-width: 90ch; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px 20px; }
.plot { display: block; max-width: 100%; height: auto; overflow: visible; font-family: inherit; }
.pair .plot { width: 100%; }
.plot text { white-space: pre; }
.plot g[aria-label$="tick label"], .plot g[aria-label$="axis label"] { fill: var(--muted); }
.plot g[aria-label$="axis tick"] { stroke: var(--muted); }
.wide { min-width: 860px; }
.key.fired { color: var(--fired); } .key.held { color: var(--held); }
.pictures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px; }
.pictures img { display: block; width: 100%; height: auto; background: var(--wash); }
.pictures small { color: var(--muted); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 0 16px; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
footer { padding-top: 32px; padding-bottom: 48px; }
@media screen and (max-width: 760px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header { padding-top: 24px; }
  h1 { font-size: 1.5rem; } h2 { margin-top: 40px; }
  .pair { grid-template-columns: 1fr; }
  .pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; }
}
@media print {
  @page { size: landscape; margin: 12mm; }
  :root { color-scheme: light; }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer { max-width: none; padding: 0; }
  nav { display: none; }
  h2 { margin-top: 24pt; break-after: avoid; } h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; margin-right: 0; }
  .wide { min-width: 0; }
  table, .summary { font-size: 6.8pt; } thead th, .summary thead th { font-size: 6.4pt; }
  th, td, .summary th, .summary td { padding: 2pt 3pt; }
  .pair .plot { max-height: 105mm; }
  tr > :first-child { position: static; }
  tfoot { display: table-row-group; }
}
`;
