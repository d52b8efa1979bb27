// The training loop: batches, steps, validations, checkpoints. It owns every tensor it makes, and writes the prior however it
// ends.

import os from 'node:os';
import { basename } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { loadPrior } from '../../core/model/load-prior.js';
import { FORMAT, VERSION } from '../../core/model/model-json.js';
import { replacePrior } from '../../core/model/save-prior.js';
import type { CropDescription, CropSource } from '../data/crops.js';
import type { TrainingSettings } from '../options.js';
import type { StepRecord, TrainingRecord, ValidationRecord } from '../progress.js';
import { type Checkpoint, trainingFolder, writeCheckpoint } from './checkpoint.js';
import { initializeActnorm, randomWeights } from './initial-weights.js';
import { evaluateStep } from './objective.js';
import { freshTensors, optimizer, tensorsOf } from './optimizer.js';
import {
  type ParameterLayout,
  parameterLayout,
  parameterSource,
  parameterTensors,
  perParameter,
  toVector,
  toWeights,
} from './parameter-vector.js';
import { batchOf, noisy } from './training-batch.js';
import { VALIDATION_CROPS, validate } from './validation.js';

/** Rate of the 1x1 matrices, relative to that of other parameters. */
const MATRIX_RATE = 0.5;
/** Actnorm is fitted to this many batches together. */
const FIRST_BATCHES = 2;

async function initialParameters(
  settings: TrainingSettings,
  layout: ParameterLayout,
  crops: CropSource,
): Promise<Float32Array> {
  const { architecture, from, seed } = settings;
  if (from !== undefined) return toVector(layout, (await loadPrior(from)).weights);
  const pixels: Uint8Array[] = [];
  for (let step = 0; step < FIRST_BATCHES; step++) pixels.push(await crops.batch(step));
  const [y, sigma] = tf.tidy(() => {
    const batches = pixels.map((each, step) => batchOf(settings, each, step));
    return [tf.concat(batches.map(noisy)), tf.concat(batches.map((batch) => batch.sigma))] as const;
  });
  const fitted = initializeActnorm(architecture, randomWeights(architecture, seed), y, sigma);
  tf.dispose([y, sigma]);
  return toVector(layout, fitted);
}

interface TrainerInput {
  readonly settings: TrainingSettings;
  readonly crops: CropSource;
  readonly checkpoint: Checkpoint | undefined;
  /** Checked between steps. */
  readonly isStopped: () => boolean;
}

/**
 * Trains on the current TensorFlow.js backend until the steps or minutes are over or it is stopped, then writes checkpoint
 * and prior.
 *
 * @throws  FlowDenoiseError WRITE_FAILED if the last checkpoint or prior cannot be written; TRAINING_FAILED if training has
 *          diverged for good (the prior of the last checkpoint then exists)
 */
export async function* runTraining(input: TrainerInput): AsyncGenerator<TrainingRecord, void> {
  const { settings, crops, checkpoint, isStopped } = input;
  const { architecture, steps, minutes, validateEvery, checkpointEvery, output } = settings;
  const layout = parameterLayout(architecture);
  const before = checkpoint?.state;
  const start = checkpoint
    ? tensorsOf(checkpoint.arrays)
    : freshTensors(await initialParameters(settings, layout, crops));
  const rates = perParameter(layout, (name) => (name.endsWith('conv1x1.weight') ? MATRIX_RATE : 1));
  const resumed = checkpoint && {
    counts: checkpoint.state.counts,
    snapshot: { tensors: tensorsOf(checkpoint.snapshot), counts: checkpoint.state.snapshotCounts },
  };
  const learner = optimizer(start, tf.tensor1d(rates), resumed);
  const secondsBefore = before?.seconds ?? 0;
  const started = performance.now();
  const seconds = () => secondsBefore + (performance.now() - started) / 1000;
  const progress = () => (steps === undefined ? seconds() / (60 * (minutes ?? 1)) : step / steps);
  const firstStep = before?.step ?? 0;
  let step = firstStep;
  let savedStep = checkpoint ? step : -1;
  let savedUpdates = before?.counts.updates ?? 0;
  let measured: ValidationRecord | undefined;

  async function save(): Promise<TrainingRecord> {
    const { counts, snapshot } = learner;
    const state = {
      settings,
      step,
      seconds: seconds(),
      counts,
      snapshotCounts: snapshot.counts,
      data: crops.description,
    };
    await writeCheckpoint(state, learner.tensors, snapshot.tensors);
    await writePrior(step);
    savedStep = step;
    savedUpdates = counts.updates;
    return { kind: 'checkpoint', step, folder: trainingFolder(output) };
  }

  /** Writes the averaged weights, unless they were never sound; then an earlier prior stays. */
  async function writePrior(steps: number): Promise<void> {
    const average = (await learner.tensors.average.data()) as Float32Array;
    if (!average.every(Number.isFinite)) return;
    const provenance = provenanceOf(settings, steps, seconds(), crops.description, measured);
    await replacePrior(
      output,
      {
        format: FORMAT,
        version: VERSION,
        name: settings.name,
        ...architecture,
        channels: 3,
        levels: [...architecture.levels],
        inputResolution: settings.crop,
        sigmaRange: [...settings.sigmaRange],
        provenance,
      },
      toWeights(layout, average),
    );
  }

  async function measure(): Promise<ValidationRecord> {
    const pixels = await crops.validation(VALIDATION_CROPS);
    const average = tf.tidy(() => parameterTensors(layout, learner.tensors.average) as never) as tf.Tensor[];
    try {
      const source = parameterSource(layout, average);
      measured = {
        kind: 'validation',
        step,
        seconds: seconds(),
        ...(await validate({ ...settings, source, pixels })),
      };
      return measured;
    } finally {
      tf.dispose(average);
    }
  }

  function secondsLeft(): number {
    if (steps === undefined) return Math.max(0, 60 * (minutes ?? 0) - seconds());
    return ((seconds() - secondsBefore) / (step - firstStep)) * (steps - step);
  }

  try {
    while (!isStopped() && progress() < 1) {
      const began = performance.now();
      const pixels = await crops.batch(step);
      const done = progress();
      const { parameters } = learner.tensors;
      const makeBatch = () => batchOf(settings, pixels, step);
      const { gradient, ...figures } = evaluateStep(settings, layout, parameters, makeBatch);
      const rate = settings.rate * 0.5 * (1 + Math.cos(Math.PI * done));
      const { isLost, ...update } = learner.update(gradient, figures.loss, figures.gradientNorm, rate);
      gradient.dispose();
      step++;
      const spent = (performance.now() - began) / 1000;
      const time = { seconds: spent, secondsLeft: secondsLeft() };
      const record: StepRecord = { kind: 'step', step, ...figures, ...update, ...time };
      yield record;
      if (isLost) {
        // The restored snapshot may be newer than the last checkpoint.
        const { updates } = learner.counts;
        const isNewer = updates > savedUpdates;
        if (isNewer) await writePrior(updates);
        throw lost(settings, isNewer || savedStep >= 0, record);
      }
      if (step % validateEvery === 0) yield await measure();
      if (step % checkpointEvery === 0) {
        try {
          yield await save();
        } catch (error) {
          // The disk may have room again next time; the last checkpoint exists.
          yield { kind: 'warning', step, message: `${messageOf(error)} Training goes on.` };
        }
      }
    }
    if (!isStopped() && measured?.step !== step) yield await measure();
    // Stopped before the first step, there is no prior to write.
    if (step > 0 && (savedStep !== step || !isStopped())) yield await save();
  } finally {
    learner.dispose();
  }
}

function lost(
  { output, rate }: TrainingSettings,
  hasPrior: boolean,
  { step, loss, gradientNorm }: StepRecord,
): FlowDenoiseError {
  const [kept, start] = hasPrior
    ? [`The prior from before it is in ${output}.`, `from it (--from ${output}) into another folder `]
    : ['There was no good prior to keep.', ''];
  return new FlowDenoiseError(
    'TRAINING_FAILED',
    `training diverged at step ${step} (loss ${loss}, gradient norm ${gradientNorm}) and did so again after every return to a snapshot. ${kept} ` +
      `Expected pictures without damage and a rate that the flow bears; train ${start}with a lower --rate than ${rate}`,
  );
}

function provenanceOf(
  { objective, batch, rate, seed, from }: TrainingSettings,
  steps: number,
  seconds: number,
  data: CropDescription,
  measured: ValidationRecord | undefined,
): Readonly<Record<string, unknown>> {
  return {
    method: `flow-denoise train, objective ${objective}, Adam, weights averaged (0.999)`,
    data,
    steps,
    batch,
    rate,
    seed,
    ...(from !== undefined && { from: basename(from) }),
    seconds: Math.round(seconds),
    machine: `${os.availableParallelism()} cores of ${os.cpus()[0]?.model.trim() ?? 'an unknown processor'}`,
    date: new Date().toISOString().slice(0, 10),
    ...(measured && {
      validation: {
        step: measured.step,
        bitsPerDimension: Number(measured.bitsPerDimension.toFixed(4)),
        psnr: measured.psnr.map(({ sigma255, noisy, denoised }) => ({
          sigma255,
          noisy: Number(noisy.toFixed(2)),
          denoised: Number(denoised.toFixed(2)),
        })),
      },
    }),
  };
}
