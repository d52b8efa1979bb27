// Quality against the reference: the first pictures of a folder by name (12 of CBSD68), cropped to multiples of 8
// from the top left, unclipped Gaussian noise, results clamped to [0, 1], one tile a picture; mean PSNR in dB.
// Usage: node --import tsx bench/quality/parity.ts [prior] [methods] [sigmas] [pictures] [folder, there or under ../shared]
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { psnr, sum } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { clamped } from '#src/core/picture.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../../test/shared.js';
import { toFloats } from '../pictures.js';

const [
  prior = 'natural',
  methods = 'posterior-mean,beta-map',
  sigmas = '15,25,50',
  count = '12',
  from = 'data/cbsd68',
] = process.argv.slice(2);
const folder = existsSync(from) ? `${from}/` : sharedPath(`${from}/`);
if (!folder) process.exit(0);
const files = (await readdir(folder)).sort().slice(0, Number(count));

for (const method of methods.split(',') as Method[]) {
  const denoiser = await openDenoiser({ prior, method, tileSize: 4096 });
  for (const sigma of sigmas.split(',').map(Number)) {
    const started = performance.now();
    const results = await Promise.all(
      files.map(async (file, index) => {
        const image = sharp(`${folder}${file}`);
        const { width: w = 0, height: h = 0 } = await image.metadata();
        const [width, height] = [w - (w % 8), h - (h % 8)];
        const raw = await image.extract({ left: 0, top: 0, width, height }).removeAlpha().raw().toBuffer();
        const clean = toFloats(raw);
        const noisy = addGaussianNoise(clean, sigma / 255, 1000 + index);
        const { data, report } = await denoiser.denoise(
          { data: noisy, width, height, channels: 3 },
          { sigma },
        );
        return {
          noisy: psnr(clean, noisy),
          denoised: psnr(clean, clamped(data)),
          pixels: width * height,
          fallbacks: report.fallbackTiles,
        };
      }),
    );
    const total = (key: keyof (typeof results)[number]) => sum(results.map((result) => result[key]));
    const mean = (key: 'noisy' | 'denoised') => total(key) / results.length;
    const megapixels = total('pixels') / 1e6;
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${prior} ${method} sigma ${sigma}: noisy ${mean('noisy').toFixed(2)} denoised ${mean('denoised').toFixed(3)} dB, ` +
        `${total('fallbacks')} fallbacks, ${(seconds / megapixels).toFixed(2)} s/MP`,
    );
  }
  await denoiser.close();
}
