// The inside of training's worker thread: TensorFlow, the crops and the loop. What it tells goes to train.ts as messages.

import { parentPort, workerData } from 'node:worker_threads';
import { openBackend } from '../core/engine/tfjs/tfjs-backend.js';
import { badOption, FlowDenoiseError, type FlowDenoiseErrorCode, messageOf } from '../core/errors.js';
import { openCrops } from './data/crops.js';
import type { SkippedFile } from './data/picture-files.js';
import { readCheckpoint } from './loop/checkpoint.js';
import { runTraining } from './loop/trainer.js';
import type { TrainingSettings } from './presets.js';
import type { TrainingRecord } from './progress.js';

export interface TrainWorkerData {
  readonly settings: TrainingSettings;
  readonly isResumed: boolean;
  /** One number in shared memory: not 0 when training is to stop after the step in hand. */
  readonly stop: Int32Array;
}

export type TrainMessage =
  | { readonly kind: 'record'; readonly record: TrainingRecord }
  /** `cause` is there, with its stack, where the error is none of ours. */
  | {
      readonly kind: 'error';
      readonly code: FlowDenoiseErrorCode | undefined;
      readonly message: string;
      readonly cause?: unknown;
    }
  | { readonly kind: 'end' };

const port = parentPort;
if (!port) throw new Error('train-worker runs in a worker thread only');
const tell = (message: TrainMessage) => port.postMessage(message);
const { settings, isResumed, stop } = workerData as TrainWorkerData;
const isStopped = () => Atomics.load(stop, 0) !== 0;
/** Ends the looking through of a large folder; later, the loop asks itself. */
const opening = new AbortController();
let step = 0;
const warn = (message: string) => tell({ kind: 'record', record: { kind: 'warning', step, message } });

async function train(): Promise<void> {
  const checkpoint = isResumed ? await readCheckpoint(settings.output, warn) : undefined;
  const { folder, crop, batch, seed, sheetTile, augment } = settings;
  const onSkipped = ({ path, reason }: SkippedFile) => warn(`${path} is left out: ${reason}`);
  const { signal } = opening;
  const asking = setInterval(() => isStopped() && opening.abort(), 50);
  const crops = await openCrops({
    folder,
    size: crop,
    batch,
    seed,
    sheetTile,
    augment,
    onSkipped,
    signal,
  }).finally(() => clearInterval(asking));
  try {
    if (checkpoint && checkpoint.state.data.hash !== crops.description.hash)
      throw badOption(
        `${folder}: its pictures are not those that the checkpoint was trained on. Expected the same files; to train on others, start with --from ${settings.output} and another output`,
      );
    // Last: a thread that ends with TensorFlow loaded and unused has been seen to bring the process down at its exit.
    const backend = await openBackend('tensorflow').catch((error: unknown) => {
      throw new FlowDenoiseError(
        'ENGINE_UNAVAILABLE',
        `training needs engine tensorflow: ${messageOf(error)}`,
      );
    });
    try {
      for await (const record of runTraining({ settings, crops, checkpoint, isStopped })) {
        step = record.step;
        tell({ kind: 'record', record });
      }
    } finally {
      backend.close();
    }
  } finally {
    await crops.close();
  }
}

try {
  await train().catch((error: unknown) => {
    if (!opening.signal.aborted || error !== opening.signal.reason) throw error;
  });
  tell({ kind: 'end' });
} catch (error) {
  const code = error instanceof FlowDenoiseError ? error.code : undefined;
  tell({ kind: 'error', code, message: messageOf(error), ...(code === undefined && { cause: error }) });
}
