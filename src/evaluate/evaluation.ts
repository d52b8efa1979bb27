// An evaluation: restores every picture under every noise with every contender, and measures the results.
import { availableParallelism, cpus } from 'node:os';
import { packageVersion } from '../plugin/package-version.js';
import type { EvaluationResults } from './measure/results.js';
import type { PictureThumbnails } from './measure/thumbnails.js';
import { type CheckedEvaluateOptions, checkEvaluateOptions, type EvaluateOptions } from './options.js';
import { PAPER_COUNT, paperPlan } from './paper/paper-protocol.js';
import { type CleanPicture, findPictures, readClean } from './pictures.js';
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
  const checked = checkEvaluateOptions(options);
  const started = performance.now();
  const pictures = await readPictures(checked);
  const plan =
    checked.protocol === 'paper'
      ? await paperPlan(checked, pictures.length)
      : await gridPlan(checked, pictures.length);
  const { cells, noisy, shown, engine } = await runPlan(plan, pictures, checked);
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
    settings: settingsOf(checked),
    pictures: pictures.map(({ name, width, height }) => ({ name, width, height })),
    levels: plan.levels,
    contenders: plan.contenders,
    noisy,
    cells,
  };
  return { results, shown };
}

export async function readPictures(options: CheckedEvaluateOptions): Promise<readonly CleanPicture[]> {
  const { folder, crop, protocol, signal } = options;
  const names = await findPictures(folder);
  const { count = protocol === 'paper' ? PAPER_COUNT : names.length } = options;
  const pictures: CleanPicture[] = [];
  for (const name of names.slice(0, count)) {
    signal?.throwIfAborted();
    pictures.push(await readClean(folder, name, crop));
  }
  return pictures;
}

function settingsOf(options: CheckedEvaluateOptions): EvaluationResults['settings'] {
  const { protocol, folder, seed, clip, crop, tileSize, overlap } = options;
  const size = typeof crop === 'number' ? crop : `${crop.width}x${crop.height}`;
  return { protocol, folder: folder.replaceAll('\\', '/'), seed, clip, crop: size, tileSize, overlap };
}
