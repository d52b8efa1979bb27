// A forecast measures the machine only where there is something to forecast.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '#src/core/engine/engine.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadModel } from '#src/core/model/load-prior.js';
import { paceOf } from '#src/denoiser/time-estimate.js';

test('small pictures are not worth a measurement, and what was measured holds for them too', async () => {
  let evaluations = 0;
  const engine = {
    lanes: 2,
    async evaluate() {
      evaluations += 1;
      return { logDensity: 0, score: new Float32Array() };
    },
  } as unknown as Engine;
  const pace = paceOf(engine, await loadModel(findPrior('natural')));
  const guessed = await pace(64 * 64);
  assert.is(evaluations, 0);
  assert.ok(guessed.secondsPerPixel > 0);
  const measured = await pace(2e6);
  assert.is(evaluations, 4);
  assert.is(await pace(64 * 64), measured);
  assert.is(evaluations, 4);
});

test.run();
