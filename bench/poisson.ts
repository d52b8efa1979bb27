// Poisson-Gaussian noise through the product: pictures of CBSD68, peak counts and read noise in electrons (x in [0, 1]
// <-> 0 to peak), not clipped; the result clamped to [0, 1]; mean PSNR in dB with the parameters given, fitted, and with
// nothing said at all. A line for every peak and read noise as it is done.
// Usage: node --import tsx bench/poisson.ts [pictures] [method] [peaks] [read noises]
import { psnr } from '#src/core/metrics/index.js';
import { addPoissonGaussianNoise } from '#src/core/noise/index.js';
import type { DenoiseCallOptions, Method } from '#src/denoiser/denoiser.js';
import { detectNoise } from '#src/denoiser/detect-noise.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { clamp, readPictures, toFloats } from './pictures.js';

const [count = '68', method = 'posterior-mean', peaks = '4,10,30,120', reads = '0,1,3'] =
  process.argv.slice(2);
const pictures = await readPictures(count);
const denoiser = await openDenoiser({ method: method as Method });

for (const peak of peaks.split(',').map(Number))
  for (const read of reads.split(',').map(Number)) {
    const noise = { gain: 1 / peak, sigma: read / peak, offset: 0 };
    const given = { model: 'poisson-gaussian', gain: 255 * noise.gain, sigma: 255 * noise.sigma } as const;
    const sums = { noisy: 0, given: 0, fitted: 0, 'nothing said': 0 };
    const taken: Record<string, number> = {};
    for (const [index, { data: bytes, width, height }] of pictures.entries()) {
      const clean = toFloats(bytes);
      const image = {
        data: addPoissonGaussianNoise(clean, noise, 700 + index),
        width,
        height,
        channels: 3,
      } as const;
      const add = (way: keyof typeof sums, dB: number) => {
        sums[way] += dB / pictures.length;
      };
      const result = async (options: DenoiseCallOptions) =>
        psnr(clean, clamp((await denoiser.denoise(image, options)).data));
      add('noisy', psnr(clean, clamp(image.data)));
      add('given', await result({ noise: given }));
      const fitted = await result({ noise: 'poisson-gaussian' });
      add('fitted', fitted);
      // Taken for a sensor's, the noise is fitted to the same patches and the result is the same.
      const { model } = (await detectNoise(image, 'auto', [0, 1])).report;
      add('nothing said', model === 'poisson-gaussian' ? fitted : await result({}));
      taken[model] = (taken[model] ?? 0) + 1;
    }
    const figures = Object.entries(sums).map(([way, sum]) => `${way} ${sum.toFixed(2)}`);
    const losses = `loss ${(sums.given - sums.fitted).toFixed(3)}, ${(sums.given - sums['nothing said']).toFixed(3)}`;
    console.log(
      `${method} peak ${peak} read ${read}: ${figures.join(', ')} dB, ${losses}; taken for ${JSON.stringify(taken)}`,
    );
  }
await denoiser.close();
