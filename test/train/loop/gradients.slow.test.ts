// The gradient of every objective with respect to every kind of parameter, against differences of the same loss in
// float64, whose formula stands here once more, on tiny flows: on plain JavaScript, and on TensorFlow with its own kernels.
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Architecture } from '#src/core/flow/architecture.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { evaluateStep } from '#src/train/loop/objective.js';
import { parameterLayout, toVector, toWeights } from '#src/train/loop/parameter-vector.js';
import type { TrainingBatch } from '#src/train/loop/training-batch.js';
import { OBJECTIVES, type Objective } from '#src/train/options.js';
import { expectBelow } from '../../core/flow/differences.js';
import { float64Ops, type Tensor64, tensor64 } from '../../core/flow/float64-ops.js';
import { randomNumbers, randomWeights } from '../../core/flow/random-weights.js';
import { numericalDerivatives } from '../../core/inference/check-map.js';
import { openTensorflow, usePlainBackend, withoutLeak } from './training-backends.js';

const [BATCH, HEIGHT, WIDTH] = [2, 4, 8];
/** One channel, so that [B, H, W, C] and [B, C, H, W] are the same numbers. */
const NUMBERS = HEIGHT * WIDTH;
const SIGMAS = [0.06, 0.3];
/** Random directions in which each parameter's gradient is looked at. */
const DIRECTIONS = 4;
/** Of a parameter's gradient norm; float32 stays below a tenth of it. */
const TOLERANCE = 5e-4;

const levels = [
  { steps: 1, width: 3, kernel: 1 as const, splitWidth: 2 },
  { steps: 2, width: 3, kernel: 3 as const },
];
const conditioning = { kind: 'log-sigma', features: 3 } as const;

interface Flow {
  readonly name: string;
  readonly architecture: Architecture;
  readonly objectives: readonly Objective[];
  /** Of the differences: a rectifier's kinks are to be missed. */
  readonly step: number;
}

const FLOWS: readonly Flow[] = [
  {
    name: 'SiLU and tanh, conditioned',
    architecture: { channels: 1, levels, scaleCap: 0.8, conditioning },
    objectives: OBJECTIVES,
    step: 1e-4,
  },
  {
    name: 'ReLU and sigmoid, conditioned',
    architecture: {
      channels: 1,
      levels,
      scaleCap: 1,
      conditioning,
      activation: 'relu',
      couplingScale: 'sigmoid',
    },
    objectives: ['denoising'],
    step: 1e-7,
  },
  {
    name: "ReLU and sigmoid, unconditioned, as the paper's",
    architecture: {
      channels: 1,
      levels,
      scaleCap: 1,
      conditioning: null,
      activation: 'relu',
      couplingScale: 'sigmoid',
    },
    objectives: ['likelihood'],
    step: 1e-7,
  },
];

const clean = randomNumbers(BATCH * NUMBERS, 0.2, 11).map((value) => Math.fround(value + 0.5));
const noise = randomNumbers(BATCH * NUMBERS, 1, 12).map(Math.fround);
const sigmas = Float64Array.from(SIGMAS, Math.fround);

type Values = ReadonlyMap<string, Float64Array>;

/** The objective by its definition: logDensity and score are the flow's, in float64. */
function loss64(architecture: Architecture, shapes: Values, values: Values, objective: Objective): number {
  const tensor = (name: string) => {
    const shape = [...(shapes.get(name) ?? [])];
    return tensor64(
      values.get(name) ?? [],
      name.endsWith('conv1x1.weight') ? [...shape, 1, 1] : shape,
    ) as Tensor64;
  };
  const isNoisy = architecture.conditioning !== null;
  const sigmaOf = (i: number) => sigmas[Math.floor(i / NUMBERS)] as number;
  const y = clean.map((value, i) => value + (isNoisy ? sigmaOf(i) * (noise[i] as number) : 0));
  const { logDensity, score } = densityAndScore(float64Ops, architecture, {
    kernel: tensor,
    vector: tensor,
    matrix: tensor,
  })(tensor64(y, [BATCH, 1, HEIGHT, WIDTH]), tensor64(sigmas, [BATCH, 1]));
  let nats = 0;
  for (const density of logDensity.data) nats -= density / NUMBERS / BATCH;
  if (objective === 'likelihood') return nats;
  let denoising = 0;
  for (let b = 0; b < BATCH; b++) {
    let squares = 0;
    for (let i = b * NUMBERS; i < (b + 1) * NUMBERS; i++)
      squares += (sigmaOf(i) * (score.data[i] as number) + (noise[i] as number)) ** 2;
    denoising += Math.log(squares / NUMBERS + 1e-3) / BATCH;
  }
  return denoising + (objective === 'both' ? 1 : 0.002) * nats;
}

function batchFor({ conditioning: condition }: Architecture): TrainingBatch {
  const shape: [number, number, number, number] = [BATCH, HEIGHT, WIDTH, 1];
  return {
    clean: tf.tensor4d(Float32Array.from(clean), shape),
    noise: condition ? tf.tensor4d(Float32Array.from(noise), shape) : undefined,
    sigma: tf.tensor2d(Float32Array.from(sigmas), [BATCH, 1]),
  };
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

for (const [backend, open] of [
  ['cpu', async () => usePlainBackend().then(() => true)],
  ['tensorflow', () => openTensorflow('gradients on TensorFlow')],
] as const)
  for (const { name, architecture, objectives, step } of FLOWS)
    for (const objective of objectives)
      test(`${backend}: ${objective}, ${name}`, async () => {
        if (!(await open())) return;
        assert.is(tf.getBackend(), backend);
        const layout = parameterLayout(architecture);
        const weights = randomWeights(architecture, 40);
        const shapes = new Map(layout.entries.map((entry) => [entry.name, Float64Array.from(entry.shape)]));
        const values: Values = new Map(
          [...weights].map(([key, { data }]) => [key, Float64Array.from(data)] as const),
        );
        const {
          loss,
          gradientNorm: told,
          gradient,
        } = await withoutLeak(() => {
          const parameters = tf.tensor1d(toVector(layout, weights));
          const evaluated = evaluateStep({ architecture, objective }, layout, parameters, () =>
            batchFor(architecture),
          );
          const numbers = evaluated.gradient.dataSync() as Float32Array;
          tf.dispose([parameters, evaluated.gradient]);
          return { ...evaluated, gradient: numbers };
        });

        const expected = loss64(architecture, shapes, values, objective);
        expectBelow(Math.abs(loss - expected), 1e-4 * Math.max(1, Math.abs(expected)), 'loss');
        expectBelow(Math.abs(told / norm(gradient) - 1), 1e-5, 'norm');
        const gradients = toWeights(layout, gradient);
        assert.is(gradients.size, Object.keys(Object.fromEntries(weights)).length);
        for (const [i, [key, { data }]] of [...gradients].entries()) {
          assert.ok(norm(data) > 1e-5, `${key} has no gradient`);
          const own = values.get(key) ?? new Float64Array();
          for (let k = 0; k < DIRECTIONS; k++) {
            const random = randomNumbers(data.length, 1, 1000 * i + k);
            const direction = random.map((value) => value / norm(random));
            const along = (t: number) =>
              new Map(values).set(
                key,
                own.map((value, j) => value + t * (direction[j] as number)),
              );
            const [[difference = Number.NaN] = []] = numericalDerivatives(
              ([t = 0]) => Float64Array.of(loss64(architecture, shapes, along(t), objective)),
              Float64Array.of(0),
              step,
            );
            const derivative = direction.reduce((sum, value, j) => sum + value * (data[j] as number), 0);
            expectBelow(
              Math.abs(derivative - difference),
              TOLERANCE * norm(data),
              `${key}, direction ${k}: ${derivative} against ${difference}`,
            );
          }
        }
      });

test.run();
