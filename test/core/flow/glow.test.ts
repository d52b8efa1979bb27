// Whole flows on the float64 oracle: the chain of bijections, and the score as the gradient of the log density.
import { test } from 'uvu';
import type { Architecture, Level } from '#src/core/flow/architecture.js';
import { glow } from '#src/core/flow/glow.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { noiseCondition } from '#src/core/flow/networks.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { checkMap, numericalDerivatives } from '../inference/check-map.js';
import { expectBelow, relativeDifference } from './differences.js';
import { float64Ops as ops, tensor64 } from './float64-ops.js';
import { randomNumbers, randomWeights } from './random-weights.js';

const split: Level = { steps: 1, width: 3, kernel: 1, splitWidth: 2 };
const wide: Level = { steps: 2, width: 4, kernel: 3, splitWidth: 3 };
const last: Level = { steps: 1, width: 3, kernel: 3 };
const squeezeOnly: Level = { steps: 0, width: 1, kernel: 1 };

const FLOWS: readonly { name: string; channels: number; levels: readonly Level[]; sides: number[][] }[] = [
  {
    name: 'one level',
    channels: 3,
    levels: [last],
    sides: [
      [2, 2],
      [4, 6],
    ],
  },
  {
    name: 'two levels',
    channels: 3,
    levels: [wide, last],
    sides: [
      [4, 4],
      [4, 8],
    ],
  },
  { name: 'three levels', channels: 1, levels: [split, wide, last], sides: [[8, 16]] },
  { name: 'a level that only squeezes', channels: 1, levels: [squeezeOnly, wide, last], sides: [[16, 8]] },
];

function architectureOf(channels: number, levels: readonly Level[], isConditioned: boolean): Architecture {
  return {
    channels,
    levels,
    scaleCap: 0.9,
    conditioning: isConditioned ? { kind: 'log-sigma', features: 3 } : null,
  };
}

for (const { name, channels, levels, sides } of FLOWS)
  for (const isConditioned of [false, true])
    test(`${name}, ${isConditioned ? 'conditioned' : 'unconditioned'}`, () => {
      const architecture = architectureOf(channels, levels, isConditioned);
      const source = parametersFrom(ops, randomWeights(architecture, 300));
      const condition = isConditioned
        ? noiseCondition(ops, source)(tensor64([0.02, 0.3], [2, 1]))
        : undefined;
      for (const [height = 0, width = 0] of sides)
        checkMap(glow(ops, architecture, source), [channels, height, width], condition);
    });

test('the score is the gradient of the log density, for every picture and noise level of a batch', () => {
  for (const isConditioned of [false, true]) {
    const architecture = architectureOf(3, [wide, last], isConditioned);
    const density = densityAndScore(ops, architecture, parametersFrom(ops, randomWeights(architecture, 500)));
    const shape = [2, 3, 4, 8];
    const sigma = tensor64([0.03, 0.25], [2, 1]);
    const y = randomNumbers(192, 0.3, 3).map((value) => value + 0.5);
    const logDensity = (values: Float64Array) => density(tensor64(values, shape), sigma).logDensity.data;
    const rows = numericalDerivatives(logDensity, y, 3e-5);
    const gradient = Float64Array.from(rows, ([a = 0, b = 0]) => a + b);
    const { score } = density(tensor64(y, shape), sigma);
    expectBelow(relativeDifference(score.data, gradient), 1e-6, 'score');
    // A picture's density is its own: the first half of the numbers moves the first density alone.
    for (const [i, [a = 0, b = 0]] of rows.entries())
      expectBelow(Math.abs(i < 96 ? b : a), 0, 'influence of one picture on the other');
  }
});

test('a flow of known density: without couplings it is a Gaussian of the mixed pixels', () => {
  // Couplings of zero weights, so y -> W (4 (y - 1/2) squeezed + bias) exp(logScale) and a Gaussian per channel.
  const architecture = architectureOf(1, [{ steps: 1, width: 2, kernel: 1 }], false);
  const weights = new Map(randomWeights(architecture, 700));
  for (const [name, { shape, data }] of weights)
    if (name.includes('coupling')) weights.set(name, { shape, data: new Float32Array(data.length) });
  const entries = (name: string) => [...(weights.get(name)?.data ?? [])];
  const [bias, logScale, matrix, top] = [
    'levels.0.steps.0.actnorm.bias',
    'levels.0.steps.0.actnorm.logScale',
    'levels.0.steps.0.conv1x1.weight',
    'top.bias',
  ].map(entries) as [number[], number[], number[], number[]];
  const y = [0.1, 0.7, 0.4, 0.9];
  const normed = y.map((value, c) => (4 * (value - 0.5) + (bias[c] ?? 0)) * Math.exp(logScale[c] ?? 0));
  let expected = 4 * Math.log(4) + Math.log(Math.abs(determinant(matrix)));
  for (let c = 0; c < 4; c++) {
    const mixed = normed.reduce((sum, value, k) => sum + (matrix[4 * c + k] ?? 0) * value, 0);
    const [mean, spread] = [top[c] ?? 0, top[4 + c] ?? 0];
    const latent = (mixed - mean) / Math.exp(spread);
    expected += (logScale[c] ?? 0) - spread - latent ** 2 / 2 - Math.log(2 * Math.PI) / 2;
  }
  const density = densityAndScore(ops, architecture, parametersFrom(ops, weights));
  const { logDensity } = density(tensor64(y, [1, 1, 2, 2]), tensor64([0.1], [1, 1]));
  expectBelow(Math.abs((logDensity.data[0] ?? Number.NaN) - expected), 1e-10, 'log density');
});

/** By Laplace's expansion along the first row. */
function determinant(matrix: readonly number[]): number {
  const size = Math.sqrt(matrix.length);
  if (size === 1) return matrix[0] ?? Number.NaN;
  return matrix.slice(0, size).reduce((sum, value, column) => {
    const minor = matrix.filter((_, i) => i >= size && i % size !== column);
    return sum + (column % 2 === 0 ? 1 : -1) * value * determinant(minor);
  }, 0);
}

test.run();
