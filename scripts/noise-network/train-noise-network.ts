// Trains the noise network on simulated noise: each cell's levels by maximum likelihood under a Gaussian of the stated
// uncertainty (Nix and Weigend 1994). Adam and its guards are the flow trainer's.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { FlowDenoiseError } from '#src/core/errors.js';
import { readSafetensors, writeSafetensors } from '#src/core/model/safetensors.js';
import {
  CELL,
  FEATURES,
  LEVELS,
  noiseNetwork,
  noiseNetworkShapes,
} from '#src/core/noise/estimate/noise-network.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { freshTensors, optimizer } from '#src/train/loop/optimizer.js';
import {
  layoutOf,
  type ParameterLayout,
  parameterSource,
  parameterTensors,
  toVector,
  toWeights,
} from '#src/train/loop/parameter-vector.js';
import { levelLoss } from './level-loss.js';
import { type Draws, drawsFrom, SIDE } from './noisy-shot.js';
import type { ShotBatch } from './shot-worker.js';
import { openShots, type SceneFiles, type ShotMaker } from './shots.js';

export interface NoiseTrainingOptions {
  /** What scenes are made from. */
  readonly files: SceneFiles;
  /** Where weights.safetensors and training.json are written. */
  readonly output: string;
  readonly minutes: number;
  /** Ends after so many steps, where the minutes are not over before. */
  readonly steps?: number | undefined;
  readonly batch?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  /** Weights to begin with, a safetensors file. */
  readonly from?: string | undefined;
  readonly onStep?: ((step: number, loss: number, error: number, seconds: number) => void) | undefined;
}

/** Examples are made in groups of so many. */
const GROUP = 8;
/** Groups in memory. A step draws from them all, so that each example is seen a few times, in different company, mirrored and turned. */
const POOL = 160;
/** Groups that are made while others are learned from. */
const AHEAD = 3;
/** Steps that a group serves on average before the next steps wait for new ones. */
const REUSE = 12;
const CHECK_EVERY = 500;

/** He et al. 2015; the last layer begins near zero. */
function initialWeights(layout: ParameterLayout, seed: number): Float32Array {
  const next = gaussianGenerator(seed);
  const weights = new Map(
    layout.entries.map(({ name, shape, size }) => {
      const [out = 1, inputs = 1, height = 1, width = 1] = shape;
      const scale = name.endsWith('.bias')
        ? 0
        : Math.sqrt(2 / (inputs * height * width)) * (out === 2 * LEVELS ? 0.1 : 1);
      return [name, { shape, data: Float32Array.from({ length: size }, () => scale * next()) }] as const;
    }),
  );
  return toVector(layout, weights);
}

/** Groups as they come, the oldest replaced. */
function openPool(shots: ShotMaker) {
  const groups: ShotBatch[] = [];
  const coming: Promise<void>[] = [];
  let asked = 0;
  let made = 0;
  let used = 0;
  function ask(): void {
    const slot = asked++ % POOL;
    const group = shots.batch((asked - 1) * GROUP, GROUP).then((batch) => {
      groups[slot] = batch;
      made += 1;
    });
    // Whoever waits for it is told; until then a failure is nobody's.
    group.catch(() => undefined);
    coming.push(group);
  }
  return {
    get made() {
      return made * GROUP;
    },
    /** So many groups, drawn from the pool. */
    async draw(count: number, draws: Draws): Promise<ShotBatch[]> {
      used += count;
      while (made < Math.min(POOL / 4, Math.max(count, used)) || used > REUSE * made) {
        while (coming.length < AHEAD) ask();
        await coming.shift();
      }
      while (coming.length < AHEAD) ask();
      const present = groups.filter((group) => group !== undefined);
      return Array.from(
        { length: count },
        () => present[Math.floor(draws.uniform(0, present.length))] as ShotBatch,
      );
    },
  };
}

/** A group, mirrored along these axes, then rows and columns exchanged. */
interface TurnedGroup {
  readonly batch: ShotBatch;
  readonly axes: readonly number[];
  readonly isTransposed: boolean;
}

/** Mean negative log likelihood, and the mean absolute error of the logarithm of levels. */
function lossOf(
  layout: ParameterLayout,
  tensors: readonly tf.Tensor[],
  groups: readonly TurnedGroup[],
): [tf.Tensor, tf.Tensor] {
  const stacked = (of: (batch: ShotBatch) => Float32Array, side: number, channels: number) =>
    tf.concat(
      groups.map(({ batch, axes, isTransposed }) => {
        const tensor = tf.tensor4d(of(batch), [GROUP, side, side, channels]);
        const mirrored = axes.length > 0 ? tf.reverse(tensor, [...axes]) : tensor;
        return isTransposed ? tf.transpose(mirrored, [0, 2, 1, 3]) : mirrored;
      }),
    );
  const pictures = stacked((batch) => batch.pictures, SIDE, 3);
  const levels = stacked((batch) => batch.levels, SIDE / CELL, LEVELS);
  const out = noiseNetwork(tfjsOps, parameterSource(layout, tensors), pictures);
  const [mean, raw] = tf.split(out, [LEVELS, LEVELS, FEATURES], -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  return levelLoss(mean, raw, levels);
}

/** Trains on the current TensorFlow.js backend until the minutes are over; writes weights every so often and at the end. */
export async function trainNoiseNetwork(options: NoiseTrainingOptions): Promise<void> {
  const {
    files,
    output,
    minutes,
    steps = Infinity,
    batch = 24,
    rate = 1.5e-3,
    seed = 1,
    from,
    onStep,
  } = options;
  if (!Number.isInteger(batch / GROUP) || batch < GROUP)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a multiple of ${GROUP} for batch but received ${batch}`,
    );
  await mkdir(output, { recursive: true });
  const shots = openShots({ ...files, seed, length: SIDE });
  const layout = layoutOf(noiseNetworkShapes());
  const start = from
    ? toVector(layout, readSafetensors(await readFile(from)) as never)
    : initialWeights(layout, seed);
  const learner = optimizer(freshTensors(start), tf.ones([layout.size]));
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const pool = openPool(shots);
  const draws = drawsFrom(seed);
  const curve: { step: number; seconds: number; loss: number; error: number }[] = [];
  let step = 0;
  let [sumLoss, sumError] = [0, 0];

  async function save(): Promise<void> {
    const average = (await learner.tensors.average.data()) as Float32Array;
    const target = join(output, 'weights.safetensors');
    await writeFile(
      `${target}.tmp`,
      writeSafetensors(toWeights(layout, average), () => 'F16'),
    );
    await rename(`${target}.tmp`, target);
    await writeFile(
      join(output, 'training.json'),
      `${JSON.stringify({ photographs: files.photographs.length, pristine: files.pristine.length, batch, rate, seed, steps: step, examples: pool.made, seconds: seconds(), curve }, null, 2)}\n`,
    );
  }

  try {
    while (seconds() < 60 * minutes && step < steps) {
      const groups = (await pool.draw(batch / GROUP, draws)).map(
        (each): TurnedGroup => ({
          batch: each,
          axes: [1, 2].filter(() => draws.chance(0.5)),
          isTransposed: draws.chance(0.5),
        }),
      );
      const [gradient, told] = tf.tidy(() => {
        const tensors = parameterTensors(layout, learner.tensors.parameters);
        let beside: tf.Tensor | undefined;
        const { value, grads } = tf.engine().gradients(() => {
          const [loss, error] = lossOf(layout, tensors, groups);
          beside = tf.keep(error);
          return loss;
        }, tensors);
        const flat = tf.concat(grads.map((part) => tf.reshape(part, [-1])));
        const numbers = tf.stack([value, tf.sqrt(tf.sum(tf.square(flat))), beside as tf.Tensor]);
        beside?.dispose();
        return [flat, numbers] as const;
      });
      const [loss = Number.NaN, norm = Number.NaN, error = Number.NaN] = told.dataSync();
      told.dispose();
      const done = Math.min(1, Math.max(seconds() / (60 * minutes), step / steps));
      learner.update(gradient, loss, norm, rate * 0.5 * (1 + Math.cos(Math.PI * done)));
      gradient.dispose();
      step += 1;
      sumLoss += loss;
      sumError += error;
      onStep?.(step, loss, error, seconds());
      if (step % CHECK_EVERY === 0) {
        curve.push({
          step,
          seconds: Math.round(seconds()),
          loss: sumLoss / CHECK_EVERY,
          error: sumError / CHECK_EVERY,
        });
        [sumLoss, sumError] = [0, 0];
        await save();
      }
    }
    await save();
  } finally {
    learner.dispose();
    await shots.close();
  }
}
