// Tiles leave no seams: a photograph in default tiles against the same as one tile.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { overlapFor } from '#src/denoiser/denoise-picture.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { planTiles } from '#src/tile/plan.js';
import { photo } from '../core/photo.js';
import { nearBorder } from './tile-borders.js';

/**
 * At borders, tiles differ from one tile by less than 0.3 8-bit units, and by at most `mostTimes` what they differ by elsewhere.
 * Sigma 20 is the strongest noise with the least overlap; the less tiles share, the closer to borders lies what differs.
 */
const CASES = [
  { sigma: 20, overlap: 16, mostTimes: 3 },
  { sigma: 25, overlap: 24, mostTimes: 2 },
] as const;

async function tilesAgainstOne({ sigma, overlap, mostTimes }: (typeof CASES)[number]): Promise<void> {
  const { data: clean, width, height } = await photo('astronaut.png');
  const image = { data: addGaussianNoise(clean, sigma / 255, 7), width, height, channels: 3 as const };
  const results: Float32Array[] = [];
  let tiles = 0;
  for (const options of [{}, { tileSize: 4096 }]) {
    const denoiser = await openDenoiser({ method: 'posterior-mean', ...options });
    try {
      const { data, report } = await denoiser.denoise(image, { sigma });
      results.push(data);
      tiles ||= report.tiles;
    } finally {
      await denoiser.close();
    }
  }
  const [tiled = new Float32Array(), whole = new Float32Array()] = results;
  // The defaults of openDenoiser; the number of tiles says whether they still are.
  assert.is(overlapFor(sigma, 1), overlap);
  const plan = planTiles({ width, height, tileSize: 'auto', overlap, multiple: 8 });
  assert.is(plan.tiles.length, tiles);
  assert.ok(tiles > 1);

  const columns = nearBorder(plan.xs, plan.tileWidth, width);
  const rows = nearBorder(plan.ys, plan.tileHeight, height);
  const sums = { border: 0, borders: 0, other: 0, others: 0 };
  for (const [i, value] of tiled.entries()) {
    const pixel = Math.floor(i / 3);
    const square = (value - (whole[i] as number)) ** 2;
    if (columns[pixel % width] || rows[Math.floor(pixel / width)]) {
      sums.border += square;
      sums.borders += 1;
    } else {
      sums.other += square;
      sums.others += 1;
    }
  }
  const [border, other] = [Math.sqrt(sums.border / sums.borders), Math.sqrt(sums.other / sums.others)];
  const loss = Math.abs(psnr(clean, tiled) - psnr(clean, whole));
  const measured = `loss ${loss} dB, RMS at borders ${border}, elsewhere ${other}`;
  assert.ok(loss < 0.02, measured);
  assert.ok(border <= mostTimes * other && border < 0.3 / 255, measured);
  assert.ok(psnr(clean, tiled) > 30, `${psnr(clean, tiled)} dB`);
}

for (const each of CASES)
  test(`the default tiles against one tile, sigma ${each.sigma}`, () => tilesAgainstOne(each));

test.run();
