// Densities on four numbers that are known in closed form, mixtures of Gaussians, and a test whether two samples are of one
// density.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { invertMatrix, logAbsDet } from '#src/core/ops/small-matrix.js';

const SIZE = 4;

export interface Truth {
  /** `count` points, one after the other. */
  sample(count: number, seed: number): Float32Array;
  logDensity(points: Float32Array): number[];
}

export interface GaussianTruth extends Truth {
  /** Nats. */
  entropy(): number;
  /** Of the density under noise of level sigma. */
  score(points: Float32Array, sigma?: number): number[];
}

type Matrix = readonly number[];

/** A Cholesky factor: lower, row-major. */
function cholesky(covariance: Matrix): number[] {
  const lower = new Array<number>(SIZE * SIZE).fill(0);
  for (let i = 0; i < SIZE; i++)
    for (let j = 0; j <= i; j++) {
      let sum = covariance[i * SIZE + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (lower[i * SIZE + k] ?? 0) * (lower[j * SIZE + k] ?? 0);
      lower[i * SIZE + j] = i === j ? Math.sqrt(sum) : sum / (lower[j * SIZE + j] ?? 1);
    }
  return lower;
}

function times(matrix: ArrayLike<number>, vector: ArrayLike<number>): number[] {
  return Array.from({ length: SIZE }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < SIZE; j++) sum += (matrix[i * SIZE + j] ?? 0) * (vector[j] ?? 0);
    return sum;
  });
}

function pointsOf(points: Float32Array): number[][] {
  return Array.from({ length: points.length / SIZE }, (_, i) => [
    ...points.subarray(i * SIZE, (i + 1) * SIZE),
  ]);
}

function gaussian(mean: readonly number[], covariance: Matrix): GaussianTruth {
  const lower = cholesky(covariance);
  const logDet = logAbsDet(covariance, SIZE);
  const noisy = (sigma: number) =>
    covariance.map((value, i) => value + (i % (SIZE + 1) === 0 ? sigma ** 2 : 0));
  const precision = invertMatrix(covariance, SIZE);
  const centred = (point: readonly number[]) => point.map((value, k) => value - (mean[k] ?? 0));
  return {
    sample(count, seed) {
      const normal = gaussianGenerator(seed);
      const draw = () =>
        times(lower, Array.from({ length: SIZE }, normal)).map((value, k) => value + (mean[k] ?? 0));
      return Float32Array.from(Array.from({ length: count }, draw).flat());
    },
    logDensity: (points) =>
      pointsOf(points).map((point) => {
        const c = centred(point);
        const squares = times(precision, c).reduce((sum, value, k) => sum + value * (c[k] ?? 0), 0);
        return -0.5 * (squares + logDet + SIZE * Math.log(2 * Math.PI));
      }),
    entropy: () => 0.5 * (logDet + SIZE * Math.log(2 * Math.PI * Math.E)),
    score(points, sigma = 0) {
      const inverse = invertMatrix(noisy(sigma), SIZE);
      return pointsOf(points).flatMap((point) => times(inverse, centred(point)).map((value) => -value));
    },
  };
}

/** Neighbouring pixels alike, as in pictures, of different means and deviations. */
export function gaussianTruth(): GaussianTruth {
  const deviations = [0.1, 0.14, 0.08, 0.12];
  const covariance = deviations.flatMap((a, i) =>
    deviations.map((b, j) => a * b * (i === j ? 1 : i + j === 3 ? 0.35 : 0.55)),
  );
  return gaussian([0.4, 0.5, 0.45, 0.6], covariance);
}

/** Two half circles that hold each other, in two of four directions that are none of the pixels'; normal in the others. */
const PER_MOON = 8;
const SCALE = 0.1;
const MOON_DEVIATION = 0.16;
const CENTRES = Array.from({ length: 2 * PER_MOON }, (_, i) => {
  const angle = (Math.PI * (i % PER_MOON)) / (PER_MOON - 1);
  return i < PER_MOON
    ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25, 0, 0]
    : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle), 0, 0];
});
/** Half of a Hadamard matrix: orthogonal. */
const TURN = [1, 1, 1, 1, 1, -1, 1, -1, 1, 1, -1, -1, 1, -1, -1, 1].map((value) => value / 2);
const turned = (point: readonly number[]) => times(TURN, point).map((value) => 0.5 + SCALE * value);
const PARTS = CENTRES.map((centre) => {
  const scales = [MOON_DEVIATION, MOON_DEVIATION, 0.2, 0.3];
  const covariance = Array.from({ length: SIZE * SIZE }, (_, at) => {
    const [i, j] = [Math.floor(at / SIZE), at % SIZE];
    let sum = 0;
    for (let k = 0; k < SIZE; k++)
      sum += (TURN[i * SIZE + k] ?? 0) * (TURN[j * SIZE + k] ?? 0) * (SCALE * (scales[k] ?? 0)) ** 2;
    return sum;
  });
  return { mean: turned(centre), covariance, density: gaussian(turned(centre), covariance) };
});

export const MOONS: Truth & { gaussianAlike(): GaussianTruth } = {
  sample(count, seed) {
    const generator = mersenne(seed);
    const drawn = PARTS.map(({ density }, part) => pointsOf(density.sample(count, 100 * seed + part)));
    const draw = (_: unknown, i: number) =>
      drawn[Math.floor(uniformFloat64(generator) * PARTS.length)]?.[i] ?? [];
    return Float32Array.from(Array.from({ length: count }, draw).flat());
  },
  logDensity(points) {
    const parts = PARTS.map(({ density }) => density.logDensity(points));
    return pointsOf(points).map((_, i) => {
      const logs = parts.map((part) => part[i] ?? Number.NaN);
      const most = Math.max(...logs);
      return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / PARTS.length);
    });
  },
  /** The Gaussian with the mixture's mean and covariance. */
  gaussianAlike() {
    const mean = [0, 1, 2, 3].map(
      (k) => PARTS.reduce((sum, part) => sum + (part.mean[k] ?? 0), 0) / PARTS.length,
    );
    const covariance = Array.from({ length: SIZE * SIZE }, (_, at) => {
      const [i, j] = [Math.floor(at / SIZE), at % SIZE];
      const spread = (part: (typeof PARTS)[number], k: number) => (part.mean[k] ?? 0) - (mean[k] ?? 0);
      return (
        PARTS.reduce((sum, part) => sum + (part.covariance[at] ?? 0) + spread(part, i) * spread(part, j), 0) /
        PARTS.length
      );
    });
    return gaussian(mean, covariance);
  },
};

/**
 * The chance of two samples that differ as much or more if both are of one density: the energy distance (Szekely and
 * Rizzo 2004) under 99 permutations of which point is of which sample.
 */
export function energyTest(a: Float32Array, b: Float32Array, size: number, seed: number): number {
  const all = Float32Array.of(...a, ...b);
  const [count, first] = [all.length / size, a.length / size];
  const distances = new Float32Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < i; j++) {
      let squares = 0;
      for (let k = 0; k < size; k++) squares += ((all[i * size + k] ?? 0) - (all[j * size + k] ?? 0)) ** 2;
      distances[i * count + j] = Math.sqrt(squares);
      distances[j * count + i] = Math.sqrt(squares);
    }
  const points = Array.from({ length: count }, (_, i) => i);
  /** Of each pair once. */
  const sumOf = (some: readonly number[]) => {
    let sum = 0;
    for (let i = 0; i < some.length; i++) {
      const row = count * (some[i] as number);
      for (let j = 0; j < i; j++) sum += distances[row + (some[j] as number)] as number;
    }
    return sum;
  };
  const total = sumOf(points);
  const isFirst = Uint8Array.from(points, (i) => (i < first ? 1 : 0));
  const statistic = () => {
    const [one = 0, two = 0] = [1, 0].map((part) => sumOf(points.filter((i) => isFirst[i] === part)));
    const [ones, twos] = [first, count - first];
    return (2 * (total - one - two)) / (ones * twos) - (2 * one) / ones ** 2 - (2 * two) / twos ** 2;
  };
  const observed = statistic();
  const generator = mersenne(seed);
  let asLarge = 1;
  for (let permutation = 0; permutation < 99; permutation++) {
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(uniformFloat64(generator) * (i + 1));
      const swap = isFirst[i] as number;
      isFirst[i] = isFirst[j] as number;
      isFirst[j] = swap;
    }
    if (statistic() >= observed) asLarge++;
  }
  return asLarge / 100;
}
