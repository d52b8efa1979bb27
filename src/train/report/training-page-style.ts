// How training.html looks: neutral greys around the pictures, light and dark.
export const style = `
:root {
  --ground: #f3f3f2; --card: #fff; --text: #1d1d1c; --quiet: #62625f; --line: #dcdcd9; --accent: #0b62c4; --warn: #8a5a00;
  color-scheme: light dark;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: var(--text); background: var(--ground);
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #141414; --card: #1e1e1e; --text: #e8e8e6; --quiet: #a0a09c; --line: #363634; --accent: #7db8ff; --warn: #e6b84d; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: clamp(1rem, 3vw, 2.5rem); max-width: 1480px; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .25rem; }
h3 { font-size: .9rem; font-weight: 600; margin: 1rem 0 .4rem; }
:is(.card, .charts > div) > h3:first-child { margin-top: 0; }
p { margin: .25rem 0; }
.quiet { color: var(--quiet); font-size: .85rem; max-width: 68rem; }
.notice { border-left: 3px solid var(--warn); padding-left: .75rem; margin: .75rem 0; font-size: .9rem; }
.totals { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem 2.25rem; margin: 1rem 0; padding: 0; color: var(--quiet); }
.totals strong { color: var(--text); font-size: 1.35rem; font-weight: 600; margin-right: .15rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 32rem), 1fr)); margin-top: .75rem; }
.charts > div, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; }
.card { margin-top: .75rem; }
svg { display: block; width: 100%; height: auto; }
.crops { display: grid; gap: .9rem 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
figure { margin: 0; }
.triple { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; }
figcaption { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px; color: var(--quiet); font-size: .8rem; font-variant-numeric: tabular-nums; }
img { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 3px; background: var(--line); }
.samples { display: grid; gap: 4px; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem 1.75rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
thead th, tbody th { color: var(--quiet); font-weight: 500; }
@media print {
  :root { --ground: #fff; --card: #fff; --text: #000; --quiet: #444; --line: #bbb; font-size: 10pt; }
  body { padding: 0; max-width: none; }
  .charts > div, .card, figure { break-inside: avoid; }
}
`;
