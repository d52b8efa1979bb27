// training.html: curves, denoised validation crops, and samples, on one page that loads nothing.
import sharp from 'sharp';
import { mean, psnr } from '../../core/metrics/index.js';
import { plural, short, timeWords } from '../../core/printable.js';
import { type LineChart, lineChart, type Series } from '../../figure/line-chart.js';
import { escapedMarkup, HTML_END, htmlHead } from '../../figure/markup.js';
import type {
  FlowSamples,
  StepRecord,
  TrainingRecord,
  ValidationCrop,
  ValidationRecord,
} from '../progress.js';

type LoggedValidation = Omit<ValidationRecord, 'crops' | 'samples'>;
/** A record as the log has it, without pixels. */
export type LoggedRecord = Exclude<TrainingRecord, ValidationRecord> | LoggedValidation;

export interface TrainingPage {
  readonly title: string;
  /** Rows of a table: what is trained, on what, how. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Of all sessions. */
  readonly records: readonly LoggedRecord[];
  /** This session's last validation, with its pictures; undefined before the first. */
  readonly latest: ValidationRecord | undefined;
  /** Whether the page will be written again; then the browser reloads it every minute. */
  readonly isRunning: boolean;
}

const RELOAD_SECONDS = 60;
/** The start of a long curve is left out: an untrained flow's values would flatten the rest. */
const BEGINNING = 0.02;
const LONG = 200;
/** The mean time of a step is that of this many last ones. */
const RECENT = 100;
/** No more than an eye can tell apart. */
const MOST_POINTS = 300;

export async function trainingPage(page: TrainingPage): Promise<string> {
  const { title, facts, records, latest, isRunning } = page;
  const steps = records.filter((record): record is StepRecord => record.kind === 'step');
  const validations = records.filter((record): record is LoggedValidation => record.kind === 'validation');
  const now = new Date();
  const at = `<time datetime="${now.toISOString()}">${now.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'short' })}</time>`;
  const state = isRunning ? 'Written at the last validation, renewed at the next.' : 'Training has ended.';
  const reloadSeconds = isRunning ? RELOAD_SECONDS : undefined;
  return `${htmlHead({ title: `Training ${title}`, style, reloadSeconds })}<header>
<h1>Training ${escapedMarkup(title)}</h1>
<p class="quiet">${at}, step ${steps.at(-1)?.step ?? 0}. ${state}</p>
${totals(steps, validations.at(-1), isRunning)}
${troubles(steps)}
</header>
<main>
${charts(steps, validations, facts)}
${latest ? await cropsSection(latest.crops) : ''}
${latest?.samples ? await samplesSection(latest.samples) : ''}
</main>
${HTML_END}`;
}

function totals(
  steps: readonly StepRecord[],
  validation: LoggedValidation | undefined,
  isRunning: boolean,
): string {
  const { step = 0, secondsLeft } = steps.at(-1) ?? {};
  const perStep = mean(steps.slice(-RECENT).map(({ seconds }) => seconds));
  const numbers: readonly (readonly [name: string, value: string | undefined])[] = [
    ['steps', step.toLocaleString('en-GB')],
    ['of training', validation && timeWords(validation.seconds)],
    ['left', isRunning && secondsLeft !== undefined ? timeWords(secondsLeft) : undefined],
    ['a step', Number.isFinite(perStep) ? `${perStep.toFixed(2)} s` : undefined],
    ['bits per dimension', validation?.bitsPerDimension.toFixed(3)],
    ...(validation?.psnr ?? []).map(
      ({ sigma255, noisy, denoised }) =>
        [`dB at sigma ${short(sigma255)}, from ${noisy.toFixed(2)}`, denoised.toFixed(2)] as const,
    ),
  ];
  const items = numbers.flatMap(([name, value]) =>
    value === undefined ? [] : `<li><strong>${value}</strong> ${name}</li>`,
  );
  return `<ul class="totals">${items.join('')}</ul>`;
}

function troubles(steps: readonly StepRecord[]): string {
  const skipped = steps.filter((step) => step.skipped !== undefined).length;
  const restored = steps.filter((step) => step.restored).length;
  if (skipped === 0) return '';
  const back = restored > 0 ? `, and went back to a snapshot ${plural(restored, 'time')}` : '';
  return `<p class="notice">Training learned nothing from ${plural(skipped, 'step')} that had gone wrong${back}.</p>`;
}

/** A quantity from step `from` on, without skipped steps and values that are not finite: means over runs of equal length. */
export function batchPoints(
  steps: readonly StepRecord[],
  what: 'loss' | 'bitsPerDimension' | 'denoisingError' | 'rate',
  from = 0,
): (readonly [x: number, y: number])[] {
  const shown = steps.filter(({ step, skipped }) => skipped === undefined && step >= from);
  const length = Math.ceil(shown.length / MOST_POINTS);
  const points: [number, number][] = [];
  for (let begin = 0; begin < shown.length; begin += length) {
    const run = shown.slice(begin, begin + length).filter((step) => Number.isFinite(step[what]));
    if (run.length > 0)
      points.push([mean(run.map(({ step }) => step)), mean(run.map((step) => step[what] ?? 0))]);
  }
  return points;
}

function charts(
  steps: readonly StepRecord[],
  validations: readonly LoggedValidation[],
  facts: TrainingPage['facts'],
): string {
  const last = steps.at(-1)?.step ?? 0;
  const from = last > LONG ? Math.round(last * BEGINNING) : 0;
  const seen = validations.filter(({ step }) => step >= from);
  const batches = (what: Parameters<typeof batchPoints>[1], first = from): Series => ({
    name: 'batches',
    points: batchPoints(steps, what, first),
  });
  const bits = seen.map(({ step, bitsPerDimension }) => [step, bitsPerDimension] as const);
  const sigmas = [...new Set(validations.flatMap(({ psnr }) => psnr.map(({ sigma255 }) => sigma255)))];
  const denoised = sigmas.map((sigma255): Series => {
    const points = validations.flatMap(({ step, psnr }) =>
      psnr.flatMap((row) => (row.sigma255 === sigma255 ? [[step, row.denoised] as const] : [])),
    );
    return { name: `sigma ${short(sigma255)}`, points };
  });
  const drawn: Omit<LineChart, 'xLabel'>[] = [
    { title: 'Loss', yLabel: 'the objective that is minimised', series: [batches('loss')] },
    {
      title: 'Bits per dimension',
      yLabel: 'lower is better',
      // Batches first, so that the validations are drawn over their many points.
      series: [batches('bitsPerDimension'), { name: 'validation', points: bits }],
    },
    { title: 'PSNR of the validation crops', yLabel: 'dB, higher is better', series: denoised },
    {
      title: 'Error of the noise that the flow sees',
      yLabel: 'mean square, in units of the noise; lower is better',
      yScale: 'log',
      series: [batches('denoisingError')],
    },
    { title: 'Rate', yLabel: "Adam's rate", series: [{ ...batches('rate', 0), name: 'rate' }] },
  ];
  const figures = drawn
    .filter(({ series }) => series.some(({ points }) => points.length > 0))
    .map((chart) => `<div>${lineChart({ ...chart, xLabel: 'step', width: 620, height: 320 })}</div>`);
  const leftOut =
    from > 0 ? ` The first ${from} steps are left out of loss, bits per dimension and error.` : '';
  return `<section aria-labelledby="curves"><h2 id="curves">Curves</h2>
<p class="quiet">Of the batches: means over stretches of steps.${leftOut}</p>
<div class="charts">${[...figures, factsCard(facts)].join('\n')}</div></section>`;
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
  const images = Object.entries({ noisy, denoised, clean }).map(([name, pixels]) =>
    image(pixels, size, `${name}, sigma ${sigma255}`),
  );
  const [before, after] = [noisy, denoised].map((pixels) =>
    psnr(Float32Array.from(clean), Float32Array.from(pixels), 255).toFixed(2),
  );
  return `<figure><div class="triple">${(await Promise.all(images)).join('')}</div>
<figcaption><span>noisy ${before}</span><span>denoised ${after}</span><span>clean</span></figcaption></figure>`;
}

async function samplesSection({ size, temperature, pictures }: FlowSamples): Promise<string> {
  const images = pictures.map((pixels, index) => image(pixels, size, `sample ${index + 1}`));
  return `<section aria-labelledby="samples"><h2 id="samples">Samples</h2>
<p class="quiet">Pictures drawn from the flow: Gaussian latents of standard deviation ${temperature}, run backwards.</p>
<div class="card samples">${(await Promise.all(images)).join('')}</div></section>`;
}

async function image(pixels: Uint8Array, size: number, alt: string): Promise<string> {
  const png = await sharp(pixels, { raw: { width: size, height: size, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toBuffer();
  return `<img src="data:image/png;base64,${png.toString('base64')}" alt="${alt}" width="${size}" height="${size}">`;
}

function factsCard(facts: TrainingPage['facts']): string {
  const rows = Object.entries(facts).map(
    ([name, value]) =>
      `<tr><th scope="row">${escapedMarkup(name)}</th><td>${escapedMarkup(String(value))}</td></tr>`,
  );
  return `<div><h3>What is trained</h3><table><tbody>${rows.join('')}</tbody></table></div>`;
}

const style = `
:root { --widest: 1480px; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .25rem; }
h3 { font-size: .9rem; font-weight: 600; margin: 1rem 0 .4rem; }
:is(.card, .charts > div) > h3:first-child { margin-top: 0; }
.quiet { max-width: 68rem; }
.notice { border-left: 3px solid var(--warn); padding-left: .75rem; margin: .75rem 0; font-size: .9rem; }
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
table { font-variant-numeric: tabular-nums; }
tr:last-child > * { border-bottom: 0; }
@media print {
  .charts > div, .card, figure { break-inside: avoid; }
}
`;
