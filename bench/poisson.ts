// Poisson-Gaussian noise through the product: pictures of CBSD68, peak counts and read noise in electrons (x in [0, 1]
// <-> 0 to peak), not clipped; the result clamped to [0, 1]; mean PSNR in dB with the parameters given, fitted, and with
// nothing said at all.
// Usage: node --import tsx bench/poisson.ts [pictures] [method] [peaks] [read noises]
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addPoissonGaussianNoise } from '#src/core/noise/index.js';
import type { DenoiseCallOptions, Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../test/shared.js';

const [count = '68', method = 'posterior-mean', peaks = '4,10,30,120', reads = '0,1,3'] =
  process.argv.slice(2);
const folder = sharedPath('data/cbsd68/');
if (!folder) process.exit(0);
const files = (await readdir(folder)).sort().slice(0, Number(count));
const clamp = (data: Float32Array) => data.map((value) => Math.min(1, Math.max(0, value)));
const denoiser = await openDenoiser({ method: method as Method });

for (const peak of peaks.split(',').map(Number))
  for (const read of reads.split(',').map(Number)) {
    const noise = { gain: 1 / peak, sigma: read / peak, offset: 0 };
    const given = { model: 'poisson-gaussian', gain: 255 * noise.gain, sigma: 255 * noise.sigma } as const;
    const ways: Record<string, DenoiseCallOptions> = {
      given: { noise: given },
      fitted: { noise: 'poisson-gaussian' },
      'nothing said': {},
    };
    const sums: Record<string, number> = { noisy: 0 };
    const taken: Record<string, number> = {};
    for (const [index, file] of files.entries()) {
      const { data: raw, info } = await sharp(folder + file)
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const clean = Float32Array.from(raw, (value) => value / 255);
      const data = addPoissonGaussianNoise(clean, noise, 700 + index);
      const add = (way: string, result: Float32Array) => {
        sums[way] = (sums[way] ?? 0) + psnr(clean, clamp(result)) / files.length;
      };
      add('noisy', data);
      for (const [way, options] of Object.entries(ways)) {
        const { width, height } = info;
        const result = await denoiser.denoise({ data, width, height, channels: 3 }, options);
        add(way, result.data);
        const { model } = result.report.noise;
        if (way === 'nothing said') taken[model] = (taken[model] ?? 0) + 1;
      }
    }
    const figures = Object.entries(sums).map(([way, sum]) => `${way} ${sum.toFixed(2)}`);
    console.log(
      `${method} peak ${peak} read ${read}: ${figures.join(', ')} dB; taken for ${JSON.stringify(taken)}`,
    );
  }
await denoiser.close();
