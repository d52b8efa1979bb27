// An evaluation: restores every picture under every noise with every contender, and measures the results. Or exports the
// pictures, so that other programs can be measured on them.
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.js';
import { encodePicture, PLAIN_TIFF } from '../image/index.js';
import { packageVersion } from '../plugin/package-version.js';
import { restoredName } from './measure/restorer.js';
import type { EvaluationResults } from './measure/results.js';
import type { PictureThumbnails } from './measure/thumbnails.js';
import { type NoiseLevel, noiseFolder } from './noise-level.js';
import { checkEvaluateOptions, type EvaluateOptions } from './options.js';
import { PAPER_COUNT, paperPlan } from './paper/paper-protocol.js';
import { type CleanPicture, noisyPair, readPictures } from './pictures.js';
import { gridPlan } from './plan.js';
import { runPlan } from './run-plan.js';

export interface Evaluation {
  readonly results: EvaluationResults;
  readonly shown: readonly PictureThumbnails[];
}

/**
 * Measures how well priors, methods and betas restore a folder of clean pictures under noise.
 *
 * @throws FlowDenoiseError for options, pictures, priors and engines; the signal's reason when aborted
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const started = performance.now();
  const { checked, pictures, plan } = await prepare(options);
  const { cells, noisy, shown, engine } = await runPlan(plan, pictures, checked);
  const { protocol, folder, seed, clip, crop, tileSize, overlap } = checked;
  const results: EvaluationResults = {
    format: 'flow-denoise-evaluation',
    version: 1,
    made: {
      with: `flow-denoise ${packageVersion()}, Node ${process.version}`,
      on: `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, ${process.platform}`,
      engine,
      date: new Date().toISOString(),
      seconds: Math.round((performance.now() - started) / 1000),
    },
    settings: {
      protocol,
      folder: folder.replaceAll('\\', '/'),
      seed,
      clip,
      crop: typeof crop === 'number' ? crop : `${crop.width}x${crop.height}`,
      tileSize,
      overlap,
    },
    pictures: pictures.map(({ name, width, height }) => ({ name, width, height })),
    levels: plan.levels,
    contenders: plan.contenders,
    noisy,
    cells,
  };
  return { results, shown };
}

async function prepare(options: EvaluateOptions) {
  const checked = checkEvaluateOptions(options);
  const { folder, protocol, crop, signal } = checked;
  const isPaper = protocol === 'paper';
  const count = checked.count ?? (isPaper ? PAPER_COUNT : undefined);
  const pictures = await readPictures(folder, { count, crop, signal });
  const plan = await (isPaper ? paperPlan : gridPlan)(checked, pictures.length);
  return { checked, pictures, plan };
}

export interface Exchange {
  readonly format: 'flow-denoise-exchange';
  readonly version: 1;
  /** Each noise, 8-bit units, with the folder of its noisy pictures. */
  readonly levels: readonly (NoiseLevel & { readonly folder: string })[];
  /** The file names, equal in all folders. */
  readonly pictures: readonly string[];
}

/**
 * Writes `clean/`, a folder for each noise (float TIFFs, samples in [0, 1] before noise) and exchange.json. `given` reads
 * restored pictures from folders with the same folder and file names.
 *
 * @throws FlowDenoiseError; the signal's reason when aborted
 */
export async function exportPictures(options: EvaluateOptions, folder: string): Promise<Exchange> {
  const { checked, pictures, plan } = await prepare(options);
  for (const [index, clean] of pictures.entries()) {
    checked.signal?.throwIfAborted();
    for (const [i, level] of plan.levels.entries()) {
      const { reference, noisy } = await noisyPair(clean, index, level, checked);
      // All noises of a run share one reference: a camera's does not depend on the ISO speed.
      if (i === 0) await writeFloats(join(folder, 'clean'), reference);
      await writeFloats(join(folder, noiseFolder(level)), noisy);
    }
  }
  const exchange: Exchange = {
    format: 'flow-denoise-exchange',
    version: 1,
    levels: plan.levels.map((level) => ({ ...level, folder: noiseFolder(level) })),
    pictures: pictures.map(({ name }) => restoredName(name)),
  };
  await writeFileAtomic(join(folder, 'exchange.json'), Buffer.from(`${JSON.stringify(exchange, null, 2)}\n`));
  return exchange;
}

async function writeFloats(folder: string, { name, ...picture }: CleanPicture): Promise<void> {
  const bytes = await encodePicture({
    name,
    picture,
    container: { ...PLAIN_TIFF, tags: [] },
    blocks: { exif: undefined, xmp: undefined, icc: undefined },
  });
  await writeFileAtomic(join(folder, restoredName(name)), bytes);
}
