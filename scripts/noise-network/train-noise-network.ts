// Trains the noise network on simulated noise, both parts together. Adam and its guards are the flow trainer's.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '#src/core/flow/parameters.js';
import { readSafetensors, writeSafetensors } from '#src/core/model/safetensors.js';
import { CELL, noiseNetworkShapes } from '#src/core/noise/estimate/noise-network.js';
import { pictureHeadShapes } from '#src/core/noise/estimate/picture-head.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { freshTensors, optimizer } from '#src/train/loop/optimizer.js';
import {
  layoutOf,
  type ParameterLayout,
  parameterSource,
  parameterTensors,
  toVector,
  toWeights,
} from '#src/train/loop/parameter-vector.js';
import { type Draws, drawsFrom } from '../draws.js';
import { type NetworkLoss, networkLoss } from './network-loss.js';
import { SIDE } from './noisy-shot.js';
import type { ShotFile } from './shot-file.js';

const FIGURES = ['loss', 'cellError', 'pictureError', 'surprise'] as const satisfies (keyof NetworkLoss)[];

/** Means over a step's or a check's examples, as networkLoss has them. */
export type NoiseTrainingFigures = Readonly<Record<(typeof FIGURES)[number], number>>;

export interface NoiseTrainingOptions {
  readonly shots: ShotFile;
  /** Where weights.safetensors and network.json are written. */
  readonly output: string;
  readonly steps: number;
  readonly batch?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  /** Weights to begin with, a safetensors file. */
  readonly from?: string | undefined;
  readonly onStep?: ((step: number, figures: NoiseTrainingFigures) => void) | undefined;
  /** Of the examples that are kept from training, under the averaged weights. */
  readonly onCheck?: ((step: number, figures: NoiseTrainingFigures) => void) | undefined;
}

/** The share of the examples, from the end, that training does not see. */
const HELD_BACK = 0.05;
const CHECK_EVERY = 500;
/** Of every weight, a step: the examples are few. */
const DECAY = 2e-5;

/** He et al. 2015; the layer that states levels begins near zero. */
function initialWeights(layout: ParameterLayout, seed: number): Float32Array {
  const next = gaussianGenerator(seed);
  const weights = new Map(
    layout.entries.map(({ name, shape, size }) => {
      const [, inputs = 1, height = 1, width = 1] = shape;
      const scale = name.endsWith('.bias')
        ? 0
        : Math.sqrt(2 / (inputs * height * width)) * (name === 'out.weight' ? 0.1 : 1);
      return [name, { shape, data: Float32Array.from({ length: size }, () => scale * next()) }] as const;
    }),
  );
  return toVector(layout, weights);
}

/** A step's examples, [B, H, W, C]. The whole batch is mirrored and turned in one of eight ways if there are draws. */
async function batchOf(
  shots: ShotFile,
  numbers: readonly number[],
  draws?: Draws,
): Promise<[tf.Tensor4D, tf.Tensor4D]> {
  const read = await Promise.all(numbers.map((number) => shots.read(number)));
  const axes = draws ? [1, 2].filter(() => draws.chance(0.5)) : [];
  const isTransposed = draws?.chance(0.5) ?? false;
  const stacked = (arrays: readonly Float32Array[], side: number) =>
    tf.tidy(() => {
      const tensor = tf.stack(
        arrays.map((array) => tf.tensor3d(array, [side, side, array.length / side ** 2])),
      );
      const mirrored = axes.length > 0 ? tf.reverse(tensor, axes) : tensor;
      return (isTransposed ? tf.transpose(mirrored, [0, 2, 1, 3]) : mirrored) as tf.Tensor4D;
    });
  return [
    stacked(
      read.map(({ picture }) => picture),
      SIDE,
    ),
    stacked(
      read.map(({ levels }) => levels),
      SIDE / CELL,
    ),
  ];
}

/** Writes what models/noise-network holds: the weights in half precision, and their checksum. */
async function writeNoiseNetwork(folder: string, weights: Weights): Promise<void> {
  const bytes = writeSafetensors(weights, () => 'F16');
  await writeFile(join(folder, 'weights.safetensors'), bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const card = {
    format: 'flow-denoise-noise-network',
    version: 1,
    weights: { file: 'weights.safetensors', sha256 },
  };
  await writeFile(join(folder, 'network.json'), `${JSON.stringify(card, null, 2)}\n`);
}

/** Trains on the current TensorFlow.js backend and writes the averaged weights at every check and at the end. */
export async function trainNoiseNetwork(options: NoiseTrainingOptions): Promise<void> {
  const { shots, output, steps, batch = 8, rate = 1e-3, seed = 1, from, onStep, onCheck } = options;
  await mkdir(output, { recursive: true });
  const layout = layoutOf({ ...noiseNetworkShapes(), ...pictureHeadShapes() });
  const start = from
    ? toVector(layout, readSafetensors(await readFile(from)) as never)
    : initialWeights(layout, seed);
  const learner = optimizer(freshTensors(start), tf.ones([layout.size]));
  const draws = drawsFrom(seed);
  const seen = Math.ceil(shots.count * (1 - HELD_BACK));
  const cells = (SIDE / CELL) ** 2;

  async function check(): Promise<NoiseTrainingFigures> {
    const sums = { loss: 0, cellError: 0, pictureError: 0, surprise: 0 };
    for (let first = seen; first < shots.count; first += batch) {
      const numbers = Array.from({ length: Math.min(batch, shots.count - first) }, (_, i) => first + i);
      const [pictures, levels] = await batchOf(shots, numbers);
      const told = tf.tidy(() => {
        const parameters = parameterSource(layout, parameterTensors(layout, learner.tensors.average));
        const found = networkLoss(parameters, pictures, levels, undefined);
        return tf.stack(FIGURES.map((key) => found[key])).dataSync();
      });
      tf.dispose([pictures, levels]);
      for (const [i, key] of FIGURES.entries())
        sums[key] += ((told[i] as number) * numbers.length) / (shots.count - seen);
    }
    return sums;
  }

  async function save(): Promise<void> {
    const average = (await learner.tensors.average.data()) as Float32Array;
    await writeNoiseNetwork(output, toWeights(layout, average));
  }

  try {
    for (let step = 1; step <= steps; step++) {
      const numbers = Array.from({ length: batch }, () => Math.floor(draws.uniform(0, seen)));
      const [pictures, truth] = await batchOf(shots, numbers, draws);
      // Small pictures have few cells.
      const shown = draws.chance(0.5)
        ? undefined
        : Array.from({ length: Math.round(draws.logUniform(4, cells)) }, () =>
            Math.floor(draws.uniform(0, cells)),
          );
      const [gradient, told] = tf.tidy(() => {
        const tensors = parameterTensors(layout, learner.tensors.parameters);
        let beside: tf.Tensor[] = [];
        const { value, grads } = tf.engine().gradients(() => {
          const { loss, ...others } = networkLoss(parameterSource(layout, tensors), pictures, truth, shown);
          beside = [others.cellError, others.pictureError, others.surprise].map((each) => tf.keep(each));
          return loss;
        }, tensors);
        const flat = tf.concat(grads.map((part) => tf.reshape(part, [-1])));
        const decayed = tf.add(flat, tf.mul(learner.tensors.parameters, DECAY));
        const numbersTold = tf.stack([value, tf.sqrt(tf.sum(tf.square(decayed))), ...beside]);
        tf.dispose(beside);
        return [decayed, numbersTold] as const;
      });
      const [loss, norm, cellError, pictureError, surprise] = Array.from(told.dataSync()) as [
        number,
        number,
        number,
        number,
        number,
      ];
      tf.dispose([told, pictures, truth]);
      learner.update(gradient, loss, norm, rate * 0.5 * (1 + Math.cos((Math.PI * step) / steps)));
      gradient.dispose();
      onStep?.(step, { loss, cellError, pictureError, surprise });
      if (step % CHECK_EVERY === 0 || step === steps) {
        if (seen < shots.count) onCheck?.(step, await check());
        await save();
      }
    }
  } finally {
    learner.dispose();
  }
}
