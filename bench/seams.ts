// Tiles against one tile over the whole picture: PSNR difference, and how the two results differ around tile
// borders (the 4 pixels around each) and elsewhere, in 8-bit units.
// Usage: node --import tsx bench/seams.ts [sigmas] [overlaps] [tile sizes] [methods] [pictures of CBSD68]
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { planTiles } from '#src/tile/plan.js';
import { nearBorder } from '../test/denoiser/tile-borders.js';
import { sharedPath } from '../test/shared.js';

const [sigmas = '25', overlaps = '16,32,48', tileSizes = '256', methods = 'posterior-mean', count = '3'] =
  process.argv.slice(2);
const cbsd = sharedPath('data/cbsd68/');
const files = ['examples/photos/astronaut.png'];
if (cbsd)
  files.push(
    ...(await readdir(cbsd))
      .sort()
      .slice(0, Number(count))
      .map((file) => cbsd + file),
  );

for (const method of methods.split(',') as Method[]) {
  const whole = await openDenoiser({ method, tileSize: 4096, overlap: 0 });
  for (const sigma of sigmas.split(',').map(Number)) {
    const noisy = [];
    for (const [index, file] of files.entries()) {
      const { data: raw, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      const clean = Float32Array.from(raw, (value) => value / 255);
      const image = {
        data: addGaussianNoise(clean, sigma / 255, 7 + index),
        width: info.width,
        height: info.height,
        channels: 3 as const,
      };
      noisy.push({ clean, image, reference: (await whole.denoise(image, { sigma })).data });
    }
    for (const tileSize of tileSizes.split(',').map(Number)) {
      for (const overlap of overlaps.split(',').map(Number)) {
        const tiled = await openDenoiser({ method, tileSize, overlap });
        const started = performance.now();
        const sums = {
          border: 0,
          borders: 0,
          other: 0,
          others: 0,
          loss: 0,
          worstLoss: -99,
          pixels: 0,
          computed: 0,
        };
        for (const { clean, image, reference } of noisy) {
          const { data } = await tiled.denoise(image, { sigma });
          const { width, height } = image;
          const plan = planTiles({ width, height, tileSize, overlap, multiple: 8 });
          sums.pixels += width * height;
          sums.computed += plan.tiles.length * plan.tileWidth * plan.tileHeight;
          const loss = psnr(clean, reference) - psnr(clean, data);
          sums.loss += loss / noisy.length;
          sums.worstLoss = Math.max(sums.worstLoss, Math.abs(loss));
          const columns = nearBorder(plan.xs, plan.tileWidth, width);
          const rows = nearBorder(plan.ys, plan.tileHeight, height);
          for (let i = 0; i < data.length; i++) {
            const pixel = Math.floor(i / 3);
            const square = ((data[i] as number) - (reference[i] as number)) ** 2;
            if (columns[pixel % width] || rows[Math.floor(pixel / width)]) {
              sums.border += square;
              sums.borders += 1;
            } else {
              sums.other += square;
              sums.others += 1;
            }
          }
        }
        const rms = (sum: number, n: number) => (255 * Math.sqrt(sum / n)).toFixed(3);
        console.log(
          `${method} sigma ${sigma} tile ${tileSize} overlap ${overlap}: loss ${sums.loss.toFixed(4)} dB (largest ${sums.worstLoss.toFixed(4)}), ` +
            `RMS at borders ${rms(sums.border, sums.borders)}, elsewhere ${rms(sums.other, sums.others)}, ` +
            `computed ${(sums.computed / sums.pixels).toFixed(2)} x, ${((performance.now() - started) / 1000).toFixed(1)} s`,
        );
        await tiled.close();
      }
    }
  }
  await whole.close();
}
