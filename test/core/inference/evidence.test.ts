// The evidence for a prior against closed forms: under Gaussian priors the density of a noisy tile is known.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evidence, evidenceEvaluations } from '#src/core/inference/evidence.js';
import { expectBelow } from '../flow/differences.js';
import { randomNumbers } from '../flow/random-weights.js';
import { drive, gaussianPrior } from './gaussian-prior.js';

const COUNT = 12_288;
const SIGMA = 0.1;
/** So far up that nothing of the integral is cut off. */
const FAR = 50;

const flat = new Float32Array(COUNT).fill(0.5);
const uneven = Float32Array.from(randomNumbers(COUNT, 0.15, 3), (value) => 0.5 + value);
/** Pictures of the prior N(uneven, 0.1^2) with noise of SIGMA. */
const y = Float32Array.from(
  randomNumbers(COUNT, Math.hypot(0.1, SIGMA), 4),
  (value, i) => (uneven[i] as number) + value,
);
const priors = {
  right: gaussianPrior(uneven, 0.1),
  wide: gaussianPrior(uneven, 0.4),
  narrow: gaussianPrior(uneven, 0.02),
  misplaced: gaussianPrior(flat, 0.1),
} as const;

const natsUnder = (prior: (typeof priors)[keyof typeof priors], mostSigma = FAR) =>
  drive(evidence(y, SIGMA, { mostSigma, seed: 5 }), prior).result.nats;
const logDensity = (prior: (typeof priors)[keyof typeof priors]) =>
  prior({ y, sigma: SIGMA }).logDensity / COUNT;

test('the difference of two priors is that of their log densities', () => {
  for (const name of ['wide', 'narrow', 'misplaced'] as const) {
    const difference = natsUnder(priors.right) - natsUnder(priors[name]);
    const expected = logDensity(priors.right) - logDensity(priors[name]);
    assert.ok(expected > 0.05, `${name}: ${expected}`);
    expectBelow(Math.abs(difference - expected), 0.1 * expected, `${name}: ${difference} for ${expected}`);
  }
});

test('only noise levels that the prior knows are asked for, and as many as is said', () => {
  for (const mostSigma of [0.101, 0.15, 0.4, 1]) {
    const { visits, result } = drive(evidence(y, SIGMA, { mostSigma, seed: 5 }), priors.right);
    assert.is(visits.length, evidenceEvaluations(SIGMA, mostSigma));
    assert.is(result.evaluations, visits.length);
    for (const { sigma } of visits) assert.ok(sigma >= SIGMA && sigma <= mostSigma * (1 + 1e-6), `${sigma}`);
    assert.ok(natsUnder(priors.right, mostSigma) > natsUnder(priors.misplaced, mostSigma));
  }
});

test('where the flow breaks down there is no evidence for it', () => {
  const { result } = drive(evidence(y, SIGMA, { mostSigma: 1, seed: 5 }), () => ({
    logDensity: Number.NaN,
    score: new Float32Array(COUNT).fill(1e30),
  }));
  assert.is(result.nats, 0);
  assert.is(result.estimate, y);
});

test.run();
