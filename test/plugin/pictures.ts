// Small pictures and files for the tests, made by sharp and vinyl themselves.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import Vinyl from 'vinyl';
import { addGaussianNoise } from '#src/core/noise/index.js';

/** A noisy gradient (sigma 25), as bytes of the format; the seed makes each one another. */
export function noisyPicture(
  format: 'png' | 'jpeg' | 'webp' | 'tiff',
  { width = 48, height = 40, seed = 1 } = {},
): Promise<Buffer> {
  const clean = Float32Array.from(
    { length: width * height * 3 },
    (_, i) => 0.2 + (0.6 * (i % (width * 3))) / (width * 3),
  );
  const noisy = addGaussianNoise(clean, 25 / 255, seed);
  const data = Uint8ClampedArray.from(noisy, (value) => value * 255);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer();
}

export async function pngFile(name: string, width = 48): Promise<Vinyl> {
  return vinyl(name, await noisyPicture('png', { width, height: 8 }));
}

export function vinyl(name: string, contents: Buffer | NodeJS.ReadableStream | null): Vinyl {
  return new Vinyl({ cwd: '/', base: '/photos', path: `/photos/${name}`, contents });
}

/** Runs with a temporary folder that is removed afterwards. */
export async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
