// Quality against the reference figures of ../shared/README.md, under the prior that they are of, as bench/quality/parity.ts
// measures it: the first 12 pictures of CBSD68, one tile a picture, clamped results. The bench runs beta-MAP at 15 and 50 too.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../shared.js';

const folder = sharedPath('data/cbsd68/');
const prior = sharedPath('priors/natural');

/** Mean PSNR of the reference, dB, and how far off we may be: the noise generator differs. */
const FIGURES: readonly [Method, sigma: number, psnr: number, tolerance: number][] = [
  ['posterior-mean', 15, 33.41, 0.05],
  ['posterior-mean', 25, 30.6, 0.05],
  ['posterior-mean', 50, 27.08, 0.05],
  ['beta-map', 25, 30.71, 0.1],
];

async function croppedPicture(file: string) {
  const { width: w, height: h } = await sharp(file).metadata();
  const [width, height] = [w - (w % 8), h - (h % 8)];
  const raw = await sharp(file).extract({ left: 0, top: 0, width, height }).removeAlpha().raw().toBuffer();
  return { clean: Float32Array.from(raw, (value) => value / 255), width, height };
}

async function meanPsnr(method: Method, sigma: number): Promise<number> {
  const files = (await readdir(folder ?? '')).sort().slice(0, 12);
  const denoiser = await openDenoiser({ prior, method, tileSize: 4096 });
  try {
    const values = await Promise.all(
      files.map(async (file, index) => {
        const { clean, width, height } = await croppedPicture(`${folder}${file}`);
        const data = addGaussianNoise(clean, sigma / 255, 1000 + index);
        const result = await denoiser.denoise({ data, width, height, channels: 3 }, { sigma });
        return psnr(
          clean,
          result.data.map((value) => Math.min(1, Math.max(0, value))),
        );
      }),
    );
    assert.is(values.length, 12);
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  } finally {
    await denoiser.close();
  }
}

if (folder && prior)
  for (const [method, sigma, expected, tolerance] of FIGURES)
    test(`${method} at sigma ${sigma}`, async () => {
      const measured = await meanPsnr(method, sigma);
      assert.ok(Math.abs(measured - expected) <= tolerance, `${measured} dB, the reference has ${expected}`);
    });
else test.skip('the pictures are not here', () => {});

test.run();
