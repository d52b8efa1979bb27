// What beta-MAP does when the user leaves it to the prior.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { calibratedBeta, calibratedBetaMap } from '#src/core/inference/calibration.js';
import { findPrior, shippedPriors } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { fixtureFolder } from '../fixture.js';
import { expectBelow } from '../flow/differences.js';

const TABLE = [
  { sigma255: 5, beta: 8 },
  { sigma255: 20, beta: 4 },
  { sigma255: 80, beta: 6 },
];

test('beta is the table at its rows, and constant beyond them', () => {
  for (const { sigma255, beta } of TABLE) assert.is(calibratedBeta(TABLE, sigma255), beta);
  for (const faint of [0.1, 4.99]) assert.is(calibratedBeta(TABLE, faint), 8);
  for (const strong of [80.01, 255]) assert.is(calibratedBeta(TABLE, strong), 6);
});

test('between rows it is linear in ln sigma, in whatever order they stand', () => {
  for (const table of [TABLE, [...TABLE].reverse()]) {
    // The geometric mean lies half way; 5 * 4^(1/4) a quarter of the way.
    expectBelow(Math.abs(calibratedBeta(table, 10) - 6), 1e-12, 'half way from 5 to 20');
    expectBelow(Math.abs(calibratedBeta(table, 40) - 5), 1e-12, 'half way from 20 to 80');
    expectBelow(Math.abs(calibratedBeta(table, 5 * Math.SQRT2) - 7), 1e-12, 'a quarter of the way');
  }
});

test('one row holds everywhere; none is an error', () => {
  for (const sigma255 of [1, 25, 200]) assert.is(calibratedBeta([{ sigma255: 25, beta: 3 }], sigma255), 3);
  assert.throws(() => calibratedBeta([], 25), /at least one row/);
});

test("a shipped prior's own calibration is used, a given beta instead of its", async () => {
  for (const name of shippedPriors()) {
    const { model } = await loadPrior(findPrior(name));
    const calibration = model.calibration?.betaMap;
    // An unconditioned prior may do without: its climb goes on to convergence.
    assert.ok(calibration || model.conditioning === null, `${name} has no calibration`);
    for (const { sigma255, beta } of calibration?.table ?? []) {
      const options = calibratedBetaMap(model, sigma255 / 255);
      expectBelow(Math.abs(options.beta - beta), 1e-9, `${name} at ${sigma255}`);
      assert.is(options.steps, calibration?.steps);
      assert.is(options.rate, calibration?.rate);
      assert.is(options.priorSigma, model.sigmaRange[0]);
      assert.is(calibratedBetaMap(model, sigma255 / 255, 2.5).beta, 2.5);
    }
  }
});

test('an unconditioned prior starts at the noisy picture and is not polished', async () => {
  const options = calibratedBetaMap((await loadPrior(fixtureFolder('unconditioned'))).model, 0.1);
  assert.is(options.start, 'noisy');
  assert.is(options.polish, false);
  assert.is(
    calibratedBetaMap((await loadPrior(fixtureFolder('conditioned'))).model, 0.1).start,
    'posterior-mean',
  );
});

test.run();
