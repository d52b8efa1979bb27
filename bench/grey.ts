// Grey pictures under the colour prior: BSD68 made grey (Rec. 601 luma), Gaussian noise. Three copies of the grey
// picture as they are, against noise completed in colour, mean over 1, 2 or 4 draws. Published (BSD68, sigma 15, 25,
// 50): BM3D 31.08, 28.57, 25.60 dB.
// Usage: node --import tsx bench/grey.ts [sigmas] [pictures] [method] [draws, 0 for three copies]
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { channelMean, completeChroma } from '#src/denoiser/grey.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { clamp, readPictures } from './pictures.js';

const [sigmas = '15,25,50', count = '68', method = 'posterior-mean', draws = '1'] = process.argv.slice(2);
const pictures = await readPictures(count);
const denoiser = await openDenoiser({ method: method as Method });

/** [3, pixels] <-> [pixels, 3] */
const interleaved = (data: Float32Array) =>
  data.map((_, i) => data[(i % 3) * (data.length / 3) + Math.floor(i / 3)] as number);
const planar = (data: Float32Array) =>
  data.map((_, i) => data[(i % (data.length / 3)) * 3 + Math.floor(i / (data.length / 3))] as number);

for (const drawCount of draws.split(',').map(Number))
  for (const sigma of sigmas.split(',').map(Number)) {
    let [noisySum, sum] = [0, 0];
    for (const [index, { data: raw, width, height }] of pictures.entries()) {
      const clean = new Float32Array(width * height).map(
        (_, i) =>
          (0.299 * (raw[3 * i] ?? 0) + 0.587 * (raw[3 * i + 1] ?? 0) + 0.114 * (raw[3 * i + 2] ?? 0)) / 255,
      );
      const grey = addGaussianNoise(clean, sigma / 255, 900 + index);
      const size = { width, height, channels: 3 } as const;
      const total = new Float32Array(grey.length);
      for (let draw = 0; draw < Math.max(1, drawCount); draw++) {
        const colour =
          drawCount === 0
            ? new Float32Array(3 * grey.length).map((_, i) => grey[i % grey.length] as number)
            : completeChroma(grey, sigma / 255, 10_000 * draw + index);
        // A thousandth in one channel keeps three copies from being taken for the grey picture that they are.
        const data = interleaved(colour).map((value, i) => (i === 0 ? value + 1e-3 : value));
        const level = drawCount === 0 ? sigma : sigma * Math.sqrt(3);
        const result = await denoiser.denoise({ ...size, data }, { sigma: level });
        const mean = channelMean(planar(result.data));
        for (let i = 0; i < total.length; i++)
          total[i] = (total[i] as number) + (mean[i] as number) / Math.max(1, drawCount);
      }
      noisySum += psnr(clean, clamp(grey)) / pictures.length;
      sum += psnr(clean, clamp(total)) / pictures.length;
    }
    const way = drawCount === 0 ? 'three copies' : `${drawCount} draw${drawCount === 1 ? '' : 's'}`;
    console.log(
      `${method} sigma ${sigma}, ${way}: noisy ${noisySum.toFixed(2)}, denoised ${sum.toFixed(3)} dB`,
    );
  }
await denoiser.close();
