// `--preview`: a part of a picture before and after, under several sigmas or betas, to choose by eye. Only that part is
// denoised; the noise is found in the whole picture.

import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import { FlowDenoiseError } from '../../core/errors.js';
import { readRegularFile, writeFileAtomic } from '../../core/files.js';
import type { Region, Samples, Size } from '../../core/picture.js';
import { printable, timeWords } from '../../core/printable.js';
import type { DenoiseCallOptions, DenoiseReport, Denoiser, NoiseReport } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { converted, type DecodedPicture, decodePicture, encodePicture } from '../../image/index.js';
import { checkLength, named } from '../../plugin/encoded-picture.js';
import { cutOut } from '../../tile/extract.js';
import type { CommandArguments } from '../arguments.js';
import { eachPicture, type RunContext, writeLine } from '../display/progress.js';
import { levelWords, percent, wayOf } from '../display/report.js';
import { readSigmaMap } from '../noise-flags.js';
import type { Job } from '../run/destination.js';
import { findInputs } from '../run/inputs.js';
import {
  type DisplayImage,
  detailRegion,
  ofRaw,
  openDisplayImage,
  type Raw,
  rawOf,
  shrunk,
  storedRegion,
} from './display-image.js';
import type { PreviewRequest } from './preview-options.js';
import { type Cell, isPreview, previewPicture } from './preview-picture.js';

/** Longest side of the copy that is used to choose the part. */
const COPY_SIDE = 1600;

type PreviewArguments = CommandArguments & { readonly preview: PreviewRequest };

/** Writes a preview of every picture, `a-preview.png` for `a.jpg`. Returns how many failed. @throws as `runCommand` */
export async function previewCommand(args: PreviewArguments, context: RunContext): Promise<number> {
  const { display, signal } = context;
  const { destination, json } = args;
  const { jobs, notes } = await findInputs(args.inputs, {
    ...destination,
    suffix: destination.file === undefined ? '-preview' : undefined,
    format: 'png',
  });
  for (const note of notes) display.say(note);
  const denoiser = await openDenoiser(args.opening);
  const write = async (job: Job) => {
    if (!destination.overwrite) await refuseForeign(job.output);
    const made = await makePreview(job, args, denoiser, signal);
    await writeFileAtomic(job.output, made.bytes, { signal });
    if (json) writeLine(JSON.stringify({ ...job, preview: made.told }));
    display.say(`${wayOf(job)}  ${made.words}`);
  };
  try {
    for (const sigma of args.preview.sigmas) checkSigma(sigma, denoiser, { name: '--sigma' });
    return await eachPicture(jobs, write, context, json);
  } finally {
    await denoiser.close();
  }
}

/** Only an earlier preview may be replaced. */
async function refuseForeign(path: string): Promise<void> {
  const isThere = await stat(path).catch(() => undefined);
  if (isThere && !(await isPreview(path)))
    throw new FlowDenoiseError(
      'WRITE_FAILED',
      `${path}: already exists and is not a preview; move it away, or pass --overwrite`,
    );
}

/** The picture, and what is told of it in words and in JSON. */
async function makePreview(
  { input }: Job,
  { preview, noise, sigmaMap, file }: PreviewArguments,
  denoiser: Denoiser,
  signal: AbortSignal,
) {
  const started = performance.now();
  checkLength((await stat(input)).size, input, file.maxBytes);
  const bytes = await readRegularFile(input, { signal });
  const decoded = await decodePicture(bytes, printable(input), { maxPixels: file.maxPixels });
  const { region, shown } = await placeOf(preview.part, bytes, decoded);
  const map = await readSigmaMap(sigmaMap);
  // With strength 0, the noise is found and nothing is denoised.
  const finds = { ...noise, signal, sigma: 'auto', strength: 0 } as const;
  const denoise = (options: DenoiseCallOptions) =>
    denoiser.denoise(decoded.picture, options).catch(named(decoded.name));
  const finding = map.sigmaMap ? undefined : (await denoise(finds)).report.noise;
  const view = (data: Samples) => asShown(decoded, data, region);
  const noisy: Cell = { label: 'noisy', pixels: await view(cutOut(decoded.picture, region).data) };
  const tellsBeta = preview.betas.some((each) => each !== 'auto');
  const cellOf = async (sigma: number | 'auto', beta: number | 'auto') => {
    const options = { ...noise, ...map, signal, region, sigma, beta };
    const { data, report } = await denoise(options);
    return { label: labelOf(report, tellsBeta, noise.strength), pixels: await view(data), report };
  };
  // All at once, since they share the engine's threads.
  const made = await Promise.all(
    preview.betas.map((beta) => Promise.all(preview.sigmas.map((sigma) => cellOf(sigma, beta)))),
  );
  const isGrid = preview.sigmas.length > 1 && preview.betas.length > 1;
  const rows = (isGrid ? made : [made.flat()]).map((row): Cell[] => [noisy, ...row]);
  const order = `left to right: ${(rows[0] ?? []).map(({ label }) => label).join(', ')}`;
  const lines = isGrid ? `; top to bottom: beta ${preview.betas.join(', ')}` : '';
  const where = `${shown.width} x ${shown.height} at ${shown.left}, ${shown.top}`;
  const found = finding ? `; ${findingWords(finding)}` : '';
  return {
    bytes: await previewPicture(rows, `${where} of ${printable(input)}; ${order}${lines}`),
    words: `${where}; ${order}${lines}${found}; ${timeWords((performance.now() - started) / 1000)}`,
    told: { region: shown, noise: finding, cells: made.flat().map(({ report }) => report) },
  };
}

/** The part in the file, and as `shown` upright. @throws FlowDenoiseError UNSUPPORTED_IMAGE for one beyond the picture's edge */
async function placeOf(part: PreviewRequest['part'], bytes: Buffer, { name, picture }: DecodedPicture) {
  const { orientation = 1 } = await sharp(bytes, { limitInputPixels: false }).metadata();
  const upright = await openDisplayImage(bytes);
  const shown = 'left' in part ? part : await mostTelling(upright, part);
  if (shown.left + shown.width > upright.width || shown.top + shown.height > upright.height)
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      `${name}: Expected a part of its ${upright.width} x ${upright.height} pixels for --preview but received ` +
        `${shown.width} x ${shown.height} at ${shown.left}, ${shown.top}`,
    );
  return { region: storedRegion(shown, orientation, picture), shown };
}

/** Chosen as for the report's detail, with a smoothed copy instead of the result. */
async function mostTelling(upright: DisplayImage, size: Size): Promise<Region> {
  const copy = await shrunk(upright, COPY_SIDE);
  const { data } = await rawOf(ofRaw(copy).blur(1.5));
  return detailRegion(copy, { ...copy, data }, upright, size);
}

/** A part's samples as displayed: with the file's profile and orientation, in 8 bits. */
async function asShown(decoded: DecodedPicture, data: Samples, { width, height }: Region): Promise<Raw> {
  const { channels } = decoded.picture;
  const part = { ...decoded, picture: { data, width, height, channels } };
  const format = data instanceof Float32Array ? 'tiff' : 'png';
  const { open, hasAlpha } = await openDisplayImage(await encodePicture(converted(part, { format })));
  return rawOf(hasAlpha ? open().ensureAlpha() : open().removeAlpha());
}

function labelOf({ noise, isUnchanged, beta }: DenoiseReport, tellsBeta: boolean, strength: number): string {
  const { sigma, gain, isEstimated } = noise;
  const sensor = gain === undefined ? '' : `gain ${round3(gain)} `;
  const auto = isEstimated ? ' auto' : '';
  const clean = isUnchanged && strength > 0 ? ' clean' : '';
  const weight = tellsBeta && beta !== undefined ? ` beta ${round3(beta)}` : '';
  return `${sensor}sigma ${round3(sigma)}${auto}${clean}${weight}`;
}

function findingWords(noise: NoiseReport): string {
  if (!noise.isEstimated) return `given: ${levelWords(noise)}`;
  return `found in the whole picture: ${levelWords(noise)}, confidence ${percent(noise.confidence)} (${noise.why})`;
}

const round3 = (value: number): number => Number(value.toPrecision(3));
