// What a TIFF has beside its pixels stays, or is said to be lost: maker notes, byte order, the kind of its samples, every tag.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import type { Samples } from '#src/core/picture.js';
import {
  isLittleEndian,
  readTiffTags,
  type TiffTag,
  tagNumber,
  withTiffDirectory,
} from '#src/image/containers/tiff-tags.js';
import { converted, decodePicture, encodePicture, fidelityOf, type TargetFormat } from '#src/image/index.js';
import { sharedPath } from '../shared.js';
import { assertHolds, pipelineOf, samples8, samples16, withSamples } from './made.js';

const test = suite('TIFF fidelity');
const EXIF = 34_665;
const MAKER_NOTES = 37_500;

async function through(file: Buffer, change: (data: Samples) => Samples = (data) => data) {
  const decoded = await decodePicture(file, 'a.tif');
  const encoded = await encodePicture(withSamples(decoded, change(decoded.picture.data)));
  return { decoded, encoded, ...(await fidelityOf(decoded, encoded)) };
}

async function into(file: Buffer, format: TargetFormat) {
  const decoded = await decodePicture(file, 'a');
  const encoded = await encodePicture(converted(decoded, { format }));
  return { encoded, ...(await fidelityOf(decoded, encoded)) };
}

const short = (id: number, ...numbers: number[]): TiffTag => ({
  id,
  type: 3,
  count: numbers.length,
  value: Buffer.from(numbers.flatMap((number) => [number & 255, number >> 8])),
});

const changed = (file: Buffer, ...tags: TiffTag[]): Buffer =>
  withTiffDirectory(file, [
    ...readTiffTags(file).filter(({ id }) => !tags.some((tag) => tag.id === id)),
    ...tags,
  ]);

const plain = (options: object = { compression: 'lzw' }) =>
  pipelineOf(samples8(3), 3).tiff(options).toBuffer();

/** A TIFF whose maker notes lie at its end and name their own place. */
async function withNotes(file: Buffer, start: string, isLittle = true): Promise<Buffer> {
  const at = file.length + (file.length % 2);
  const value = Buffer.from(`${start} at ${at}, of some length`);
  const notes = { id: MAKER_NOTES, type: 7, count: value.length, value, place: { at, isLittle } };
  const pointer = { id: EXIF, type: 4, count: 1, value: Buffer.alloc(4), directory: [notes] };
  const whole = Buffer.concat([file, Buffer.alloc(at - file.length), value]);
  return withTiffDirectory(whole, [...readTiffTags(file), pointer], isLittle);
}

function assertNotesWhole(file: Buffer): void {
  const exif = readTiffTags(file).find(({ id }) => id === EXIF)?.directory ?? [];
  const { value, place } = exif.find(({ id }) => id === MAKER_NOTES) as TiffTag;
  assert.ok(place && value.includes(`at ${place.at}, of some length`));
  assert.deepEqual(file.subarray(place.at, place.at + value.length), value);
}

for (const [kind, options] of [
  ['strips', { compression: 'none', predictor: 'none' }],
  ['strips, compressed', { compression: 'lzw' }],
  ['tiles', { compression: 'none', predictor: 'none', tile: true, tileWidth: 16, tileHeight: 16 }],
  ['BigTIFF', { compression: 'deflate', bigtiff: true }],
] as const)
  for (const isLittle of [true, false])
    test(`maker notes stay at their place: ${kind}, ${isLittle ? 'little' : 'big'}-endian`, async () => {
      const file = await withNotes(await plain(options), 'Camera', isLittle);
      const { decoded, encoded, kept, notKept } = await through(file);
      assert.deepEqual(notKept, []);
      assert.ok(kept.includes('maker notes') && kept.includes('EXIF'));
      assertNotesWhole(encoded);
      await assertHolds(encoded, decoded.picture);
      // They lie among the pixels of a file that has become longer.
      const noisy = await through(file, (data) => data.map((_, i) => Math.imul(i, 2654435761) >>> 24));
      assert.deepEqual(noisy.notKept, []);
      assertNotesWhole(noisy.encoded);
      const again = await decodePicture(noisy.encoded, 'again.tif');
      assert.deepEqual(
        again.picture.data,
        samples8(3).map((_, i) => Math.imul(i, 2654435761) >>> 24),
      );
    });

test('maker notes are said to be lost where their place or order is', async () => {
  const file = await withNotes(await plain(), 'Camera');
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const { encoded, notKept } = await into(file, format);
    assert.ok(notKept.includes('maker notes'), `${format}: ${notKept}`);
    assert.ok(!encoded.includes('of some length'));
  }
  // Those that count from their own start go anywhere.
  const movable = await withNotes(await plain(), 'OLYMPUS\0II');
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    const { encoded, kept } = await into(movable, format);
    assert.ok(kept.includes('maker notes'), `${format}: ${kept}`);
    assert.ok(encoded.includes('of some length'));
  }
});

test('maker notes of a JPEG keep their place in a TIFF made of it', async () => {
  const exif = await withNotes(Buffer.from('II*\0\x08\0\0\0\0\0\0\0\0\0', 'latin1'), 'Camera');
  const jpeg = await pipelineOf(samples8(3), 3).jpeg().toBuffer();
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 8]);
  const segment = Buffer.concat([head, Buffer.from('Exif\0\0'), exif]);
  const { encoded, kept } = await into(
    Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]),
    'tiff',
  );
  assert.ok(kept.includes('maker notes'), String(kept));
  assertNotesWhole(encoded);
});

test('byte order stays, or is said to change', async () => {
  const order = async (file: Buffer) => {
    const big = withTiffDirectory(file, readTiffTags(file), false);
    const { encoded, notKept } = await through(big);
    return { isLittle: isLittleEndian(encoded), notKept, encoded, big };
  };
  for (const options of [{ compression: 'none', predictor: 'none' }, { compression: 'lzw' }]) {
    const { isLittle, notKept, encoded } = await order(await plain(options));
    assert.deepEqual([isLittle, notKept], [false, []]);
    await assertHolds(encoded, (await decodePicture(await plain(options), 'a')).picture);
  }
  const data = samples16(3);
  const swapped = Uint16Array.from(data);
  Buffer.from(swapped.buffer).swap16();
  const whole = { width: 37, height: 23, channels: 3, data } as const;
  for (const compression of ['none', 'lzw'] as const) {
    const file = await pipelineOf(swapped, 3).tiff({ compression, predictor: 'none' }).toBuffer();
    const { isLittle, notKept, encoded, big } = await order(file);
    await assertHolds(big, whole);
    await assertHolds(encoded, whole);
    assert.deepEqual([isLittle, notKept], [false, []]);
  }
  const predicted = changed(
    await pipelineOf(swapped, 3).tiff({ compression: 'lzw', predictor: 'none' }).toBuffer(),
    short(317, 2),
  );
  const { isLittle, notKept } = await order(predicted);
  assert.deepEqual([isLittle, notKept], [true, ['byte order: big-endian -> little-endian']]);
});

test('a band of unknown kind stays one, and hides no pixel', async () => {
  const file = await pipelineOf(samples8(4), 4).tiff({ compression: 'lzw' }).toBuffer();
  const unsaid = withTiffDirectory(
    file,
    readTiffTags(file).filter(({ id }) => id !== 338),
  );
  for (const made of [changed(file, short(338, 0)), unsaid]) {
    const { decoded, encoded, notKept } = await through(made);
    assert.deepEqual(notKept, []);
    assert.equal(decoded.picture.channels, 3);
    assert.deepEqual(
      decoded.warnings,
      made === unsaid ? ['a band beside the colours that it does not name'] : [],
    );
    assert.equal(tagNumber(readTiffTags(encoded), 338), 0);
    await assertHolds(encoded, { width: 37, height: 23, channels: 4, data: samples8(4) });
    const png = await into(made, 'png');
    assert.ok(png.notKept.includes('band beside the colours'), String(png.notKept));
  }
  const alpha = await through(file);
  assert.deepEqual([alpha.decoded.picture.channels, alpha.notKept], [4, []]);
});

test('white stored as 0 stays so', async () => {
  const file = await pipelineOf(samples8(1), 1).tiff({ compression: 'lzw', miniswhite: true }).toBuffer();
  const { decoded, encoded, kept, notKept } = await through(file);
  assert.deepEqual(decoded.picture.data, samples8(1));
  assert.deepEqual(notKept, []);
  assert.ok(kept.includes('white stored as 0: yes'));
  await assertHolds(encoded, decoded.picture);
});

test('the kind of picture, screening and the limits of samples stay while they are true', async () => {
  const hints = [
    short(254, 2),
    short(263, 1),
    short(321, 200, 30),
    short(280, 0, 0, 0),
    short(281, 255, 255, 255),
  ];
  const made = changed(await plain(), ...hints);
  const { encoded, notKept } = await through(made);
  assert.deepEqual(notKept, []);
  for (const hint of hints)
    assert.deepEqual(
      readTiffTags(encoded).find(({ id }) => id === hint.id),
      hint,
    );
  const narrow = changed(await plain(), short(280, 3, 3, 3), short(281, 250, 250, 250));
  assert.deepEqual((await through(narrow)).notKept, [
    'least sample (MinSampleValue)',
    'greatest sample (MaxSampleValue)',
  ]);
  const within = (data: Samples) => data.map((value) => Math.min(250, Math.max(3, value)));
  assert.deepEqual((await through(narrow, within)).notKept, []);
});

const cases: Readonly<Record<string, readonly string[]>> = {
  'silent-tiff-changes/flower-palette-08.tif': ['colour: palette -> RGB'],
  'silent-tiff-changes/flower-rgb-planar-08.tif': ['planes: one for each channel -> together'],
  'silent-tiff-changes/planar16.tif': ['planes: one for each channel -> together'],
  'silent-tiff-changes/ycbcr-cat.tif': ['colour: YCbCr -> RGB'],
  'rgb-nir/rgbnir.tif': [],
  'tiff-makernote/mn_small.tif': [],
};

for (const [path, lost] of Object.entries(cases))
  test(`shared case ${path}`, async () => {
    const folder = sharedPath('cases');
    if (folder === undefined) return;
    const file = await readFile(join(folder, path));
    const { decoded, encoded, notKept } = await through(file);
    assert.deepEqual(notKept, lost);
    assert.equal(decoded.picture.channels, 3);
    const { channels } = await sharp(encoded).metadata();
    assert.equal(channels, path.startsWith('rgb-nir') ? 4 : 3);
    assert.equal(isLittleEndian(encoded), isLittleEndian(file));
  });

test.run();
