// The inside of training's worker thread: TensorFlow, crops and loop. It sends its records to train.ts as messages.

import { parentPort, workerData } from 'node:worker_threads';
import { openBackend } from '../core/engine/tfjs/tfjs-backend.js';
import { badOption, FlowDenoiseError, type FlowDenoiseErrorCode, messageOf } from '../core/errors.js';
import { openCrops } from './data/crops.js';
import { readCheckpoint } from './loop/checkpoint.js';
import { runTraining } from './loop/trainer.js';
import type { TrainingSettings } from './options.js';
import type { TrainingRecord } from './progress.js';

export interface TrainWorkerData {
  readonly settings: TrainingSettings;
  readonly isResumed: boolean;
  /** One number in shared memory; not 0 stops training after the current step. */
  readonly stop: Int32Array;
}

interface Failure {
  readonly kind: 'error';
  /** Ours have one; other errors come with their stack in `cause`. */
  readonly code: FlowDenoiseErrorCode | undefined;
  readonly message: string;
  readonly cause?: unknown;
}

export type TrainMessage = TrainingRecord | Failure | { readonly kind: 'end' };

const tell = (message: TrainMessage) => parentPort?.postMessage(message);
const { settings, isResumed, stop } = workerData as TrainWorkerData;
const isStopped = () => Atomics.load(stop, 0) !== 0;
/** Stops the search through a large folder. Afterwards, the loop checks for itself. */
const opening = new AbortController();
let step = 0;
const warn = (message: string) => tell({ kind: 'warning', step, message });

async function train(): Promise<void> {
  const checkpoint = isResumed ? await readCheckpoint(settings.output, warn) : undefined;
  const asking = setInterval(() => isStopped() && opening.abort(), 50);
  const crops = await openCrops({
    ...settings,
    onSkipped: ({ path, reason }) => warn(`${path} is left out: ${reason}`),
    signal: opening.signal,
  }).finally(() => clearInterval(asking));
  try {
    if (checkpoint && checkpoint.state.data.hash !== crops.description.hash)
      throw badOption(
        `${settings.folders.join(', ')}: these are not the pictures that the checkpoint was trained on. Expected the same files in the same folders; to train on others, start with --from ${settings.output} and another output`,
      );
    // Last, because a thread that ended with TensorFlow loaded but unused has crashed the process at exit.
    const backend = await openBackend('tensorflow').catch((error: unknown) => {
      throw new FlowDenoiseError(
        'ENGINE_UNAVAILABLE',
        `training needs engine tensorflow: ${messageOf(error)}`,
      );
    });
    try {
      for await (const record of runTraining({ settings, crops, checkpoint, isStopped })) {
        step = record.step;
        tell(record);
      }
    } finally {
      backend.close();
    }
  } finally {
    await crops.close();
  }
}

try {
  await train();
  tell({ kind: 'end' });
} catch (error) {
  const code = error instanceof FlowDenoiseError ? error.code : undefined;
  if (opening.signal.aborted && error === opening.signal.reason) tell({ kind: 'end' });
  else tell({ kind: 'error', code, message: messageOf(error), ...(code === undefined && { cause: error }) });
}
