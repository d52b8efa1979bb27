// training.html: how a training goes, as one page that asks nothing of any network. Curves, what the flow makes of fixed
// validation crops, and pictures drawn from it. Pure but for the encoding of its pictures; training-report.ts writes it.

import sharp from 'sharp';
import { psnr } from '../../core/metrics/index.js';
import { plural } from '../../core/printable.js';
import { HTML_END, htmlHead } from '../../figure/html-page.js';
import { type LineChart, lineChart, type Series } from '../../figure/line-chart.js';
import { escapedMarkup } from '../../figure/markup.js';
import { timeWords } from '../../figure/time-words.js';
import type { FlowSamples, ValidationCrop, ValidationRecord } from '../progress.js';
import type { TrainingCurves } from './training-curves.js';
import { style } from './training-page-style.js';

export interface TrainingPage {
  /** Of the prior. */
  readonly title: string;
  /** What is trained, on what, how: rows of a table. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly curves: TrainingCurves;
  /** The last validation with its pictures; undefined until there is one in this session. */
  readonly latest: ValidationRecord | undefined;
  /** Whether the page is going to be written again: then it asks for itself anew every minute. */
  readonly isRunning: boolean;
}

const RELOAD_SECONDS = 60;
/** What an untrained flow scores would press the rest of its curve flat: it is left out of a long one. */
const BEGINNING = 0.02;
const LONG = 200;

/** @returns  the page, whole */
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

/** Noise levels may be the ends of a prior's range: 2.55000001. */
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
        // The batches first: they are many points, and the validations are to lie upon them.
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

/** Undefined where nothing was denoised: an unconditioned flow may have no such validation. */
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
