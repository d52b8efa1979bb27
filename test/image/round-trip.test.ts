// decode -> encode -> decode gives the same samples for whatever is lossless, and the same kind of file for all.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { suite } from 'uvu';
import { writeFileAtomic } from '#src/core/files.js';
import type { Channels, Samples } from '#src/core/picture.js';
import { readPngContainer } from '#src/image/containers/png-container.js';
import { decodePicture } from '#src/image/decode.js';
import { encodePicture } from '#src/image/encode.js';
import { fidelityOf } from '#src/image/file-traits.js';
import {
  assertHolds,
  HEIGHT,
  pipelineOf,
  samples8,
  samples16,
  samplesFloat,
  WIDTH,
  withSamples,
} from './made.js';

const test = suite('image round trip');
const allChannels: readonly Channels[] = [1, 2, 3, 4];

/** Encodes what was decoded and checks it with our decoder and with sharp alone; returns both files' facts. */
async function roundTrip(file: Buffer, expected: Samples) {
  const decoded = await decodePicture(file, 'made');
  assert.deepEqual(decoded.picture.data, expected);
  const encoded = await encodePicture(decoded);
  const again = await decodePicture(encoded, 'encoded');
  assert.deepEqual(again.picture, decoded.picture);
  assert.equal(again.container.format, decoded.container.format);
  await assertHolds(encoded, decoded.picture);
  return { decoded, encoded, before: await sharp(file).metadata(), after: await sharp(encoded).metadata() };
}

for (const channels of allChannels) {
  for (const data of [samples8(channels), samples16(channels)]) {
    const name = `${data.BYTES_PER_ELEMENT * 8}-bit, ${channels} channels`;
    for (const progressive of [false, true])
      test(`PNG ${name}${progressive ? ', interlaced' : ''}`, async () => {
        const file = await pipelineOf(data, channels).png({ progressive }).toBuffer();
        const { before, after } = await roundTrip(file, data);
        assert.deepEqual({ ...after, size: 0 }, { ...before, size: 0 });
      });
    for (const compression of ['none', 'lzw', 'deflate', 'packbits'])
      for (const predictor of ['none', 'horizontal'])
        test(`TIFF ${name}, ${compression}, predictor ${predictor}`, async () => {
          const file = await pipelineOf(data, channels).tiff({ compression, predictor }).toBuffer();
          const { before, after, decoded, encoded } = await roundTrip(file, data);
          assert.deepEqual({ ...after, size: 0 }, { ...before, size: 0 });
          assert.deepEqual((await decodePicture(encoded, 'encoded')).container, decoded.container);
        });
  }
}

for (const channels of allChannels)
  for (const [compression, predictor] of [
    ['none', 'none'],
    ['lzw', 'float'],
    ['deflate', 'float'],
    ['deflate', 'none'],
  ])
    test(`float TIFF, ${channels} channels, ${compression}, predictor ${predictor}`, async () => {
      const data = samplesFloat(channels);
      const file = await floats(data, channels).tiff({ compression, predictor }).toBuffer();
      const { before, after, decoded, encoded } = await roundTrip(file, data);
      assert.deepEqual({ ...after, size: 0 }, { ...before, size: 0 });
      assert.deepEqual((await decodePicture(encoded, 'encoded')).container, decoded.container);
    });

function floats(data: Float32Array, channels: Channels): Sharp {
  const raw = { width: WIDTH, height: HEIGHT, channels: 1 as const };
  const planes = Array.from({ length: channels }, (_, c) => data.filter((_, i) => i % channels === c));
  const others = (channels === 1 ? planes : planes.slice(1)) as unknown as Buffer[];
  const first = sharp(planes[0], { raw }).toColourspace(channels <= 2 ? 'b-w' : 'scrgb');
  return channels === 1
    ? first.joinChannel(others, { raw }).extractChannel(0)
    : first.joinChannel(others, { raw });
}

for (const channels of [3, 4] as const)
  test(`lossless WebP, ${channels} channels`, async () => {
    const data = samples8(channels);
    const file = await pipelineOf(data, channels).webp({ lossless: true, exact: true }).toBuffer();
    const { encoded } = await roundTrip(file, data);
    assert.ok(encoded.includes('VP8L'));
  });

test('lossy WebP stays lossy, its alpha exact', async () => {
  const file = await pipelineOf(samples8(4), 4).webp({ quality: 80 }).toBuffer();
  const decoded = await decodePicture(file, 'lossy.webp');
  const encoded = await encodePicture(decoded);
  assert.ok(!encoded.includes('VP8L'));
  const again = await decodePicture(encoded, 'again.webp');
  const alpha = (data: Samples) => data.filter((_, i) => i % 4 === 3);
  assert.deepEqual(alpha(again.picture.data), alpha(decoded.picture.data));
});

for (const [alpha, channels] of [
  [false, 3],
  [true, 4],
] as const)
  for (const progressive of [false, true])
    test(`palette PNG ${alpha ? 'with alpha' : ''}${progressive ? ', interlaced' : ''}: stays one, its palette too`, async () => {
      const data = samples8(channels).map((v, i) => (i % channels === 3 ? v : v & 0xc0));
      const file = await pipelineOf(data, channels).png({ palette: true, dither: 0, progressive }).toBuffer();
      const decoded = await decodePicture(file, 'palette.png');
      assert.equal(decoded.picture.channels, channels);
      const encoded = await encodePicture(decoded);
      await assertHolds(encoded, decoded.picture);
      const { isPalette, isProgressive } = await sharp(encoded).metadata();
      assert.deepEqual([isPalette, isProgressive], [true, progressive]);
      const [before, after] = [file, encoded].map((png) => readPngContainer(png).palette);
      assert.deepEqual(after, before);
      assert.equal(after?.alphas.length === 0, !alpha);
    });

test('palette PNG: other colours get a palette of their own, more than 256 of them truecolour', async () => {
  for (const channels of [3, 4] as const) {
    const data = samples8(channels).map((v) => v & 0xc0);
    const decoded = await decodePicture(
      await pipelineOf(data, channels).png({ palette: true, dither: 0 }).toBuffer(),
      'palette.png',
    );
    const others = data.map((v, i) => (i % channels === 3 ? v : v ^ 0x15));
    const moved = await encodePicture(withSamples(decoded, others));
    await assertHolds(moved, { ...decoded.picture, data: others });
    assert.deepEqual((await fidelityOf(decoded, moved)).notKept, []);

    const many = samples8(channels).map((_, i) => Math.imul(i, 2654435761) >>> 24);
    const truecolour = await encodePicture(withSamples(decoded, many));
    await assertHolds(truecolour, { ...decoded.picture, data: many });
    const { notKept } = await fidelityOf(decoded, truecolour);
    assert.deepEqual(notKept, [`colour: palette -> ${channels === 4 ? 'RGBA' : 'RGB'}`]);
  }
});

test('a palette of 1, 2 and 4 bits is written with 8-bit indices', async () => {
  for (const colours of [2, 4, 16]) {
    const file = await pipelineOf(samples8(3), 3).png({ palette: true, colours, dither: 0 }).toBuffer();
    const decoded = await decodePicture(file, 'palette.png');
    const encoded = await encodePicture(decoded);
    await assertHolds(encoded, decoded.picture);
    assert.deepEqual((await fidelityOf(decoded, encoded)).notKept, [`bit depth: ${Math.log2(colours)} -> 8`]);
  }
});

for (const chromaSubsampling of ['4:2:0', '4:4:4'])
  for (const progressive of [false, true])
    for (const quality of [35, 50, 75, 92, 100])
      test(`JPEG ${chromaSubsampling}${progressive ? ', progressive' : ''}, quality ${quality}`, async () => {
        const file = await pipelineOf(samples8(3), 3)
          .blur(2)
          .jpeg({ quality, chromaSubsampling, progressive })
          .toBuffer();
        const decoded = await decodePicture(file, 'photo.jpg');
        const encoded = await encodePicture(decoded);
        const [before, after] = await Promise.all([sharp(file).metadata(), sharp(encoded).metadata()]);
        assert.deepEqual({ ...after, size: 0 }, { ...before, size: 0 });
        const again = await decodePicture(encoded, 'again.jpg');
        assert.deepEqual(again.container, decoded.container);
        const error = Array.from(decoded.picture.data).reduce(
          (sum, v, i) => sum + Math.abs(v - (again.picture.data[i] ?? 0)),
          0,
        );
        assert.ok(error / decoded.picture.data.length < 2, `mean error ${error}`);
      });

test('grey JPEG stays grey', async () => {
  const file = await pipelineOf(samples8(1), 1).jpeg({ quality: 90 }).toBuffer();
  const decoded = await decodePicture(file, 'grey.jpg');
  assert.equal(decoded.picture.channels, 1);
  assert.equal((await sharp(await encodePicture(decoded)).metadata()).channels, 1);
});

test('JPEG-compressed TIFF becomes deflate', async () => {
  const file = await pipelineOf(samples8(3), 3).tiff({ compression: 'jpeg' }).toBuffer();
  const decoded = await decodePicture(file, 'jpeg.tif');
  const again = await decodePicture(await encodePicture(decoded), 'again.tif');
  assert.deepEqual(again.picture, decoded.picture);
  assert.ok(again.traits.some(([name, value]) => name === 'compression' && value === 'Deflate'));
});

test('BigTIFF and tiles stay', async () => {
  const data = samples16(3);
  const resolution = { xres: 240 / 25.4, yres: 240 / 25.4 };
  const file = await pipelineOf(data, 3)
    .tiff({ compression: 'lzw', bigtiff: true, tile: true, tileWidth: 16, tileHeight: 16, ...resolution })
    .toBuffer();
  const { before, after, encoded } = await roundTrip(file, data);
  assert.equal(before.density, 240);
  assert.equal(after.density, 240);
  const { traits } = await decodePicture(encoded, 'encoded.tif');
  assert.deepEqual(Object.fromEntries(traits).layout, 'tiles of 16 x 16');
  assert.deepEqual(Object.fromEntries(traits).variant, 'BigTIFF');
});

test('1x1 and 20000x3 pictures', async () => {
  for (const [width, height] of [
    [1, 1],
    [20000, 3],
  ] as const)
    for (const format of ['png', 'jpeg', 'tiff', 'webp'] as const) {
      if (format === 'webp' && width > 16383) continue;
      const create = { width, height, channels: 3 as const, background: '#804020' };
      const file = await sharp({ create }).toFormat(format).toBuffer();
      const decoded = await decodePicture(file, `flat.${format}`);
      const again = await decodePicture(await encodePicture(decoded), 'again');
      assert.deepEqual([again.picture.width, again.picture.height], [width, height]);
    }
});

test('new samples are what the file holds', async () => {
  const decoded = await decodePicture(await pipelineOf(samples16(3), 3).png().toBuffer(), 'a.png');
  const data = samples16(3).map((v) => 65535 - v);
  await assertHolds(await encodePicture(withSamples(decoded, data)), { ...decoded.picture, data });
});

test('a Uint8Array view into a larger buffer, and a file on disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  try {
    const file = await pipelineOf(samples8(3), 3).png().toBuffer();
    const larger = new Uint8Array(file.length + 7);
    larger.set(file, 3);
    const decoded = await decodePicture(larger.subarray(3, 3 + file.length), 'view.png');
    await writeFileAtomic(join(folder, 'out.png'), await encodePicture(decoded));
    await assertHolds(await readFile(join(folder, 'out.png')), decoded.picture);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
