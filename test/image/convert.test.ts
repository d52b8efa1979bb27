// `format` and `quality`: every format into every other, with the metadata that both have a place for.
import assert from 'node:assert/strict';
import sharp, { type Sharp } from 'sharp';
import { suite } from 'uvu';
import { readTiffTags, withTiffDirectory } from '#src/image/containers/tiff-tags.js';
import { checkConversion, converted } from '#src/image/convert.js';
import { decodePicture } from '#src/image/decode.js';
import { encodePicture } from '#src/image/encode.js';
import { fidelityOf } from '#src/image/file-traits.js';
import type { TargetFormat } from '#src/image/format.js';
import { withFormatExtension } from '#src/image/format.js';
import { pipelineOf, planesOf, samples8, samples16, xmp } from './made.js';

const test = suite('conversion');
const formats = ['png', 'jpeg', 'webp', 'tiff'] as const;
const lossless = {
  png: {},
  jpeg: { quality: 92 },
  webp: { lossless: true, exact: true },
  tiff: { compression: 'lzw' },
};

function dressed(pipeline: Sharp): Sharp {
  return pipeline
    .withIccProfile('p3')
    .withMetadata({ icc: 'p3', orientation: 6, density: 240 })
    .withExifMerge({ IFD0: { Artist: 'Ada' }, IFD2: { LensModel: 'a lens' } })
    .withXmp(xmp);
}

async function convert(file: Buffer, format: TargetFormat, quality?: number) {
  const decoded = await decodePicture(file, 'a');
  checkConversion(decoded, format);
  const encoded = await encodePicture(converted(decoded, { format, quality }));
  return { decoded, encoded, fidelity: await fidelityOf(decoded, encoded) };
}

for (const from of formats)
  for (const to of formats) {
    if (from === to) continue;
    test(`${from} to ${to}: samples, profile, EXIF, XMP, orientation`, async () => {
      const file = await dressed(pipelineOf(samples8(3), 3))
        .toFormat(from, lossless[from])
        .toBuffer();
      const { decoded, encoded, fidelity } = await convert(file, to);
      const [before, after] = [await sharp(file).metadata(), await sharp(encoded).metadata()];
      assert.equal(after.format, to);
      assert.deepEqual([after.icc, after.xmp, after.orientation], [before.icc, before.xmp, 6]);
      for (const trait of ['ICC profile', 'XMP', 'orientation: 6', 'size: 37 x 23', 'colour: RGB'])
        assert.ok(fidelity.kept.includes(trait), `${trait}: ${JSON.stringify(fidelity)}`);
      assert.ok(fidelity.notKept.some((line) => line.startsWith('format: ')));
      if (to === 'png' || to === 'tiff' || (to === 'webp' && from !== 'jpeg'))
        assert.deepEqual((await decodePicture(encoded, 'b')).picture.data, decoded.picture.data);
      if (from !== 'tiff' && to !== 'tiff') assert.ok(fidelity.kept.includes('EXIF'));
      if (from !== 'tiff' || to === 'tiff') assert.ok(encoded.includes('a lens') && encoded.includes('Ada'));
    });
  }

test('EXIF of a TIFF goes into the others', async () => {
  const plain = await pipelineOf(samples8(3), 3).tiff({ compression: 'lzw' }).toBuffer();
  const lens = { id: 42036, type: 2, count: 7, value: Buffer.from('a lens\0') };
  const pointer = { id: 34665, type: 4, count: 1, value: Buffer.alloc(4), directory: [lens] };
  const file = withTiffDirectory(plain, [...readTiffTags(plain), pointer]);
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const { encoded } = await convert(file, format);
    assert.ok((await sharp(encoded).metadata()).exif?.includes('a lens'), format);
  }
});

test('16 bits stay in PNG and TIFF and become 8 elsewhere, which is told', async () => {
  const data = samples16(3);
  const file = await pipelineOf(data, 3).png().toBuffer();
  assert.deepEqual(await planesOf((await convert(file, 'tiff')).encoded), await planesOf(file));
  const { encoded, fidelity } = await convert(file, 'jpeg', 100);
  assert.ok(fidelity.notKept.includes('bit depth: 16 -> 8'));
  const { data: after } = await sharp(encoded).raw().toBuffer({ resolveWithObject: true });
  assert.equal(after.length, data.length);
  const error =
    after.reduce((sum, value, i) => sum + Math.abs(value - (data[i] ?? 0) / 257), 0) / after.length;
  assert.ok(error < 2, String(error));
});

test('grey, a palette, transparency', async () => {
  const grey = await pipelineOf(samples8(1), 1).png().toBuffer();
  assert.equal((await sharp((await convert(grey, 'jpeg')).encoded).metadata()).channels, 1);
  assert.deepEqual(
    (await convert(grey, 'webp')).fidelity.notKept.filter((line) => line.startsWith('colour')),
    ['colour: grey -> RGB'],
  );

  const opaque = samples8(4).map((value, i) => (i % 4 === 3 ? 255 : value));
  const file = await pipelineOf(opaque, 4).png().toBuffer();
  assert.ok((await convert(file, 'jpeg')).fidelity.notKept.includes('colour: RGBA -> RGB'));
  const seeThrough = await pipelineOf(samples8(4), 4).png().toBuffer();
  await assert.rejects(convert(seeThrough, 'jpeg'), {
    code: 'UNSUPPORTED_IMAGE',
    message: /^a: found transparency.*format png, webp or tiff/,
  });
  const alpha = await convert(seeThrough, 'webp');
  assert.deepEqual(await planesOf(alpha.encoded), await planesOf(seeThrough));
});

test('quality: asked for, the file’s own, or 90', async () => {
  const file = await pipelineOf(samples8(3), 3).jpeg({ quality: 70 }).toBuffer();
  const qualityOf = async (...args: Parameters<typeof convert>) => {
    const { container } = await decodePicture((await convert(...args)).encoded, 'again');
    return container.format === 'jpeg' ? container.quality : undefined;
  };
  assert.equal(await qualityOf(file, 'jpeg'), 70);
  assert.equal(await qualityOf(file, 'jpeg', 40), 40);
  const png = await pipelineOf(samples8(3), 3).png().toBuffer();
  assert.equal(await qualityOf(png, 'jpeg'), 90);
  assert.equal(await qualityOf(png, 'jpeg', 55), 55);

  const decoded = await decodePicture(png, 'a');
  for (const [options, is] of [
    [{}, false],
    [{ format: 'png' }, false],
    [{ quality: 50 }, false],
    [{ format: 'webp' }, true],
  ] as const)
    assert.equal(converted(decoded, options) !== decoded, is);
  const lossy = await convert(png, 'webp', 60);
  assert.ok(!lossy.encoded.includes('VP8L'));
});

test('floats fit into TIFF alone', async () => {
  const raw = { width: 8, height: 8, channels: 1 as const };
  const plane = new Float32Array(64).fill(0.25);
  const rest = [plane, plane] as unknown as Buffer[];
  const file = await sharp(plane, { raw })
    .toColourspace('scrgb')
    .joinChannel(rest, { raw })
    .tiff({ compression: 'none' })
    .toBuffer();
  await assert.rejects(convert(file, 'png'), {
    code: 'UNSUPPORTED_IMAGE',
    message: /floats.*PNG.*format tiff/,
  });
});

test('extensions', () => {
  for (const [path, format, expected] of [
    ['a/b.png', 'jpeg', 'a/b.jpg'],
    ['a/b.JPEG', 'jpeg', 'a/b.JPEG'],
    ['a.tif', 'tiff', 'a.tif'],
    ['a.b/c', 'webp', 'a.b/c.webp'],
    ['a.jpg', 'tiff', 'a.tif'],
  ] as const)
    assert.equal(withFormatExtension(path, format), expected);
});

test.run();
