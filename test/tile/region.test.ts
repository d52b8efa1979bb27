// Parts of pictures: what is cut out, and what lies around it.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkRegion, cutOut, withSurroundings } from '#src/tile/extract.js';

const cases = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    channels: fc.constantFrom(1, 2, 3, 4),
    from: fc.tuple(
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
    ),
    size: fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    margin: fc.integer({ min: 0, max: 40 }),
    multiple: fc.constantFrom(1, 8, 16),
  })
  .map(({ from, size, ...rest }) => {
    const [left, top] = [Math.floor(from[0] * rest.width), Math.floor(from[1] * rest.height)];
    const width = 1 + Math.floor(size[0] * (rest.width - left - 1));
    const height = 1 + Math.floor(size[1] * (rest.height - top - 1));
    return { ...rest, region: { left, top, width, height } };
  });

test('what is cut out is what lies there', () =>
  fc.assert(
    fc.property(cases, ({ width, height, channels, region }) => {
      const data = Uint16Array.from({ length: width * height * channels }, (_, i) => i);
      const cut = cutOut({ data, width, height, channels: channels as 3 }, region);
      assert.equal([cut.width, cut.height, cut.channels], [region.width, region.height, channels]);
      assert.is(cut.data.length, region.width * region.height * channels);
      for (let y = 0; y < region.height; y++)
        for (let i = 0; i < region.width * channels; i++) {
          const expected = ((region.top + y) * width + region.left) * channels + i;
          if (cut.data[y * region.width * channels + i] !== expected)
            throw new Error(`row ${y}, sample ${i}`);
        }
    }),
  ));

test('a cut from a Buffer leaves the picture as it was', () => {
  const picture = { data: Buffer.from([1, 2, 3, 4, 5, 6]), width: 3, height: 2, channels: 1 } as const;
  const cut = cutOut(picture, { left: 1, top: 1, width: 2, height: 1 });
  assert.equal(
    [[...cut.data], [...picture.data]],
    [
      [5, 6],
      [1, 2, 3, 4, 5, 6],
    ],
  );
});

test('surroundings begin on multiples, hold the margin and stay in the picture', () =>
  fc.assert(
    fc.property(cases, ({ region, width, height, margin, multiple }) => {
      const around = withSurroundings(region, { width, height }, margin, multiple);
      checkRegion(around, { width, height });
      assert.is(around.left % multiple, 0);
      assert.is(around.top % multiple, 0);
      assert.ok(around.left === 0 || around.left <= region.left - margin);
      const ends = [around.left + around.width, region.left + region.width + margin];
      assert.is(ends[0], Math.min(width, ends[1] ?? 0));
    }),
  ));

test('a region beyond the picture is refused', () => {
  const beyond = { left: 5, top: 0, width: 6, height: 1 };
  assert.throws(() => checkRegion(beyond, { width: 10, height: 10 }), /inside 10 x 10 pixels.*6 x 1 at 5, 0/);
});

test.run();
