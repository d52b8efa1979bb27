// Real photographs with nothing said: the 15 pairs of cc15 (several cameras; noise after demosaicing and JPEG). Per
// picture the PSNR of the noisy picture and of what comes out, 8-bit as a file would have it. The thresholds of
// correlation.ts and the factor of detect-noise.ts were chosen on these pictures: the figure is not held out.
// Usage: node --import tsx bench/real.ts [method] [part of a name]
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../test/shared.js';

const [method = 'posterior-mean', part = ''] = process.argv.slice(2);
const folder = sharedPath('data/cc15/');
if (!folder) process.exit(0);
const denoiser = await openDenoiser({ method: method as Method });
const asFloat = (data: ArrayLike<number>) => Float32Array.from(data, (value) => value / 255);
const files = (await readdir(folder))
  .filter((file) => file.endsWith('_real.png') && file.includes(part))
  .sort();
const gains: number[] = [];
let [noisySum, sum] = [0, 0];
for (const file of files) {
  const read = (name: string) =>
    sharp(folder + name)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
  const { data, info } = await read(file);
  const clean = asFloat((await read(file.replace('_real', '_mean'))).data);
  const { width, height } = info;
  const { data: result, report } = await denoiser.denoisePicture({
    data: new Uint8Array(data),
    width,
    height,
    channels: 3,
  });
  const [before, after] = [psnr(clean, asFloat(data)), psnr(clean, asFloat(result))];
  noisySum += before / files.length;
  sum += after / files.length;
  gains.push(after - before);
  const { noise } = report;
  console.log(
    `${file.replace('_real.png', '').padEnd(18)} noisy ${before.toFixed(2)} result ${after.toFixed(2)} ` +
      `gain ${(after - before).toFixed(2).padStart(5)} dB (sigma ${noise.sigma.toFixed(1)}; ${noise.why})`,
  );
}
console.log(
  `${method}, mean of ${files.length}: noisy ${noisySum.toFixed(2)}, result ${sum.toFixed(2)} dB, gain ` +
    `${(sum - noisySum).toFixed(2)}, least ${Math.min(...gains).toFixed(2)}. Published on these 15: CBM3D 35.19, DnCNN 33.86, MCWNNM 37.71.`,
);
await denoiser.close();
