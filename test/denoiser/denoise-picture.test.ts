// A picture fails as a whole when any of its tiles does.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { denoisePicture } from '#src/denoiser/denoise-picture.js';
import type { Approach } from '#src/denoiser/preset.js';
import { createSchedule } from '#src/tile/schedule.js';
import { recordingEngine } from '../tile/recording-engine.js';

const { model } = await loadPrior(findPrior('natural'));
const approach: Approach = { method: 'posterior-mean', ensemble: 1, scales: 1 };
const settings = {
  model,
  approachFor: () => approach,
  beta: 'auto',
  tileSize: 32,
  overlap: 8,
  meter: openNoiseMeter(),
} as const;
const options = { sigma: 25, noise: 'auto', strength: 1 } as const;
const picture = {
  data: new Float32Array(3 * 32 * 150).map((_, i) => (i % 3) / 2),
  width: 150,
  height: 32,
  channels: 3,
} as const;

for (const lanes of [1, 2, 3])
  test(`${lanes} lanes: no failure is lost, whichever tile fails`, async () => {
    const { tiles } = await denoisePicture(
      picture,
      options,
      createSchedule(recordingEngine(lanes)),
      settings,
    );
    assert.ok(tiles > 4, `${tiles} tiles`);
    for (let failing = 0; failing < tiles; failing++) {
      const failure = new Error(`tile ${failing}`);
      const schedule = createSchedule(recordingEngine(lanes));
      let next = 0;
      const run: typeof schedule.run = async (job) => {
        const tile = next++;
        const estimate = await schedule.run(job);
        if (tile === failing) throw failure;
        return estimate;
      };
      const outcome = await denoisePicture(picture, options, { ...schedule, run }, settings).catch(
        (error: unknown) => error,
      );
      assert.is(outcome, failure);
    }
  });

test.run();
