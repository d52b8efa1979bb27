// What beta is for: the larger it is, the closer the estimate stays to the noisy picture. The clean prior of natural does
// not bear noise as strong as this, so the climb begins at the posterior mean.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine } from '#src/core/engine/open-engine.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { createSchedule } from '#src/tile/schedule.js';
import { photo, planar } from '../photo.js';

const SIDE = 64;
const SIGMA = 25 / 255;

test('run to convergence, mean |C_hat - y| falls as beta grows', async () => {
  const prior = await loadPrior(findPrior('natural'));
  const { data } = await photo('chelsea.png', { left: 120, top: 80, width: SIDE, height: SIDE });
  const y = addGaussianNoise(planar(data), SIGMA, 1);
  const engine = await openEngine(prior, { engine: 'onnx' });
  try {
    const schedule = createSchedule(engine);
    const estimates = await Promise.all(
      [1, 2, 4, 8].map((beta) => {
        const options = { beta, steps: 200, rate: 0.15, start: 'posterior-mean', polish: false } as const;
        const estimation = betaMap(y, SIGMA, { ...options, priorSigma: prior.model.sigmaRange[0] });
        return schedule.run({ shape: { channels: 3, height: SIDE, width: SIDE }, estimation });
      }),
    );
    const distances = estimates.map(
      ({ estimate }) => estimate.reduce((sum, value, i) => sum + Math.abs(value - (y[i] ?? 0)), 0) / y.length,
    );
    for (const [i, distance] of distances.entries())
      assert.ok(distance > 0 && (i === 0 || distance < (distances[i - 1] ?? 0)), distances.join());
    for (const [i, { steps }] of estimates.entries()) assert.ok(steps > 20, `estimate ${i}: ${steps} steps`);
  } finally {
    await engine.close();
  }
});

test.run();
