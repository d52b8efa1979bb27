// Exports clean and noisy pictures as float TIFFs, so that other programs can be measured on them.

import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.js';
import { encodePicture, PLAIN_TIFF } from '../image/index.js';
import { readPictures } from './evaluation.js';
import { restoredName } from './measure/restorer.js';
import { type NoiseLevel, noiseFolder } from './noise-level.js';
import { checkEvaluateOptions, type EvaluateOptions } from './options.js';
import { paperPlan } from './paper/paper-protocol.js';
import type { CleanPicture } from './pictures.js';
import { gridPlan } from './plan.js';
import { noisyPair } from './run-plan.js';

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
  const checked = checkEvaluateOptions(options);
  const pictures = await readPictures(checked);
  const { levels } =
    checked.protocol === 'paper'
      ? await paperPlan(checked, pictures.length)
      : await gridPlan(checked, pictures.length);
  for (const [index, clean] of pictures.entries()) {
    checked.signal?.throwIfAborted();
    for (const [i, level] of levels.entries()) {
      const { reference, noisy } = await noisyPair(clean, index, level, checked);
      // All noises of a run share one reference: a camera's does not depend on the ISO speed.
      if (i === 0) await writeFloats(join(folder, 'clean', restoredName(clean.name)), reference);
      await writeFloats(join(folder, noiseFolder(level), restoredName(clean.name)), noisy);
    }
  }
  const exchange: Exchange = {
    format: 'flow-denoise-exchange',
    version: 1,
    levels: levels.map((level) => ({ ...level, folder: noiseFolder(level) })),
    pictures: pictures.map(({ name }) => restoredName(name)),
  };
  await writeFileAtomic(join(folder, 'exchange.json'), Buffer.from(`${JSON.stringify(exchange, null, 2)}\n`));
  return exchange;
}

async function writeFloats(path: string, { name, ...picture }: CleanPicture): Promise<void> {
  const bytes = await encodePicture({
    name,
    picture,
    container: { ...PLAIN_TIFF, tags: [] },
    blocks: { exif: undefined, xmp: undefined, icc: undefined },
  });
  await writeFileAtomic(path, bytes);
}
