// training.html: curves, denoised validation crops, and samples, on one page that loads nothing.
import sharp from 'sharp';
import { psnr } from '../../core/metrics/index.js';
import { plural, timeWords } from '../../core/printable.js';
import { type LineChart, lineChart, type Series } from '../../figure/line-chart.js';
import { escapedMarkup, HTML_END, htmlHead } from '../../figure/markup.js';
import type { FlowSamples, ValidationCrop, ValidationRecord } from '../progress.js';
import type { TrainingCurves } from './training-curves.js';

interface TrainingPage {
  readonly title: string;
  /** Rows of a table: what is trained, on what, how. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly curves: TrainingCurves;
  /** This session's last validation, with its pictures; undefined before the first. */
  readonly latest: ValidationRecord | undefined;
  /** Whether the page will be written again; then the browser reloads it every minute. */
  readonly isRunning: boolean;
}

const RELOAD_SECONDS = 60;
/** The start of a long curve is left out: an untrained flow's values would flatten the rest. */
const BEGINNING = 0.02;
const LONG = 200;

export async function trainingPage(page: TrainingPage): Promise<string> {
  const { title, facts, curves, latest, isRunning } = page;
  const reloadSeconds = isRunning ? RELOAD_SECONDS : undefined;
  return `${htmlHead({ title: `Training ${title}`, style, reloadSeconds })}<header>
<h1>Training ${escapedMarkup(title)}</h1>
<p class="quiet">${stateWords(page)}</p>
${totals(page)}
${troubles(curves)}
</header>
<main>
${charts(curves, facts)}
${latest ? await cropsSection(latest.crops) : ''}
${latest?.samples ? await samplesSection(latest.samples) : ''}
</main>
${HTML_END}`;
}

function stateWords({ curves, isRunning }: TrainingPage): string {
  const now = new Date();
  const at = `<time datetime="${now.toISOString()}">${now.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' })}</time>`;
  const words = isRunning ? 'Written at the last validation, renewed at the next.' : 'Training has ended.';
  return `${at}, step ${curves.steps}. ${words}`;
}

function totals({ curves, isRunning }: TrainingPage): string {
  const last = curves.validations.at(-1);
  const numbers: readonly (readonly [name: string, value: string | undefined])[] = [
    ['steps', curves.steps.toLocaleString('en-GB')],
    ['of training', last && timeWords(last.seconds)],
    ['left', isRunning && curves.secondsLeft !== undefined ? timeWords(curves.secondsLeft) : undefined],
    ['a step', Number.isFinite(curves.secondsPerStep) ? `${curves.secondsPerStep.toFixed(2)} s` : undefined],
    ['bits per dimension', last?.bitsPerDimension.toFixed(3)],
    ...(last?.psnr ?? []).map(
      ({ sigma255, noisy, denoised }) =>
        [`dB at sigma ${short(sigma255)}, from ${noisy.toFixed(2)}`, denoised.toFixed(2)] as const,
    ),
  ];
  const items = numbers.flatMap(([name, value]) =>
    value === undefined ? [] : `<li><strong>${value}</strong> ${name}</li>`,
  );
  return `<ul class="totals">${items.join('')}</ul>`;
}

function troubles({ skipped, restored }: TrainingCurves): string {
  if (skipped === 0) return '';
  const back = restored > 0 ? `, and went back to a snapshot ${timesWords(restored)}` : '';
  return `<p class="notice">Training learned nothing from ${plural(skipped, 'step')} that had gone wrong${back}.</p>`;
}

/** Shortens noise levels such as 2.55000001, an end of a prior's range. */
function short(sigma255: number): number {
  return Number(sigma255.toPrecision(3));
}

function timesWords(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function charts(curves: TrainingCurves, facts: TrainingPage['facts']): string {
  const { validations } = curves;
  const from = curves.steps > LONG ? Math.round(curves.steps * BEGINNING) : 0;
  const seen = validations.filter(({ step }) => step >= from);
  const drawn: (Omit<LineChart, 'xLabel'> | undefined)[] = [
    {
      title: 'Loss',
      yLabel: 'the objective that is minimised',
      series: [{ name: 'batches', points: curves.batches('loss', from) }],
    },
    {
      title: 'Bits per dimension',
      yLabel: 'lower is better',
      series: [
        // Batches first, so that the validations are drawn over their many points.
        { name: 'batches', points: curves.batches('bitsPerDimension', from) },
        {
          name: 'validation',
          points: seen.map(({ step, bitsPerDimension }) => [step, bitsPerDimension] as const),
        },
      ],
    },
    psnrChart(curves),
    errorChart(curves, from),
    {
      title: 'Rate',
      yLabel: "Adam's rate",
      series: [{ name: 'rate', points: curves.batches('rate') }],
    },
  ];
  const figures = drawn.flatMap((chart) =>
    chart ? `<div>${lineChart({ ...chart, xLabel: 'step', width: 620, height: 320 })}</div>` : [],
  );
  const leftOut =
    from > 0 ? ` The first ${from} steps are left out of loss, bits per dimension and error.` : '';
  return `<section aria-labelledby="curves"><h2 id="curves">Curves</h2>
<p class="quiet">Of the batches: means over stretches of steps.${leftOut}</p>
<div class="charts">${[...figures, factsCard(facts)].join('\n')}</div></section>`;
}

/** Undefined if nothing was denoised, as with some unconditioned flows. */
function psnrChart({ validations }: TrainingCurves): Omit<LineChart, 'xLabel'> | undefined {
  const sigmas = [...new Set(validations.flatMap(({ psnr }) => psnr.map(({ sigma255 }) => sigma255)))];
  if (sigmas.length === 0) return undefined;
  const series = sigmas.map((sigma255): Series => {
    const points = validations.flatMap(({ step, psnr }) =>
      psnr.flatMap((row) => (row.sigma255 === sigma255 ? [[step, row.denoised] as const] : [])),
    );
    return { name: `sigma ${short(sigma255)}`, points };
  });
  return { title: 'PSNR of the validation crops', yLabel: 'dB, higher is better', series };
}

function errorChart(curves: TrainingCurves, from: number): Omit<LineChart, 'xLabel'> | undefined {
  const points = curves.batches('denoisingError', from);
  if (points.length === 0) return undefined;
  return {
    title: 'Error of the noise that the flow sees',
    yLabel: 'mean square, in units of the noise; lower is better',
    yScale: 'log',
    series: [{ name: 'batches', points }],
  };
}

async function cropsSection(crops: readonly ValidationCrop[]): Promise<string> {
  if (crops.length === 0) return '';
  const sigmas = [...new Set(crops.map(({ sigma255 }) => sigma255))].sort((a, b) => a - b);
  const groups = sigmas.map(async (sigma255) => {
    const group = crops.filter((crop) => crop.sigma255 === sigma255);
    const figures = await Promise.all(group.map(cropFigure));
    return `<h3>sigma ${short(sigma255)}</h3>\n<div class="crops">${figures.join('\n')}</div>`;
  });
  return `<section aria-labelledby="crops"><h2 id="crops">Validation crops</h2>
<p class="quiet">Always the same, from pictures that are not trained on. Under each its PSNR in dB.</p>
<div class="card">${(await Promise.all(groups)).join('\n')}</div></section>`;
}

async function cropFigure({ size, sigma255, noisy, denoised, clean }: ValidationCrop): Promise<string> {
  const words = { noisy, denoised, clean };
  const images = Object.entries(words).map(async ([name, pixels]) => {
    const url = await dataUrl(pixels, size);
    return `<img src="${url}" alt="${name}, sigma ${sigma255}" width="${size}" height="${size}">`;
  });
  const [before, after] = [noisy, denoised].map((pixels) =>
    psnr(Float32Array.from(clean), Float32Array.from(pixels), 255).toFixed(2),
  );
  return `<figure><div class="triple">${(await Promise.all(images)).join('')}</div>
<figcaption><span>noisy ${before}</span><span>denoised ${after}</span><span>clean</span></figcaption></figure>`;
}

async function samplesSection({ size, temperature, pictures }: FlowSamples): Promise<string> {
  const images = pictures.map(async (pixels, index) => {
    const url = await dataUrl(pixels, size);
    return `<img src="${url}" alt="sample ${index + 1}" width="${size}" height="${size}">`;
  });
  return `<section aria-labelledby="samples"><h2 id="samples">Samples</h2>
<p class="quiet">Pictures drawn from the flow: Gaussian latents of standard deviation ${temperature}, run backwards.</p>
<div class="card samples">${(await Promise.all(images)).join('')}</div></section>`;
}

function factsCard(facts: TrainingPage['facts']): string {
  const rows = Object.entries(facts).map(
    ([name, value]) =>
      `<tr><th scope="row">${escapedMarkup(name)}</th><td>${escapedMarkup(String(value))}</td></tr>`,
  );
  return rows.length === 0
    ? ''
    : `<div><h3>What is trained</h3><table><tbody>${rows.join('')}</tbody></table></div>`;
}

async function dataUrl(pixels: Uint8Array, size: number): Promise<string> {
  const png = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

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
