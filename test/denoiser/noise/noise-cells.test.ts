// What is read of a picture's cells: as many as it has, their brightness, none that is clipped, and of a large picture no
// more than of a middling one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type NoiseMeter, openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { CELL } from '#src/core/noise/estimate/noise-network.js';
import { CELL_INPUTS } from '#src/core/noise/estimate/picture-head.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import { readNoiseCells } from '#src/denoiser/noise/noise-cells.js';
import { expectBelow } from '../../core/flow/differences.js';

const meter = openNoiseMeter();
test.after(() => meter.close());

const brightnessOf = (cell: Float32Array) => cell.at(-1) as number;

/** Bytes of one value a half, left and right, with noise. */
function halves(
  width: number,
  height: number,
  [left, right]: readonly [number, number],
  channels: 1 | 3,
): Picture {
  const clean = Float32Array.from({ length: width * height * channels }, (_, i) =>
    Math.floor(i / channels) % width < width / 2 ? left : right,
  );
  const noisy = addGaussianNoise(clean, 4 / 255, 3);
  return { data: Uint8Array.from(Uint8ClampedArray.from(noisy, (v) => 255 * v)), width, height, channels };
}

/** The same meter, and the tiles that it was asked for. */
function counting(): NoiseMeter & { readonly tiles: number[] } {
  const tiles: number[] = [];
  return {
    tiles,
    measure(tile, size) {
      tiles.push(tile.length);
      return meter.measure(tile, size);
    },
    pool: (cells) => meter.pool(cells),
    close: () => Promise.resolve(),
  };
}

test('every cell of a small picture, with its brightness, grey as colour', async () => {
  for (const channels of [1, 3] as const) {
    const cells = await readNoiseCells(halves(64, 48, [0.3, 0.7], channels), meter);
    assert.is(cells.length, (64 * 48) / CELL ** 2);
    for (const [i, cell] of cells.entries()) {
      expectBelow(Math.abs(brightnessOf(cell) - (i % 4 < 2 ? 0.3 : 0.7)), 0.01, `cell ${i}`);
      assert.ok(cell.length === CELL_INPUTS && cell.every(Number.isFinite));
    }
  }
});

test('clipped cells say nothing; a picture that is clipped throughout has none', async () => {
  const cells = await readNoiseCells(halves(64, 48, [0.5, 1], 3), meter);
  assert.is(cells.length, 6);
  assert.ok(cells.every((cell) => Math.abs(brightnessOf(cell) - 0.5) < 0.01));
  assert.equal(await readNoiseCells(halves(32, 32, [0, 1], 3), meter), []);
});

test('sides that are no multiples of a cell are reflected up to them, and to three cells', async () => {
  assert.is((await readNoiseCells(halves(65, 49, [0.4, 0.6], 3), meter)).length, 5 * 4);
  assert.is((await readNoiseCells(halves(65, 5, [0.4, 0.6], 3), meter)).length, 5 * 3);
  assert.is((await readNoiseCells(halves(1, 1, [0.4, 0.6], 3), meter)).length, 3 * 3);
});

test('a large picture: at most eight tiles, spread over it', async () => {
  const asked = counting();
  const cells = await readNoiseCells(halves(1100, 900, [0.2, 0.8], 1), asked);
  assert.ok(asked.tiles.length >= 4 && asked.tiles.length <= 8, `${asked.tiles.length} tiles`);
  assert.is(cells.length, asked.tiles.reduce((sum, length) => sum + length / 3, 0) / CELL ** 2);
  const dark = cells.filter((cell) => brightnessOf(cell) < 0.5).length;
  assert.ok(dark > 0.3 * cells.length && dark < 0.7 * cells.length, 'both halves are asked');
});

test.run();
