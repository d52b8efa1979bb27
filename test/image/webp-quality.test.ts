// The estimate of a lossy WebP's quality gives back what sharp was told, photographs and flat pictures alike.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { suite } from 'uvu';
import { readWebpContainer } from '#src/image/containers/webp-container.js';
import { decodePicture } from '#src/image/decode.js';
import { encodePicture } from '#src/image/encode.js';

const test = suite('webp quality');
const photo = sharp(fileURLToPath(new URL('../../examples/photos/chelsea.png', import.meta.url))).resize(160);
const flat = sharp({ create: { width: 64, height: 48, channels: 3, background: '#345' } });

/** The quality of a file with such a frame. */
function qualityOf(frame: Buffer): number {
  const head = Buffer.from('RIFF\0\0\0\0WEBPVP8 \0\0\0\0', 'latin1');
  head.writeUInt32LE(frame.length, 16);
  return readWebpContainer(Buffer.concat([head, frame])).quality;
}

test('photographs and flat pictures, with and without alpha', async () => {
  for (const picture of [photo, flat])
    for (const alpha of [false, true])
      for (const quality of [1, 10, 30, 50, 70, 75, 80, 85, 90, 95, 100]) {
        const pipeline = alpha ? picture.clone().ensureAlpha(0.5) : picture.clone();
        const file = await pipeline.webp({ quality }).toBuffer();
        const estimate = readWebpContainer(file).quality;
        // A segment less far from the middle than libwebp can go is taken for a higher quality.
        assert.ok(estimate >= quality - 1 && estimate <= quality + 6, `${quality}: ${estimate}`);
      }
});

test('a file written again is about as large, not larger every time', async () => {
  const file = await photo.clone().webp({ quality: 70 }).toBuffer();
  const again = await encodePicture(await decodePicture(file, 'a.webp'));
  assert.ok(again.length < 1.25 * file.length, `${again.length} of ${file.length} bytes`);
});

test('what is no frame: the fallback, whatever the bytes', () => {
  for (const length of [0, 5, 17, 400]) assert.equal(qualityOf(Buffer.alloc(length, 255)), 95);
  const frame = Buffer.alloc(20);
  frame.set([0x9d, 0x01, 0x2a], 3);
  assert.ok(qualityOf(frame) >= 1);
});

test.run();
