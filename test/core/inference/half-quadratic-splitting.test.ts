// The splitting under a prior whose posterior mean is known in closed form: independent Gaussians.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  halfQuadraticSplitting,
  noiseOfTile,
  type PosteriorMeanAt,
  SCHEDULE,
} from '#src/core/inference/half-quadratic-splitting.js';
import { type NoiseProfile, normalizeSpectrum, whiteProfile } from '#src/core/noise/model/noise-profile.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { largestDifference } from '../flow/differences.js';
import { withNoiseOf } from '../noise/estimate/coloured-noise.js';

const SIDE = 64;
const SHAPE = { channels: 3, height: SIDE, width: SIDE } as const;
const SIZE = 3 * SIDE * SIDE;
const RANGE = [0.001, 1] as const;
const MU = 0.5;
const TAU = 0.1;

/** E[C | x] for C ~ N(mu, tau^2) and white noise of level s; says which levels were asked for. */
function gaussianMean(asked: (readonly number[])[] = []): PosteriorMeanAt {
  return async (x, levels) => {
    asked.push(levels);
    const share = TAU ** 2 / (TAU ** 2 + (levels[0] as number) ** 2);
    return x.map((value) => MU + share * (value - MU));
  };
}

const next = gaussianGenerator(3);
const noisy = { ...SHAPE, data: Float32Array.from({ length: SIZE }, () => MU + 0.2 * next()) };

const COARSE: NoiseProfile = {
  brightness: [0.2, 0.8],
  channels: [
    { level: [0.03, 0.06], spectrum: normalizeSpectrum([0.2, 2, 4, 6]).spectrum },
    { level: [0.02, 0.02], spectrum: normalizeSpectrum([0.2, 1, 5, 12]).spectrum },
    { level: [0.02, 0.02], spectrum: normalizeSpectrum([0.2, 1, 5, 12]).spectrum },
  ],
};

test('white noise is one posterior mean at its level, whatever the schedule', async () => {
  const asked: (readonly number[])[] = [];
  const mean = gaussianMean(asked);
  const options = { range: RANGE, scales: 3, schedule: [1, 0.7, 0.5] };
  const estimate = await halfQuadraticSplitting(noisy, whiteProfile(0.07, 3), mean, options);
  assert.is(asked.length, 1);
  assert.is(asked[0]?.length, 1);
  assert.ok(Math.abs((asked[0]?.[0] ?? 0) - 0.07) < 1e-6, `${asked[0]}`);
  assert.equal(estimate, await gaussianMean()(noisy.data, [asked[0]?.[0] as number]));
});

test('a level beyond the range of the prior becomes its end', async () => {
  const asked: (readonly number[])[] = [];
  const options = { range: [0.01, 0.3], scales: 3, schedule: SCHEDULE } as const;
  await halfQuadraticSplitting(noisy, whiteProfile(0.5, 3), gaussianMean(asked), options);
  await halfQuadraticSplitting(noisy, whiteProfile(0.001, 3), gaussianMean(asked), options);
  assert.equal(asked, [[0.3], [0.01]]);
});

test('levels per scale are those of the noise there, times the schedule', async () => {
  const asked: (readonly number[])[] = [];
  const options = { range: RANGE, scales: 3, schedule: [1, 0.6] };
  await halfQuadraticSplitting(noisy, COARSE, gaussianMean(asked), options);
  const { levels, isWhite } = noiseOfTile(noisy, COARSE);
  assert.is(isWhite, false);
  assert.equal(asked[0], levels);
  assert.ok(
    asked[1]?.every((level, i) => Math.abs(level - 0.6 * (levels[i] ?? 0)) < 1e-9),
    `${asked}`,
  );
  assert.ok((levels[0] ?? 0) < (levels[1] ?? 0) && (levels[1] ?? 0) < (levels[2] ?? 0), `${levels}`);
});

/**
 * The objective's maximum where the noise is white in each channel: mu + g (N - mu), g = tau^2 / (tau^2 + v). At a finite s
 * the splitting ends at the maximum for v + s^2.
 */
test('many steps of one small s reach the maximum of the objective', async () => {
  const levels = [0.03, 0.06, 0.12];
  const channels = levels.map((level) => ({ level: [level], spectrum: [1, 1, 1, 1] }));
  const profile = { brightness: [0.5], channels };
  const s = 0.02;
  const { levels: known } = noiseOfTile(noisy, profile);
  const schedule = new Array<number>(400).fill(s / (known[0] as number));
  const luma = { ...noisy, data: noisy.data.map((_, i) => noisy.data[i % (SIDE * SIDE)] as number) };
  const options = { range: RANGE, scales: 1, schedule };
  const estimate = await halfQuadraticSplitting(luma, profile, gaussianMean(), options);
  // Three equal planes are luma alone, whose variance is that of the first channel.
  const share = TAU ** 2 / (TAU ** 2 + 0.03 ** 2 + s ** 2);
  const expected = luma.data.map((value) => MU + share * (value - MU));
  assert.ok(largestDifference(estimate, expected) < 2e-3, `${largestDifference(estimate, expected)}`);
});

test('where the noise is coarse and depends on brightness, it beats the best white sigma', async () => {
  const clean = Float32Array.from({ length: SIZE }, (_, i) => (i % SIDE < SIDE / 2 ? 0.25 : 0.75));
  const structured = clean.map((value) => value + 0.06 * next());
  const data = withNoiseOf(COARSE, structured, SIDE, 9);
  // The prior knows the two halves, and independent Gaussians around them.
  const mean: PosteriorMeanAt = async (x, [s = 0]) => {
    const share = 0.06 ** 2 / (0.06 ** 2 + s ** 2);
    return x.map((value, i) => (clean[i] as number) + share * (value - (clean[i] as number)));
  };
  const error = (estimate: Float32Array) =>
    estimate.reduce((sum, value, i) => sum + (value - (structured[i] as number)) ** 2, 0);
  const white = await Promise.all(
    [0.01, 0.02, 0.03, 0.04, 0.06, 0.08].map(async (s) => error(await mean(data, [s]))),
  );
  const tile = { ...SHAPE, data };
  // This prior has no structure that would tell noise from it: many steps are needed.
  const options = { range: RANGE, scales: 1, schedule: new Array<number>(60).fill(0.2) };
  const found = error(await halfQuadraticSplitting(tile, COARSE, mean, options));
  assert.ok(found < 0.9 * Math.min(...white), `${found} against ${Math.min(...white)}`);
});

test('an estimate that is not finite is left out', async () => {
  let calls = 0;
  const first = gaussianMean();
  const estimate = await halfQuadraticSplitting(
    noisy,
    COARSE,
    async (x, levels) => (calls++ === 0 ? first(x, levels) : x.map(() => Number.NaN)),
    { range: RANGE, scales: 3, schedule: SCHEDULE },
  );
  assert.is(calls, 2);
  assert.ok(estimate.every(Number.isFinite));
});

test.run();
