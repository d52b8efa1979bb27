// A report as one HTML page that loads nothing: tables, and figures as SVG; and as Markdown, with links to the figures.
import { escapedMarkup, HTML_END, htmlHead } from '../../figure/markup.js';
import type { Report, ReportSection } from './report.js';
import type { ReportTable } from './report-tables.js';

const STYLE = `
:root { --widest: 1280px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: 1rem 0; padding: 0; }
dl { margin: 0; font-size: .9rem; }
dl > div { display: grid; grid-template-columns: minmax(6rem, 8rem) 1fr; gap: .75rem; padding: .1rem 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: clamp(.9rem, 2vw, 1.5rem); margin: 1.25rem 0; scroll-margin-top: 1rem; }
.tables { display: flex; flex-wrap: wrap; gap: 0 3rem; }
.scroll { overflow-x: auto; margin: .75rem 0 1rem; max-width: 100%; }
.scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem; }
th, td { padding: .25rem .9rem; text-align: right; white-space: nowrap; overflow-wrap: normal; }
tbody th { color: inherit; }
:is(th, td):first-child { text-align: left; padding-left: 0; }
tbody tr:hover { background: color-mix(in srgb, var(--accent) 7%, transparent); }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { display: block; height: auto; max-width: 100%; }
figure.pictures svg { max-width: none; }
.charts { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
@media print { :root { font-size: 9pt; } section { border-width: 1px 0 0; border-radius: 0; padding: .5rem 0; } nav { display: none; } figure, table { break-inside: avoid; } }
`;

export function reportHtml({ title, facts, sections }: Report): string {
  const links = sections.map(
    ({ heading }, i) => `<li><a href="#s${i + 1}">${escapedMarkup(heading)}</a></li>`,
  );
  const rows = facts.map(
    ([name, value]) => `<div><dt>${escapedMarkup(name)}</dt><dd>${escapedMarkup(value)}</dd></div>`,
  );
  return `${htmlHead({ title, style: STYLE })}<header>
<h1>${escapedMarkup(title)}</h1>
<dl>${rows.join('')}</dl>
<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>
</header>
<main>
${sections.map(sectionHtml).join('\n')}
</main>
${HTML_END}`;
}

function sectionHtml(section: ReportSection, index: number): string {
  const { heading, text = [], tables = [], figures = [] } = section;
  const id = `s${index + 1}`;
  const isChart = ({ svg }: { readonly svg: string }) => !svg.includes('<image');
  const charts = figures.filter(isChart).map(({ svg }) => `<figure>${svg}</figure>`);
  const grids = figures.filter((figure) => !isChart(figure));
  return [
    `<section aria-labelledby="${id}">`,
    `<h2 id="${id}">${escapedMarkup(heading)}</h2>`,
    ...text.map((words) => `<p>${escapedMarkup(words)}</p>`),
    ...(charts.length > 0 ? [`<div class="charts">${charts.join('')}</div>`] : []),
    ...(tables.length > 0 ? [`<div class="tables">${tables.map(tableHtml).join('')}</div>`] : []),
    ...grids.map(({ svg }) => `<figure class="pictures" tabindex="0">${svg}</figure>`),
    '</section>',
  ].join('\n');
}

function tableHtml({ caption, header, rows }: ReportTable): string {
  const head = header.map((name) => `<th scope="col">${escapedMarkup(name)}</th>`).join('');
  const body = rows.map(([name = '', ...cells]) => {
    const figures = cells.map((cell) => `<td>${escapedMarkup(cell)}</td>`).join('');
    return `<tr><th scope="row">${escapedMarkup(name)}</th>${figures}</tr>`;
  });
  const words = escapedMarkup(caption);
  return `<div class="scroll" tabindex="0" role="region" aria-label="${words}"><table><caption>${words}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** @param figures  the folder of the figures, as linked from the document */
export function reportMarkdown({ title, facts, sections }: Report, figures: string): string {
  const parts = [
    `# ${inLine(title)}`,
    facts.map(([name, value]) => `- ${inLine(name)}: ${inLine(value)}`).join('\n'),
    ...sections.flatMap((section) => sectionParts(section, figures)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function sectionParts(section: ReportSection, folder: string): string[] {
  const { heading, text = [], tables = [], figures = [] } = section;
  return [
    `## ${inLine(heading)}`,
    ...text.map(inLine),
    ...tables.map(tableText),
    ...figures.map(({ name, title }) => `![${inLine(title)}](${folder}/${name}.svg)`),
  ];
}

function tableText({ caption, header, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(inCell).join(' | ')} |`;
  const rule = `| --- |${' ---: |'.repeat(header.length - 1)}`;
  return [`**${inLine(caption)}**\n`, line(header), rule, ...rows.map(line)].join('\n');
}

/** Escapes characters that mean something in Markdown or HTML. */
function inLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_[\]<>]/g, (character) => `\\${character}`);
}

function inCell(text: string): string {
  return inLine(text).replaceAll('|', '\\|');
}
