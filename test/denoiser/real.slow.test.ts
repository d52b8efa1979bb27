// Real photographs from ../shared with nothing said: each at least as good as it was, most far better. All 15:
// bench/quality/noise.ts. One of them (d600_iso3200_3) has a tile on which the flow breaks down.
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../shared.js';

const folder = sharedPath('data/cc15/');
const real = folder ? test : test.skip;
const asFloat = (data: ArrayLike<number>) => Float32Array.from(data, (value) => value / 255);

real('four cameras', async () => {
  const denoiser = await openDenoiser({ method: 'posterior-mean' });
  try {
    const gains: number[] = [];
    for (const name of ['5dmark3_iso3200_1', 'd600_iso3200_3', 'd800_iso1600_2', 'd800_iso6400_1']) {
      const read = (kind: string) =>
        sharp(`${folder}${name}_${kind}.png`).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const { data, info } = await read('real');
      const clean = asFloat((await read('mean')).data);
      const { width, height } = info;
      const result = await denoiser.denoise({
        data: new Uint8Array(data),
        width,
        height,
        channels: 3,
      });
      const gain = psnr(clean, asFloat(result.data)) - psnr(clean, asFloat(data));
      assert.ok(gain >= 0, `${name}: ${gain} dB`);
      gains.push(gain);
    }
    assert.ok(gains.reduce((sum, gain) => sum + gain, 0) / gains.length > 1, gains.join(', '));
  } finally {
    await denoiser.close();
  }
});

test.run();
