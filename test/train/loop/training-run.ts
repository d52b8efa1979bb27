// Trainings of a flow so small that they take seconds on plain JavaScript: pictures, settings, the loop, what it told.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Architecture } from '#src/core/flow/architecture.js';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { openCrops } from '#src/train/data/crops.js';
import type { Checkpoint } from '#src/train/loop/checkpoint.js';
import { runTraining } from '#src/train/loop/trainer.js';
import type { TrainingSettings } from '#src/train/options.js';
import type { StepRecord, TrainingRecord } from '#src/train/progress.js';
import { temporaryFolder, writeFiles } from '../data/training-pictures.js';

const temporary = await temporaryFolder();
export const removePlaces = () => temporary.remove();

/** A name below a folder that goes at the end; another one at every call. */
export const newPlace = (name: string) => join(temporary.folder, `${name}-${randomBytes(4).toString('hex')}`);

/** A smooth picture in colour with an edge, another one for each seed. */
async function smoothPicture(seed: number): Promise<Buffer> {
  const normal = gaussianGenerator(seed);
  const coarse = Uint8ClampedArray.from(
    { length: 8 * 8 * 3 },
    (_, i) => 128 + 55 * normal() - (i < 96 ? 60 : 0),
  );
  return sharp(coarse, { raw: { width: 8, height: 8, channels: 3 } })
    .resize(64, 64, { kernel: 'cubic' })
    .png()
    .toBuffer();
}

/** A folder of real pictures. */
export async function pictureFolder(count = 6, firstSeed = 1): Promise<string> {
  const folder = newPlace('pictures');
  const files: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) files[`${i}.png`] = await smoothPicture(firstSeed + i);
  await writeFiles(folder, files);
  return folder;
}

export const TINY: Architecture = {
  channels: 3,
  levels: [
    { steps: 1, width: 4, kernel: 1, splitWidth: 4 },
    { steps: 1, width: 4, kernel: 3 },
  ],
  scaleCap: 1,
  conditioning: { kind: 'log-sigma', features: 4 },
};

const folder = await pictureFolder();

export function tinySettings(changes: Partial<TrainingSettings>): TrainingSettings {
  return {
    name: 'tiny',
    folders: [folder],
    weights: undefined,
    output: newPlace('prior'),
    architecture: TINY,
    objective: 'denoising',
    sigmaRange: [2.5 / 255, 100 / 255],
    batch: 2,
    crop: 16,
    rate: 2e-3,
    steps: 10,
    minutes: undefined,
    seed: 1,
    sheetTile: undefined,
    augment: undefined,
    shrink: undefined,
    from: undefined,
    validateEvery: 1e9,
    checkpointEvery: 5,
    temperature: 0,
    ...changes,
  };
}

export interface Run {
  readonly records: TrainingRecord[];
  readonly error: unknown;
}

/** Trains in this thread, on the current backend; `onRecord` may tell it to stop by returning true. */
export async function runTiny(
  settings: TrainingSettings,
  checkpoint?: Checkpoint,
  onRecord: (record: TrainingRecord) => boolean | undefined | Promise<boolean | undefined> = () => false,
): Promise<Run> {
  const { crop, batch, seed } = settings;
  const crops = await openCrops({ folders: settings.folders, crop, batch, seed });
  const records: TrainingRecord[] = [];
  let isStopped = false;
  try {
    for await (const record of runTraining({ settings, crops, checkpoint, isStopped: () => isStopped })) {
      records.push(record);
      if (await onRecord(record)) isStopped = true;
    }
    return { records, error: undefined };
  } catch (error) {
    return { records, error };
  } finally {
    await crops.close();
  }
}

export const stepsOf = (records: readonly TrainingRecord[]) =>
  records.filter((record): record is StepRecord => record.kind === 'step');
