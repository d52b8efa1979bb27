// The estimator inverts sharp's quality exactly and falls back where there is nothing to read.
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { suite } from 'uvu';
import { readJpegContainer } from '#src/image/containers/jpeg-container.js';

const test = suite('jpeg quality');

test('every quality from 1 to 100, colour and grey', async () => {
  for (const colourspace of ['srgb', 'b-w'])
    for (let quality = 1; quality <= 100; quality++) {
      const create = { width: 16, height: 16, channels: 3 as const, background: '#285' };
      const file = await sharp({ create }).toColourspace(colourspace).jpeg({ quality }).toBuffer();
      assert.equal(readJpegContainer(file).quality, quality);
    }
});

test('without tables: the fallback', () => {
  assert.equal(readJpegContainer(Buffer.from([0xff, 0xd8, 0xff, 0xd9])).quality, 95);
});

test('tables of another family: finer steps give a higher quality', () => {
  const head = Buffer.from([0xff, 0xd8, 0xff, 0xdb, 0, 67, 0]);
  const flat = (step: number) => readJpegContainer(Buffer.concat([head, Buffer.alloc(64, step)])).quality;
  assert.ok(flat(1) > flat(4) && flat(4) > flat(16) && flat(16) > flat(64));
});

test.run();
