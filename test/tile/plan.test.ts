import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { planTiles, spreadTiles, type TilePlan } from '#src/tile/plan.js';
import { tileOptions } from './arbitrary.js';

/** The fewest tiles and then the shortest, by trying them all. */
function bruteForce(padded: number, tileSize: number, overlap: number, multiple: number) {
  const longest = tileSize - (tileSize % multiple);
  for (let count = 1; ; count++) {
    for (let length = multiple; length <= longest; length += multiple) {
      let stride = length - overlap;
      while (stride % multiple !== 0) stride--;
      if (count > 1 && stride <= 0) continue;
      if (length + (count - 1) * stride >= padded) return { count, length };
    }
  }
}

test('the axis of 488 becomes 3 tiles of 184', () => {
  const plan = planTiles({ width: 488, height: 200, tileSize: 256, overlap: 32, multiple: 8 });
  assert.is(plan.tileWidth, 184);
  assert.equal(plan.xs, [0, 152, 304]);
  assert.is(plan.tileHeight, 200);
  assert.equal(plan.ys, [0]);
});

test('a picture smaller than a tile is one tile of the padded size', () => {
  const plan = planTiles({ width: 5, height: 17, tileSize: 256, overlap: 32, multiple: 8 });
  assert.equal([plan.paddedWidth, plan.paddedHeight], [8, 24]);
  assert.equal([plan.tileWidth, plan.tileHeight], [8, 24]);
  assert.equal(plan.tiles, [{ column: 0, row: 0, x: 0, y: 0 }]);
});

test('tiles come row by row', () => {
  const plan = planTiles({ width: 16, height: 16, tileSize: 8, overlap: 0, multiple: 8 });
  assert.equal(plan.tiles, [
    { column: 0, row: 0, x: 0, y: 0 },
    { column: 1, row: 0, x: 8, y: 0 },
    { column: 0, row: 1, x: 0, y: 8 },
    { column: 1, row: 1, x: 8, y: 8 },
  ]);
});

test("'auto' computes no more pixels than tiles of 320, in tiles that are no larger", () => {
  const pixels = ({ tiles, tileWidth, tileHeight }: TilePlan) => tiles.length * tileWidth * tileHeight;
  const side = fc.integer({ min: 1, max: 7000 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.constantFrom(24, 32),
      fc.constantFrom(8, 32),
      (width, height, overlap, multiple) => {
        const options = { width, height, overlap, multiple };
        const auto = planTiles({ ...options, tileSize: 'auto' });
        // Sides are rounded up to the multiple, which a plan of more rows may do better.
        const square = pixels(planTiles({ ...options, tileSize: 320 }));
        assert.ok(pixels(auto) <= 1.1 * square, `${pixels(auto)}, in squares ${square}`);
        assert.ok(auto.tileWidth * auto.tileHeight <= 320 ** 2);
        assert.ok((auto.xs.at(-1) ?? 0) + auto.tileWidth >= width);
        assert.ok((auto.ys.at(-1) ?? 0) + auto.tileHeight >= height);
      },
    ),
  );
});

test("'auto' leaves a small picture whole and wastes little of others", () => {
  const tilesOf = (width: number, height: number) => {
    const { xs, ys, tileWidth, tileHeight } = planTiles({
      width,
      height,
      tileSize: 'auto',
      overlap: 32,
      multiple: 8,
    });
    return [xs.length, ys.length, tileWidth, tileHeight];
  };
  assert.equal(tilesOf(64, 48), [1, 1, 64, 48]);
  assert.equal(tilesOf(320, 320), [1, 1, 320, 320]);
  assert.equal(tilesOf(481, 321), [2, 1, 264, 328]);
  assert.equal(tilesOf(6000, 4000), [19, 16, 352, 280]);
});

test('any plan covers the padded picture with tiles on multiples that share the overlap', () => {
  fc.assert(
    fc.property(tileOptions, (options) => {
      const { multiple, overlap, tileSize } = options;
      const plan = planTiles(options);
      for (const [size, padded, length, starts] of [
        [options.width, plan.paddedWidth, plan.tileWidth, plan.xs],
        [options.height, plan.paddedHeight, plan.tileHeight, plan.ys],
      ] as const) {
        assert.is(padded % multiple, 0);
        assert.ok(padded >= size && padded - size < multiple, 'padded by less than a multiple');
        assert.is(length % multiple, 0);
        assert.ok(length <= tileSize);
        assert.is(starts[0], 0);
        assert.is((starts.at(-1) ?? Number.NaN) + length, padded);
        starts.forEach((start, i) => {
          assert.is(start % multiple, 0);
          const gap = start - (starts[i - 1] ?? start - multiple);
          assert.ok(gap > 0, 'starts rise');
          if (i > 0) assert.ok(gap <= length - overlap, `gap ${gap} of tiles of ${length}`);
        });
      }
      const places = plan.ys.flatMap((y, row) => plan.xs.map((x, column) => ({ column, row, x, y })));
      assert.equal(plan.tiles, places);
    }),
  );
});

test('no plan has fewer tiles, nor shorter ones', () => {
  fc.assert(
    fc.property(tileOptions, (options) => {
      const { multiple, overlap, tileSize } = options;
      const plan = planTiles(options);
      const across = bruteForce(plan.paddedWidth, tileSize, overlap, multiple);
      assert.equal({ count: plan.xs.length, length: plan.tileWidth }, across);
      const down = bruteForce(plan.paddedHeight, tileSize, overlap, multiple);
      assert.equal({ count: plan.ys.length, length: plan.tileHeight }, down);
    }),
  );
});

test('an option out of range is refused by name', () => {
  const good = { width: 100, height: 100, tileSize: 64, overlap: 16, multiple: 8 };
  const cases = [
    { name: 'width', value: 0 },
    { name: 'height', value: 2.5 },
    { name: 'multiple', value: 0 },
    { name: 'tileSize', value: 7 },
    { name: 'tileSize', value: Number.NaN },
    { name: 'overlap', value: -1 },
    { name: 'overlap', value: 64 },
    { name: 'overlap', value: 57 },
  ];
  for (const { name, value } of cases) {
    assert.throws(
      () => planTiles({ ...good, [name]: value }),
      (error: unknown) =>
        error instanceof FlowDenoiseError &&
        error.code === 'BAD_OPTION' &&
        error.message.includes(`for ${name} but received ${value} of type number`),
      `${name} = ${value}`,
    );
  }
  assert.not.throws(() => planTiles({ ...good, overlap: 56 }));
});

test('tiles that are spread: some, at most so many, of the plan, all of them where they are few', () => {
  fc.assert(
    fc.property(tileOptions, fc.integer({ min: 1, max: 12 }), (options, most) => {
      const plan = planTiles(options);
      const spread = spreadTiles(plan, most);
      assert.ok(spread.length >= 1 && spread.length <= most, `${spread.length} of ${most}`);
      assert.is(new Set(spread).size, spread.length);
      assert.ok(spread.every((tile) => plan.tiles.includes(tile)));
      if (plan.tiles.length === 1) assert.equal(spread, plan.tiles);
    }),
  );
  const places = (width: number, height: number, most: number) =>
    spreadTiles(planTiles({ width, height, tileSize: 16, overlap: 0, multiple: 16 }), most).map(
      ({ column, row }) => `${column},${row}`,
    );
  assert.equal(places(64, 32, 8), ['0,0', '1,0', '2,0', '3,0', '0,1', '1,1', '2,1', '3,1']);
  // In the middles of equal parts, as far apart across as down.
  assert.equal(places(16 * 12, 16 * 12, 4), ['3,3', '9,3', '3,9', '9,9']);
  assert.equal(places(16 * 100, 16, 4), ['12,0', '37,0', '62,0', '87,0']);
  assert.equal(places(16, 16 * 100, 4), ['0,12', '0,37', '0,62', '0,87']);
});

test.run();
