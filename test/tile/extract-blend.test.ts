import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { colourChannels, type Picture, type Samples, whiteLevel } from '#src/core/picture.js';
import { createBlender } from '#src/tile/blend.js';
import { extractTile } from '#src/tile/extract.js';
import { planTiles, type Tile, type TilePlan } from '#src/tile/plan.js';
import { scenes } from './arbitrary.js';

const bytes = (data: Samples) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Walks from 0 to the position, turning round at the ends. */
function bounce(position: number, size: number): number {
  if (size === 1) return 0;
  let at = 0;
  let step = 1;
  for (let i = 0; i < position; i++) {
    if (at + step < 0 || at + step >= size) step = -step;
    at += step;
  }
  return at;
}

function naiveTile({ data, width, height, channels }: Picture, plan: TilePlan, tile: Tile): number[] {
  const values: number[] = [];
  for (let c = 0; c < colourChannels(channels); c++) {
    for (let y = 0; y < plan.tileHeight; y++) {
      for (let x = 0; x < plan.tileWidth; x++) {
        const [column, row] = [bounce(tile.x + x, width), bounce(tile.y + y, height)];
        const sample = data[(row * width + column) * channels + c] ?? Number.NaN;
        values.push(Math.fround(sample / whiteLevel(data)));
      }
    }
  }
  return values;
}

/** A smooth field over the padded picture, of both signs. */
const field = (x: number, y: number, c: number) => 0.3 * Math.sin(x / 9 + c) * Math.cos(y / 7 - 2 * c);

function fieldTile(plan: TilePlan, tile: Tile, colours: number): Float32Array {
  const { tileWidth, tileHeight } = plan;
  return Float32Array.from({ length: colours * tileHeight * tileWidth }, (_, i) =>
    field(
      tile.x + (i % tileWidth),
      tile.y + (Math.floor(i / tileWidth) % tileHeight),
      Math.floor(i / (tileWidth * tileHeight)),
    ),
  );
}

test('a tile is what reflecting pixel by pixel gives, alpha left out', () => {
  fc.assert(
    fc.property(scenes, ({ picture, plan }) => {
      for (const tile of plan.tiles) {
        assert.equal([...extractTile(picture, plan, tile)], naiveTile(picture, plan, tile));
      }
    }),
  );
});

test('a single pixel fills a tile', () => {
  const plan = planTiles({ width: 1, height: 1, tileSize: 8, overlap: 0, multiple: 8 });
  const picture: Picture = { data: new Uint8Array([51, 7]), width: 1, height: 1, channels: 2 };
  const tile = extractTile(picture, plan, { column: 0, row: 0, x: 0, y: 0 });
  assert.equal(tile, new Float32Array(64).fill(0.2));
});

test('no correction gives the input back bit for bit, in a new array of its type', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ kind, picture, plan }) => {
      const blender = createBlender(picture, plan);
      const zeros = new Float32Array(colourChannels(picture.channels) * plan.tileWidth * plan.tileHeight);
      for (const tile of plan.tiles) blender.add(tile, zeros);
      const out = await blender.finish();
      assert.is.not(out.buffer, picture.data.buffer);
      assert.is(out.constructor, picture.data.constructor);
      assert.ok(bytes(out).equals(bytes(picture.data)), kind);
    }),
  );
});

test('tiles of one field blend to the input plus that field, and alpha stays', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ kind, picture, plan }) => {
      const { width, height, channels } = picture;
      const colours = colourChannels(channels);
      // Floats of the size of pixels here: next to 1e30 a correction leaves no trace.
      const data = kind === 'float32' ? picture.data.map((_, i) => ((i * 37) % 101) / 101) : picture.data;
      const white = whiteLevel(data);
      const blender = createBlender({ ...picture, data }, plan);
      for (const tile of plan.tiles) blender.add(tile, fieldTile(plan, tile, colours));
      const out = await blender.finish();
      for (let i = 0; i < width * height * channels; i++) {
        const c = i % channels;
        const pixel = Math.floor(i / channels);
        const [before, after] = [data[i] ?? Number.NaN, out[i] ?? Number.NaN];
        if (c >= colours) {
          assert.is(after, before);
          continue;
        }
        const exact = before + white * field(pixel % width, Math.floor(pixel / width), c);
        const wanted = kind === 'float32' ? exact : Math.min(white, Math.max(0, exact));
        const tolerance = (kind === 'float32' ? 0 : 0.5) + 1e-6 * white;
        assert.ok(Math.abs(after - wanted) <= tolerance, `${after}, not ${wanted}, at sample ${i}`);
      }
    }),
  );
});

test('integers are rounded to nearest and clipped, floats are not clipped', async () => {
  const plan = planTiles({ width: 3, height: 1, tileSize: 8, overlap: 0, multiple: 1 });
  const tile: Tile = { column: 0, row: 0, x: 0, y: 0 };
  const blend = async (data: Samples, corrections: number[]) => {
    const blender = createBlender({ data, width: 3, height: 1, channels: 1 }, plan);
    blender.add(tile, new Float32Array(corrections));
    return [...(await blender.finish())];
  };
  assert.equal(await blend(new Uint8Array([100, 250, 5]), [-0.6 / 255, 0.1, -0.1]), [99, 255, 0]);
  assert.equal(await blend(new Uint8Array([10, 10, 10]), [0.4 / 255, 0.6 / 255, -0.4 / 255]), [10, 11, 10]);
  assert.equal(await blend(new Uint16Array([1000, 65530, 5]), [0.5, 0.5, -0.5]), [33768, 65535, 0]);
  assert.equal(await blend(new Float32Array([0.5, 1, 0]), [0.25, 0.25, -0.25]), [0.75, 1.25, -0.25]);
});

test('the noisy picture is left as it was', async () => {
  const plan = planTiles({ width: 9, height: 9, tileSize: 8, overlap: 2, multiple: 2 });
  const data = new Uint8Array(81).fill(100);
  const blender = createBlender({ data, width: 9, height: 9, channels: 1 }, plan);
  for (const tile of plan.tiles)
    blender.add(tile, new Float32Array(plan.tileWidth * plan.tileHeight).fill(0.1));
  const out = await blender.finish();
  assert.ok(data.every((value) => value === 100));
  assert.ok(out.every((value) => value === 126));
});

test('an abort rejects with its own reason, before or while finishing', async () => {
  const plan = planTiles({ width: 8, height: 8, tileSize: 8, overlap: 0, multiple: 8 });
  const blender = createBlender({ data: new Uint8Array(64), width: 8, height: 8, channels: 1 }, plan);
  const reason = new Error('enough');
  const controller = new AbortController();
  const outcomes = [blender.finish(AbortSignal.abort(reason)), blender.finish(controller.signal)];
  controller.abort(reason);
  for (const outcome of await Promise.allSettled(outcomes)) {
    assert.is(outcome.status, 'rejected');
    assert.is((outcome as PromiseRejectedResult).reason, reason);
  }
});

test('pictures, tiles and corrections that do not fit the plan are refused', () => {
  const plan = planTiles({ width: 8, height: 8, tileSize: 8, overlap: 0, multiple: 8 });
  const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
  const data = new Uint8Array(64);
  assert.throws(() => createBlender({ data, width: 16, height: 4, channels: 1 }, plan), isBadOption);
  assert.throws(() => createBlender({ data, width: 8, height: 8, channels: 3 }, plan), isBadOption);
  const blender = createBlender({ data, width: 8, height: 8, channels: 1 }, plan);
  const tile: Tile = { column: 0, row: 0, x: 0, y: 0 };
  assert.throws(() => blender.add(tile, new Float32Array(63)), isBadOption);
  assert.throws(() => blender.add({ ...tile, row: 1 }, new Float32Array(64)), isBadOption);
});

test.run();
