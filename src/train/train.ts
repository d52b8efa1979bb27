// Training for programs and the command: yields records from a worker thread.
import { on } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { prepareTensorflowEnvironment } from '../core/engine/packages/tensorflow-package.js';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { orWriteFailed } from '../core/files.js';
import { lockFolder } from '../core/lock.js';
import { checkpointFile, readCheckpoint, trainingFolder } from './loop/checkpoint.js';
import { checkTrainOptions, newSettings, resumedSettings, type TrainOptions } from './options.js';
import type { TrainingRecord } from './progress.js';
import { keepingRecords } from './report/training-report.js';
import type { TrainMessage, TrainWorkerData } from './train-worker.js';

export type { TrainOptions };

/**
 * Trains a flow on a folder's pictures. Writes it as a prior at every checkpoint and at the end, with a card (README.md), a
 * log (log.jsonl) and a page (training.html). If you leave the loop early or abort, it writes a checkpoint, unless no step
 * was made; `resume: true` goes on from there.
 *
 * @returns  records, step by step; the first comes when all pictures were found
 * @throws   FlowDenoiseError BAD_OPTION, BAD_PRIOR, BAD_CHECKPOINT, ENGINE_UNAVAILABLE (training needs tensorflow),
 *           WRITE_FAILED, TRAINING_FAILED; the signal's reason when aborted
 * @see      Kingma and Dhariwal 2018, Glow; docs/training.md
 */
export async function* train(options: TrainOptions): AsyncGenerator<TrainingRecord, void> {
  const { signal, ...rest } = checkTrainOptions(options);
  signal?.throwIfAborted();
  const isResumed = rest.resume === true;
  if (!isResumed) refuseUsedOutput(rest.output);
  const { state } = isResumed ? await readCheckpoint(rest.output, () => {}) : {};
  const settings = state ? resumedSettings(rest, state.settings) : await newSettings(rest);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const release = await lockTraining(settings.output, () => Atomics.store(stop, 0, 1));
  try {
    const records = runInWorker({ settings, isResumed, stop }, signal);
    yield* keepingRecords(records, settings, state?.step ?? 0);
  } finally {
    await release();
  }
}

function refuseUsedOutput(output: string): void {
  if (existsSync(join(output, 'model.json')) || existsSync(checkpointFile(output)))
    throw badOption(
      `Expected a folder without a prior for output but received ${output}, which has one; go on with --resume, or choose another folder`,
    );
}

/** Allows one training at a time in a prior's folder. Returns a function that releases the lock. */
async function lockTraining(output: string, onLost: () => void): Promise<() => Promise<void>> {
  const folder = trainingFolder(output);
  const release = await orWriteFailed(folder, 'could not be made or locked', async () => {
    await mkdir(folder, { recursive: true });
    return lockFolder(folder, onLost);
  });
  if (!release)
    throw badOption(
      `${output}: another training is at work there, or was killed seconds ago. Expected a folder of its own for every training; choose another output, or wait for that one`,
    );
  return async () => {
    if (!(await release())) return;
    for (const made of [folder, output]) await rmdir(made).catch(() => {});
  };
}

async function* runInWorker(
  workerData: TrainWorkerData,
  signal: AbortSignal | undefined,
): AsyncGenerator<TrainingRecord, void> {
  prepareTensorflowEnvironment();
  const worker = new Worker(new URL('./train-worker.js', import.meta.url), { workerData, execArgv: [] });
  const messages = on(worker, 'message', { close: ['exit'] });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const stop = () => Atomics.store(workerData.stop, 0, 1);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  let isOver = false;

  /** The next record; undefined at the end. */
  async function next(): Promise<TrainingRecord | undefined> {
    const message = await messages.next().then(
      ({ done, value }): TrainMessage => (done ? failure("training's thread ended by itself") : value[0]),
      (error: unknown) => failure(messageOf(error)),
    );
    if (message.kind !== 'error' && message.kind !== 'end') return message;
    isOver = true;
    if (message.kind === 'end') return undefined;
    throw message.code === undefined ? message.cause : new FlowDenoiseError(message.code, message.message);
  }

  try {
    for (let record = await next(); record !== undefined; record = await next()) yield record;
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
    try {
      // If the loop was left early, this throws if the last checkpoint failed.
      while (!isOver) await next();
    } finally {
      await ended;
    }
  }
}

const failure = (message: string): TrainMessage => ({ kind: 'error', code: 'ENGINE_FAILED', message });
