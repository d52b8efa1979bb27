// The HTML of the --report page: totals, failures, and an article for each picture. All names and messages are escaped by
// `escaped`.

import { sum } from '../../core/metrics/index.js';
import { AUTO_PRIOR } from '../../core/model/find-prior.js';
import type { Region, Size } from '../../core/picture.js';
import { plural, printable, timeWords } from '../../core/printable.js';
import type { Approach, Denoiser } from '../../denoiser/denoiser.js';
import { escapedMarkup, HTML_END, htmlHead } from '../../figure/markup.js';
import type { PictureReport } from '../../plugin/encoded-picture.js';
import { type errorJson, noiseWords, percent, tileDoubts, withoutName } from '../display/report.js';
import type { Job } from '../run/destination.js';
import { approachWords } from '../run/plan.js';
import type { PreviewPair, Previews } from './html-report-previews.js';
import { script, style } from './html-report-script.js';

/** What the page's head needs of a picture. It is small, because it is kept until the end. */
export type Entry = { readonly job: Job } & (
  | { readonly report: PictureReport; readonly megapixels: number; readonly error?: undefined }
  | { readonly error: ReturnType<typeof errorJson>; readonly report?: undefined }
);

export interface PageFacts {
  readonly entries: readonly Entry[];
  readonly denoiser: Pick<Denoiser, 'prior' | 'engine' | 'method' | 'ensemble' | 'scales'>;
  readonly strength: number;
  readonly started: Date;
  readonly seconds: number;
}

/** Escapes text for an element or a quoted attribute; one line, one direction, as in messages. */
export function escaped(text: string): string {
  return escapedMarkup(printable(text));
}

/** Tells a report from other pages. */
export const HEADING = '<h1>flow-denoise report</h1>';

/** From the doctype to the first picture. */
export function pageHead({ entries, denoiser, strength, started, seconds }: PageFacts): string {
  const title = `Denoised: ${plural(entries.length, 'picture')}, ${dateWords(started)}`;
  return `${htmlHead({ title, style, script })}<header>
${HEADING}
<p class="quiet"><time datetime="${started.toISOString()}">${dateWords(started)}</time></p>
${totals(entries, seconds)}
${facts([
  ['Method', methodOf(denoiser)],
  ['Prior', denoiser.prior === AUTO_PRIOR ? 'chosen for each picture' : escaped(denoiser.prior)],
  ['Engine', escaped(denoiser.engine.name) + quiet(escaped(denoiser.engine.why))],
  ['Strength', strength !== 1 && String(strength)],
])}
${failures(entries)}
${overview(entries)}
<p class="hint"><strong>Before | after:</strong> drag the divider, or <kbd>Tab</kbd> to it and use <kbd>←</kbd> <kbd>→</kbd>
<kbd>Home</kbd> <kbd>End</kbd>. <strong>Zoom:</strong> <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd>, double click, pinch or
<kbd>Ctrl</kbd> + wheel; then drag the picture, or <kbd>Shift</kbd> + arrows.</p>
</header>
<main>
`;
}

export const PAGE_END = `</main>\n${HTML_END}`;

export function articleOf(
  number: number,
  { input, output }: Job,
  report: PictureReport,
  previews: Previews | Error,
): string {
  const name = escaped(input);
  return `<article id="p${number}" aria-labelledby="n${number}">
<h2 id="n${number}">${name} ${report.isUnchanged ? '<span class="badge">left unchanged</span>' : ''}</h2>
<p class="quiet path">${escaped(output)}</p>
<div class="columns">
${picturesOf(previews, name)}
<div class="facts">
${facts(pictureFacts(report, previews))}
${tileDoubts(report).map(notice).join('')}
${list('Not kept', report.file.notKept) || '<p class="quiet">Nothing of the file was lost.</p>'}
${list('Kept', report.file.kept)}
</div>
</div>
</article>
`;
}

const notice = (html: string) => `<p class="notice">${html}</p>`;
const quiet = (html: string) => ` <span class="quiet">${html}</span>`;

function picturesOf(previews: Previews | Error, name: string): string {
  if (previews instanceof Error) return notice(`No preview could be made (${escaped(previews.message)}).`);
  const { whole, detail } = previews;
  const spot = detail ? spotOf(detail.region, previews) : '';
  const main = viewer(whole, name, `${name}, whole picture`, spot);
  if (detail === undefined) return `<div class="pictures">${main}</div>`;
  const part = viewer(detail.pair, name, `${name}, detail`, '');
  return `<div class="pictures">${main}</div>
<div class="detail"><h3>Detail: ${detail.region.width} × ${detail.region.height} of its pixels</h3>${part}</div>`;
}

function viewer(
  { width, height, before, after }: PreviewPair,
  name: string,
  label: string,
  spot: string,
): string {
  const size = `width="${width}" height="${height}" decoding="async" draggable="false"`;
  const isSmall = Math.max(width, height) < 400 ? ' small' : '';
  if (after === undefined)
    return `<div class="viewer${isSmall}"><div class="stage"><img src="${before}" alt="${name}" ${size}></div></div>`;
  return `<div class="viewer${isSmall}" data-compare>
<div class="stage">
<div class="layer before"><img src="${before}" alt="before: ${label}" ${size}></div>
<div class="layer after"><img src="${after}" alt="after: ${label}" ${size}></div>${spot}
<span class="tag" aria-hidden="true">before</span><span class="tag right" aria-hidden="true">after</span>
<div class="divider" role="slider" tabindex="0" aria-label="Divider between before and after: ${label}" aria-orientation="horizontal" aria-valuemin="0" aria-valuemax="100" aria-valuenow="50" aria-valuetext="50% before"></div>
</div>
<div class="tools" role="group" aria-label="View of ${label}">
<button type="button" data-at="100">Before</button><button type="button" data-at="50">Both</button><button type="button" data-at="0">After</button>
<span class="gap"></span>
<button type="button" data-zoom="0.5" aria-label="Zoom out" disabled>−</button><output aria-live="polite">1×</output><button type="button" data-zoom="2" aria-label="Zoom in">+</button>
</div>
</div>`;
}

/** The place of the detail, for the script to draw, since the policy allows no style attribute. */
function spotOf(region: Region, { width, height }: Size): string {
  const shares = [region.left / width, region.top / height, region.width / width, region.height / height];
  return `<div class="layer spot" data-spot="${shares.map((share) => share.toFixed(4)).join(' ')}"><i></i></div>`;
}

/** A fact without HTML is left out. */
type Fact = readonly [name: string, html: string | false];

function facts(all: readonly Fact[]): string {
  const rows = all.flatMap(([name, html]) => (html ? `<div><dt>${name}</dt><dd>${html}</dd></div>` : []));
  return `<dl>${rows.join('')}</dl>`;
}

function pictureFacts(report: PictureReport, previews: Previews | Error): Fact[] {
  const { noise, seconds, engine, prior, priorChoice, beta, tiles, evaluations, isUnchanged } = report;
  const { width, height } = previews instanceof Error ? { width: 0, height: 0 } : previews;
  const megapixels = (width * height) / 1e6;
  const isWork = !isUnchanged;
  const pace = isWork && megapixels > 0 ? quiet(`${(seconds / megapixels).toFixed(1)} s/MP`) : '';
  return [
    ['Size', megapixels > 0 && `${width} × ${height}${quiet(`${megapixels.toFixed(2)} MP`)}`],
    ['Noise', escaped(noiseWords(noise)) + quiet(escaped(noise.why))],
    ['Confidence', noise.confidence !== undefined && percent(noise.confidence)],
    ['Time', timeWords(seconds) + pace],
    ['Method', isWork && methodOf(report)],
    ['Beta', isWork && beta !== undefined && String(Number(beta.toPrecision(3)))],
    ['Prior', escaped(prior) + (priorChoice ? quiet(escaped(priorChoice.why)) : '')],
    ['Engine', escaped(engine)],
    ['Tiles', isWork && tiles + quiet(plural(evaluations, 'evaluation'))],
  ];
}

const methodOf = (approach: Approach) => approachWords(approach).replace(/^the /, '');

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return '';
  const rows = items.map((item) => `<li>${escaped(item)}</li>`).join('');
  const isOpen = title === 'Not kept';
  return `<details${isOpen ? ' open' : ''}><summary>${title} (${items.length})</summary><ul>${rows}</ul></details>`;
}

function totals(entries: readonly Entry[], seconds: number): string {
  const done = entries.flatMap((entry) => (entry.report ? entry : []));
  const changed = done.filter(({ report }) => !report.isUnchanged);
  const sigmas = changed.map(({ report }) => report.sigma);
  const [least, most] = [Math.min(...sigmas).toFixed(1), Math.max(...sigmas).toFixed(1)];
  const megapixels = sum(done.map(({ megapixels }) => megapixels));
  const failed = entries.length - done.length;
  const numbers: readonly Fact[] = [
    ['denoised', String(changed.length)],
    ['left unchanged', changed.length < done.length && String(done.length - changed.length)],
    ['failed', failed > 0 && String(failed)],
    ['in all', timeWords(seconds)],
    ['megapixels', megapixels.toFixed(megapixels < 10 ? 2 : 0)],
    ['sigma', sigmas.length > 0 && (least === most ? least : `${least} to ${most}`)],
  ];
  const items = numbers.flatMap(([name, value]) =>
    value ? `<li${name === 'failed' ? ' class="bad"' : ''}><strong>${value}</strong> ${name}</li>` : [],
  );
  return `<ul class="totals">${items.join('')}</ul>`;
}

function failures(entries: readonly Entry[]): string {
  const rows = entries.flatMap(({ job, error }) =>
    error
      ? `<li><strong>${escaped(job.input)}</strong> <code>${escaped(error.code)}</code><br>${escaped(withoutName(error.message, job.input))}</li>`
      : [],
  );
  if (rows.length === 0) return '';
  return `<section class="failures" aria-labelledby="failed"><h2 id="failed">Failed</h2><ul>${rows.join('')}</ul></section>`;
}

const FEW = 12;

function overview(entries: readonly Entry[]): string {
  if (entries.length < 2) return '';
  const rows = entries.map(({ job, report }, index) => {
    const name = escaped(job.input);
    if (report === undefined)
      return `<tr><td><a href="#failed">${name}</a></td><td colspan="2">failed</td></tr>`;
    const what = report.isUnchanged ? 'left unchanged' : escaped(noiseWords(report.noise));
    return `<tr><td><a href="#p${index + 1}">${name}</a></td><td>${what}</td><td>${timeWords(report.seconds)}</td></tr>`;
  });
  return `<details class="overview"${entries.length <= FEW ? ' open' : ''}><summary>All ${plural(entries.length, 'picture')}</summary>
<table><thead><tr><th scope="col">Picture</th><th scope="col">Noise</th><th scope="col">Time</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></details>`;
}

function dateWords(date: Date): string {
  return date.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' });
}
