// The training loop: batches, steps, validations, checkpoints. It owns every tensor it makes, and writes the prior however it
// ends.

import os from 'node:os';
import { basename } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import type { Weights } from '../../core/flow/parameters.js';
import { loadPrior } from '../../core/model/load-prior.js';
import { FORMAT, VERSION } from '../../core/model/model-json.js';
import { replacePrior } from '../../core/model/save-prior.js';
import type { CropSource } from '../data/crops.js';
import type { TrainingSettings } from '../presets.js';
import type { StepRecord, TrainingRecord, ValidationRecord } from '../progress.js';
import { type Checkpoint, checkpointTensors, trainingFolder, writeCheckpoint } from './checkpoint.js';
import { initializeActnorm, randomWeights } from './initial-weights.js';
import { lossOf, type TrainingBatch } from './objective.js';
import { freshTensors, type Optimizer, optimizer } from './optimizer.js';
import {
  type ParameterLayout,
  parameterLayout,
  parameterSource,
  parameterTensors,
  perParameter,
  toVector,
  toWeights,
} from './parameter-vector.js';
import { stepRandom } from './step-random.js';
import { VALIDATION_CROPS, validate } from './validation.js';

/** Rate of the 1x1 matrices, relative to that of other parameters. */
const MATRIX_RATE = 0.5;
/** Actnorm is fitted to this many batches together. */
const FIRST_BATCHES = 2;

/** A step's batch as tensors, [B, H, W, 3]. Call it inside `tidy`. */
function batchOf(
  { architecture, batch, crop, seed, sigmaRange }: TrainingSettings,
  pixels: Uint8Array,
  step: number,
): TrainingBatch {
  const shape: [number, number, number, number] = [batch, crop, crop, 3];
  const draws = stepRandom(seed, step);
  const tensor = (values: Float32Array) => tf.tensor4d(values, shape);
  if (!architecture.conditioning) {
    // Uniform dequantization (Theis et al. 2016): whole numbers become intervals, so that they have a density.
    const spread = draws.uniform(pixels.length);
    return {
      clean: tensor(spread.map((u, i) => ((pixels[i] as number) + u) / 256)),
      noise: undefined,
      sigma: tf.fill([batch, 1], sigmaRange[0]),
    };
  }
  return {
    clean: tensor(Float32Array.from(pixels, (value) => value / 255)),
    noise: tensor(draws.normal(pixels.length)),
    sigma: tf.tensor2d(draws.sigmas(batch, sigmaRange), [batch, 1]),
  };
}

interface Evaluated {
  /** [size]; the caller owns it. */
  readonly gradient: tf.Tensor;
  readonly loss: number;
  readonly norm: number;
  readonly bitsPerDimension: number;
  readonly denoisingError: number | undefined;
}

/** Loss and gradient for a batch, with respect to the flat parameter vector. */
export function evaluateStep(
  { architecture, objective }: Pick<TrainingSettings, 'architecture' | 'objective'>,
  layout: ParameterLayout,
  parameters: tf.Tensor,
  makeBatch: () => TrainingBatch,
): Evaluated {
  const [gradient, told] = tf.tidy(() => {
    const batch = makeBatch();
    const tensors = parameterTensors(layout, parameters);
    let beside: tf.Tensor[] = [];
    const { value, grads } = tf.engine().gradients(() => {
      const { loss, bitsPerDimension, denoisingError } = lossOf(
        architecture,
        layout,
        tensors,
        batch,
        objective,
      );
      // Kept, since `gradients` disposes of everything but its result.
      beside = [bitsPerDimension, denoisingError ?? tf.scalar(0)].map((tensor) => tf.keep(tensor));
      return loss;
    }, tensors);
    const flat = tf.concat(grads.map((part) => tf.reshape(part, [-1])));
    const norm = tf.sqrt(tf.sum(tf.square(flat)));
    const numbers = tf.stack([value, norm, ...beside]);
    tf.dispose(beside);
    return [flat, numbers] as const;
  });
  const [loss = Number.NaN, norm = Number.NaN, bitsPerDimension = Number.NaN, error] = told.dataSync();
  told.dispose();
  const denoisingError = objective === 'likelihood' ? undefined : error;
  return { gradient, loss, norm, bitsPerDimension, denoisingError };
}

async function initialParameters(
  settings: TrainingSettings,
  layout: ParameterLayout,
  crops: CropSource,
): Promise<Float32Array> {
  const { architecture, from, seed } = settings;
  if (from !== undefined) return toVector(layout, (await loadPrior(from)).weights);
  const pixels: Uint8Array[] = [];
  for (let step = 0; step < FIRST_BATCHES; step++) pixels.push(await crops.batch(step));
  const random = randomWeights(architecture, seed);
  let fitted: Weights = random;
  tf.tidy(() => {
    const batches = pixels.map((each, step) => batchOf(settings, each, step));
    const ys = batches.map(({ clean, noise, sigma }) =>
      noise ? tf.add(clean, tf.mul(noise, tf.reshape(sigma, [-1, 1, 1, 1]))) : clean,
    );
    const sigmas = batches.map(({ sigma }) => sigma);
    fitted = initializeActnorm(architecture, random, tf.concat(ys), tf.concat(sigmas));
  });
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
  const relative = perParameter(layout, (name) => (name.endsWith('conv1x1.weight') ? MATRIX_RATE : 1));
  const start = checkpoint
    ? checkpointTensors(checkpoint)
    : { tensors: freshTensors(await initialParameters(settings, layout, crops)), before: undefined };
  const learner = optimizer(start.tensors, tf.tensor1d(relative), start.before);
  const secondsBefore = checkpoint?.state.seconds ?? 0;
  const started = performance.now();
  const seconds = () => secondsBefore + (performance.now() - started) / 1000;
  const progress = (step: number) => (steps === undefined ? seconds() / (60 * (minutes ?? 1)) : step / steps);
  let step = checkpoint?.state.step ?? 0;
  let savedStep = checkpoint ? step : -1;
  let savedUpdates = checkpoint?.state.counts.updates ?? 0;
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
    await writeAverage(settings, layout, learner, step, seconds(), crops, measured);
    savedStep = step;
    savedUpdates = counts.updates;
    return { kind: 'checkpoint', step, folder: trainingFolder(output) };
  }

  async function measure(): Promise<ValidationRecord> {
    const pixels = await crops.validation(VALIDATION_CROPS);
    const average = tf.tidy(() => parameterTensors(layout, learner.tensors.average) as never) as tf.Tensor[];
    try {
      const { architecture: flow, sigmaRange, seed, crop, temperature } = settings;
      const source = parameterSource(layout, average);
      const task = { architecture: flow, sigmaRange, seed, crops: pixels, size: crop, temperature, source };
      return { kind: 'validation', step, seconds: seconds(), ...(await validate(task)) };
    } finally {
      tf.dispose(average);
    }
  }

  try {
    while (!isStopped() && progress(step) < 1) {
      const began = performance.now();
      const pixels = await crops.batch(step);
      const done = progress(step);
      const { gradient, loss, norm, bitsPerDimension, denoisingError } = evaluateStep(
        settings,
        layout,
        learner.tensors.parameters,
        () => batchOf(settings, pixels, step),
      );
      const rate = settings.rate * 0.5 * (1 + Math.cos(Math.PI * done));
      const update = learner.update(gradient, loss, norm, rate);
      gradient.dispose();
      step++;
      const record: StepRecord = {
        kind: 'step',
        step,
        loss,
        bitsPerDimension,
        denoisingError,
        gradientNorm: norm,
        rate: update.rate,
        seconds: (performance.now() - began) / 1000,
        secondsLeft: secondsLeft(settings, step, seconds(), checkpoint, secondsBefore),
        skipped: update.skipped,
        restored: update.restored,
      };
      yield record;
      if (update.isLost) {
        // The restored snapshot may be newer than the last checkpoint.
        const { updates } = learner.counts;
        const isNewer = updates > savedUpdates;
        if (isNewer) await writeAverage(settings, layout, learner, updates, seconds(), crops, measured);
        throw lost(settings, isNewer || savedStep >= 0, record);
      }
      if (step % validateEvery === 0) {
        measured = await measure();
        yield measured;
      }
      if (step % checkpointEvery === 0) {
        try {
          yield await save();
        } catch (error) {
          // The disk may have room again next time; the last checkpoint exists.
          yield { kind: 'warning', step, message: `${messageOf(error)} Training goes on.` };
        }
      }
    }
    if (!isStopped() && measured?.step !== step) {
      measured = await measure();
      yield measured;
    }
    // Stopped before the first step, there is no prior to write.
    if (step > 0 && (savedStep !== step || !isStopped())) yield await save();
  } finally {
    learner.dispose();
  }
}

function secondsLeft(
  { steps, minutes }: TrainingSettings,
  step: number,
  seconds: number,
  checkpoint: Checkpoint | undefined,
  secondsBefore: number,
): number | undefined {
  if (steps === undefined) return Math.max(0, 60 * (minutes ?? 0) - seconds);
  const made = step - (checkpoint?.state.step ?? 0);
  return ((seconds - secondsBefore) / made) * (steps - step);
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

/** Writes the averaged weights as a usable prior. */
async function writeAverage(
  settings: TrainingSettings,
  layout: ParameterLayout,
  learner: Optimizer,
  step: number,
  seconds: number,
  crops: CropSource,
  measured: ValidationRecord | undefined,
): Promise<void> {
  const { architecture, output, name, sigmaRange, objective, crop, batch, seed, rate, from } = settings;
  const average = (await learner.tensors.average.data()) as Float32Array;
  // A flow that was never sound is not a prior; what was written before stays.
  if (!average.every(Number.isFinite)) return;
  await replacePrior(
    output,
    {
      format: FORMAT,
      version: VERSION,
      name,
      ...architecture,
      channels: 3,
      levels: architecture.levels.map((level) => ({ ...level })),
      inputResolution: crop,
      sigmaRange: [...sigmaRange],
      provenance: {
        method: `flow-denoise train, objective ${objective}, Adam, weights averaged (0.999)`,
        data: crops.description,
        steps: step,
        batch,
        rate,
        seed,
        ...(from !== undefined && { from: basename(from) }),
        seconds: Math.round(seconds),
        machine: machineWords(),
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
      },
    },
    toWeights(layout, average),
  );
}

function machineWords(): string {
  return `${os.availableParallelism()} cores of ${os.cpus()[0]?.model.trim() ?? 'an unknown processor'}`;
}
