// Noisy JPEGs with nothing said: the example photographs with noise, written as JPEG, and what comes out; PSNR in dB.
// Usage: node --import tsx bench/quality/jpeg.ts [method]
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { readPicture, toBytes, toFloats } from '../pictures.js';

const [method = 'posterior-mean'] = process.argv.slice(2);
const CASES = [
  [0, 90, '4:2:0'],
  [8, 90, '4:2:0'],
  [15, 90, '4:2:0'],
  [15, 95, '4:4:4'],
  [25, 80, '4:2:0'],
] as const;
const denoiser = await openDenoiser({ method: method as Method });
for (const name of ['astronaut', 'chelsea', 'coffee'])
  for (const [sigma, quality, chromaSubsampling] of CASES) {
    const { data, width, height } = await readPicture(`examples/photos/${name}.png`);
    const clean = toFloats(data);
    const noisy = sigma === 0 ? clean : addGaussianNoise(clean, sigma / 255, 3);
    const jpeg = await sharp(toBytes(noisy), { raw: { width, height, channels: 3 } })
      .jpeg({ quality, chromaSubsampling })
      .toBuffer();
    const decoded = new Uint8Array(await sharp(jpeg).raw().toBuffer());
    const result = await denoiser.denoise({ data: decoded, width, height, channels: 3 });
    const { noise } = result.report;
    console.log(
      `${name}, noise ${sigma}, JPEG ${quality} ${chromaSubsampling}: ${psnr(clean, toFloats(decoded)).toFixed(2)} -> ` +
        `${psnr(clean, toFloats(result.data)).toFixed(2)} dB (sigma ${noise.sigma.toFixed(1)}; ${noise.why})`,
    );
  }
await denoiser.close();
