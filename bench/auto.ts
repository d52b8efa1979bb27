// What it costs not to know sigma: pictures of CBSD68 with Gaussian noise, denoised with sigma given and with nothing
// said at all; mean PSNR, the loss, and what the noise was taken for.
// Usage: node --import tsx bench/auto.ts [sigmas] [pictures] [method] [clipped]
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../test/shared.js';

const [sigmas = '0,5,10,15,25,50', count = '68', method = 'posterior-mean', form = ''] =
  process.argv.slice(2);
const folder = sharedPath('data/cbsd68/');
if (!folder) process.exit(0);
const files = (await readdir(folder)).sort().slice(0, Number(count));
const clamp = (data: Float32Array) => data.map((value) => Math.min(1, Math.max(0, value)));
const denoiser = await openDenoiser({ method: method as Method });

for (const sigma of sigmas.split(',').map(Number)) {
  const sums = { noisy: 0, given: 0, auto: 0, largestLoss: 0 };
  const taken: Record<string, number> = {};
  for (const [index, file] of files.entries()) {
    const { data: raw, info } = await sharp(folder + file)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const clean = Float32Array.from(raw, (value) => value / 255);
    const unclipped = sigma === 0 ? clean.slice() : addGaussianNoise(clean, sigma / 255, 500 + index);
    const bytes = Uint8ClampedArray.from(unclipped, (value) => value * 255);
    const image = { width: info.width, height: info.height, channels: 3 } as const;
    // A picture without noise is a file's bytes, as its samples are.
    const isFile = form === 'clipped' || sigma === 0;
    const picture = { ...image, data: isFile ? new Uint8Array(bytes.buffer) : unclipped };
    const asFloat = (data: Float32Array | Uint8Array | Uint16Array) =>
      data instanceof Float32Array ? clamp(data) : Float32Array.from(data, (value) => value / 255);
    const auto = await denoiser.denoisePicture(picture, {});
    const { model, isCorrelated } = auto.report.noise;
    const kind = auto.report.isUnchanged ? 'clean' : isCorrelated ? 'correlated' : model;
    taken[kind] = (taken[kind] ?? 0) + 1;
    if (sigma === 0) continue;
    const given = await denoiser.denoisePicture(picture, { sigma });
    const [with_, without] = [psnr(clean, asFloat(given.data)), psnr(clean, asFloat(auto.data))];
    sums.noisy += psnr(clean, asFloat(picture.data)) / files.length;
    sums.given += with_ / files.length;
    sums.auto += without / files.length;
    sums.largestLoss = Math.max(sums.largestLoss, with_ - without);
  }
  const { noisy, given, auto, largestLoss } = sums;
  const figures = `noisy ${noisy.toFixed(2)}, sigma given ${given.toFixed(3)}, nothing said ${auto.toFixed(3)} dB, loss ${(given - auto).toFixed(3)} (largest ${largestLoss.toFixed(2)})`;
  console.log(
    `${method} sigma ${sigma} ${form}: ${sigma === 0 ? '' : `${figures}; `}taken for ${JSON.stringify(taken)}`,
  );
}
await denoiser.close();
