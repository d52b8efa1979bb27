// The estimators against closed forms: under a Gaussian prior and Gaussian noise both have one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BetaMapOptions, betaMap } from '#src/core/inference/beta-map.js';
import { posteriorMean } from '#src/core/inference/posterior-mean.js';
import { gaussianNoise } from '#src/core/noise/index.js';
import { expectBelow, rmsDifference } from '../flow/differences.js';
import { randomNumbers } from '../flow/random-weights.js';
import { type DensityFunction, drive, gaussianPrior } from './gaussian-prior.js';

const COUNT = 48;
const TAU = 0.15;
const S = 0.02;
const SIGMA = 0.1;
const mu = Float32Array.from(randomNumbers(COUNT, 0.1, 1), (value) => 0.5 + value);
const y = Float32Array.from(randomNumbers(COUNT, 0.2, 2), (value) => 0.5 + value);
const prior = gaussianPrior(mu, TAU);

const CONVERGE: BetaMapOptions = {
  beta: 2,
  steps: 200,
  rate: 0.15,
  start: 'noisy',
  polish: false,
  priorSigma: S,
};

/** argmax of -beta (y - C)^2 / (2 sigma^2) - (C - mu)^2 / (2 (tau^2 + s^2)), number by number. */
function closedForm(beta: number, sigmaOf: (index: number) => number): Float32Array {
  const prior = 1 / (TAU ** 2 + S ** 2);
  return y.map((value, i) => {
    const likelihood = beta / sigmaOf(i) ** 2;
    return (likelihood * value + prior * (mu[i] as number)) / (likelihood + prior);
  });
}

test('the posterior mean of a Gaussian prior: the precision-weighted mean, from one evaluation', () => {
  for (const sigma of [0.02, 0.1, 0.4]) {
    const { result, visits } = drive(posteriorMean(y, sigma), prior);
    const expected = y.map(
      (value, i) => (value / sigma ** 2 + (mu[i] as number) / TAU ** 2) / (1 / sigma ** 2 + 1 / TAU ** 2),
    );
    expectBelow(rmsDifference(result.estimate, expected), 1e-7, `sigma ${sigma}`);
    assert.is(result.evaluations, 1);
    assert.equal(visits, [{ y, sigma }]);
  }
});

test('beta-MAP run to convergence is the closed form, from either start', () => {
  for (const start of ['noisy', 'posterior-mean'] as const)
    for (const beta of [0.5, 1, 4, 20]) {
      const { result } = drive(betaMap(y, SIGMA, { ...CONVERGE, beta, start }), prior);
      const expected = closedForm(beta, () => SIGMA);
      expectBelow(rmsDifference(result.estimate, expected) / SIGMA, 5e-3, `beta ${beta} from ${start}`);
      assert.ok(result.isConverged, `beta ${beta} from ${start} has not converged`);
    }
});

test('a sigma per pixel enters through the noise model', () => {
  const sigmas = Float32Array.from({ length: COUNT / 3 }, (_, i) => 0.04 + 0.01 * i);
  const { result } = drive(betaMap(y, SIGMA, { ...CONVERGE, noise: gaussianNoise(sigmas) }), prior);
  const expected = closedForm(CONVERGE.beta, (i) => sigmas[i % sigmas.length] as number);
  expectBelow(rmsDifference(result.estimate, expected) / SIGMA, 5e-3, 'estimate');
  // The test would mean nothing if one sigma for all gave the same.
  assert.ok(
    rmsDifference(
      expected,
      closedForm(CONVERGE.beta, () => SIGMA),
    ) >
      0.05 * SIGMA,
  );
});

test('the objective is beta ln p(y | C) + ln p_s(C) of the estimate', () => {
  const { result } = drive(betaMap(y, SIGMA, CONVERGE), prior);
  const { logDensity } = prior({ y: result.estimate, sigma: S });
  const expected = 2 * gaussianNoise(SIGMA).logLikelihood(result.estimate, y) + logDensity;
  expectBelow(Math.abs(result.objective - expected), 1e-9 * Math.abs(expected), 'objective');
});

test('the polish adds s^2 score(C; s)', () => {
  const plain = drive(betaMap(y, SIGMA, { ...CONVERGE, steps: 5 }), prior).result.estimate;
  const { result, visits } = drive(betaMap(y, SIGMA, { ...CONVERGE, steps: 5, polish: true }), prior);
  const { score } = prior({ y: plain, sigma: S });
  const expected = plain.map((value, i) => value + S ** 2 * (score[i] as number));
  expectBelow(rmsDifference(result.estimate, expected), 1e-7, 'polished');
  assert.ok(rmsDifference(expected, plain) > 1e-4, 'the polish does nothing here');
  assert.is(visits.length, 6, 'the polish costs no evaluation');
});

test('evaluations: the steps and one, and one more for the start at the posterior mean', () => {
  for (const steps of [1, 5, 9]) {
    const options = { ...CONVERGE, steps, rate: 0.05 };
    const noisy = drive(betaMap(y, SIGMA, options), prior);
    assert.equal(
      [noisy.result.steps, noisy.result.evaluations, noisy.visits.length],
      [steps, steps + 1, steps + 1],
    );
    assert.equal(noisy.visits[0], { y, sigma: S });
    const mean = drive(betaMap(y, SIGMA, { ...options, start: 'posterior-mean' }), prior);
    assert.equal(
      [mean.result.steps, mean.result.evaluations, mean.visits.length],
      [steps, steps + 2, steps + 2],
    );
    assert.equal(mean.visits[0], { y, sigma: SIGMA });
    const start = drive(posteriorMean(y, SIGMA), prior).result.estimate;
    assert.equal(mean.visits[1], { y: start, sigma: S });
    assert.ok(mean.visits.slice(1).every(({ sigma }) => sigma === S));
  }
});

test('the input is not modified', () => {
  const before = Float32Array.from(y);
  for (const start of ['noisy', 'posterior-mean'] as const)
    drive(betaMap(y, SIGMA, { ...CONVERGE, start }), prior);
  assert.equal(y, before);
});

test('a start at the optimum stops after one step', () => {
  const { result } = drive(betaMap(mu, SIGMA, CONVERGE), prior);
  assert.equal([result.steps, result.evaluations, result.isConverged], [1, 2, true]);
  assert.equal(result.estimate, mu);
});

test('it stops as soon as an update has an RMS below 1e-3 sigma, and not before', () => {
  const { result, visits } = drive(betaMap(y, SIGMA, CONVERGE), prior);
  const updates = visits.slice(1).map((visit, i) => rmsDifference(visit.y, visits[i]?.y ?? []));
  assert.ok(result.steps < CONVERGE.steps, `${result.steps} steps`);
  assert.is(updates.length, result.steps);
  assert.ok((updates.at(-1) ?? 1) < 1e-3 * SIGMA, `last update ${updates.at(-1)}`);
  assert.ok(
    updates.slice(0, -1).every((update) => update >= 0.999e-3 * SIGMA),
    'an earlier update was as small',
  );
});

/** A density whose values are given visit by visit, large enough to outweigh the likelihood; any score. */
function ranked(values: readonly number[]): DensityFunction {
  let visit = 0;
  return (request) => ({ logDensity: 1e6 * (values[visit++] ?? -9), score: prior(request).score });
}

test('the best iterate is kept, with the score that belongs to it', () => {
  for (const best of [0, 2, 4]) {
    const values = [-1, -2, -3, -4, -5].map((value, i) => (i === best ? 0 : value));
    for (const polish of [false, true]) {
      const options = { ...CONVERGE, steps: 4, polish };
      const { result, visits } = drive(betaMap(y, SIGMA, options), ranked(values));
      const kept = visits[best]?.y ?? new Float32Array();
      const { score } = prior({ y: kept, sigma: S });
      const expected = polish ? kept.map((value, i) => value + S ** 2 * (score[i] as number)) : kept;
      expectBelow(rmsDifference(result.estimate, expected), 1e-7, `best ${best}, polish ${polish}`);
    }
  }
});

const BREAKS = ['density', 'score', 'absurd'] as const;

/** The Gaussian prior, but for the visits that are listed: not finite, or finite and absurd. */
function breaking(at: readonly number[], where: (typeof BREAKS)[number]): DensityFunction {
  let visit = 0;
  return (request) => {
    const density = prior(request);
    if (!at.includes(visit++)) return density;
    if (where === 'density') return { ...density, logDensity: Number.NEGATIVE_INFINITY };
    const bad = where === 'score' ? Number.NaN : -11 / request.sigma;
    return { ...density, score: density.score.map((value, i) => (i === 7 ? bad : value)) };
  };
}

test('where the flow breaks down, the posterior mean is that for stronger noise, or the noisy tile', () => {
  const stronger = drive(posteriorMean(y, 1.5 * SIGMA), prior).result.estimate;
  for (const where of BREAKS) {
    const once = drive(posteriorMean(y, SIGMA), breaking([0], where));
    assert.equal([once.result.estimate, once.result.fallback], [stronger, 'stronger'], where);
    const always = drive(posteriorMean(y, SIGMA), breaking([0, 1, 2, 3], where));
    assert.equal(
      [always.result.estimate, always.result.fallback, always.result.evaluations],
      [y, 'noisy', 4],
    );
    for (const [k, { sigma }] of always.visits.entries())
      assert.ok(Math.abs(sigma - SIGMA * 1.5 ** k) < 1e-12);
    const limited = drive(posteriorMean(y, SIGMA, { mostSigma: 1.6 * SIGMA }), breaking([0, 1, 2], where));
    assert.equal([limited.result.evaluations, limited.visits.at(-1)?.sigma], [3, 1.6 * SIGMA]);
  }
});

test('where stronger noise would take away more than there is, the tile stays noisy', () => {
  const once = breaking([0], 'score');
  // 2 sigma of the stronger level everywhere: finite, and nowhere absurd.
  const patterned: DensityFunction = (request) => {
    const density = once(request);
    if (request.sigma === SIGMA) return density;
    return { ...density, score: density.score.map((_, i) => (i % 2 === 0 ? 2 : -2) / request.sigma) };
  };
  const { result } = drive(posteriorMean(y, SIGMA), patterned);
  assert.equal([result.estimate, result.fallback, result.evaluations], [y, 'noisy', 4]);
});

test('where the flow breaks down, beta-MAP is the best that there was before, or its start', () => {
  const mean = drive(posteriorMean(y, SIGMA), prior).result.estimate;
  const options = { ...CONVERGE, steps: 5, rate: 0.05, start: 'posterior-mean' } as const;
  for (const where of BREAKS) {
    const run = (at: readonly number[]) => drive(betaMap(y, SIGMA, options), breaking(at, where));
    const never = run([0, 1, 2, 3, 4]).result;
    assert.equal([never.estimate, never.fallback, never.evaluations], [y, 'noisy', 5]);
    const onlyMean = run([1]).result;
    assert.equal([onlyMean.estimate, onlyMean.fallback, onlyMean.steps], [mean, 'posterior-mean', 0]);
    const later = run([3]);
    assert.equal([later.result.fallback, later.result.evaluations], [undefined, 4]);
    assert.equal(later.result.estimate, later.visits[2]?.y);
    // The start alone broke down: it goes on from the noisy tile, and that is no fallback.
    const recovered = run([0, 1, 2, 3]);
    assert.equal([recovered.visits[4]?.y, recovered.result.fallback], [y, undefined]);
  }
});

test.run();
