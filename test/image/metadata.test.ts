// Profile, EXIF, XMP, density and comments go through unchanged, and a profile never changes a sample.
import assert from 'node:assert/strict';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { suite } from 'uvu';
import { readTiffTags, tagNumber, withTiffDirectory } from '#src/image/containers/tiff-tags.js';
import { decodePicture } from '#src/image/decode.js';
import { encodePicture } from '#src/image/encode.js';
import { assertHolds, exif, pipelineOf, samples8, samples16, withSamples, xmp } from './made.js';

const test = suite('image metadata');

const writers: readonly [string, (pipeline: Sharp) => Sharp][] = [
  ['png', (pipeline) => pipeline.png()],
  ['jpeg', (pipeline) => pipeline.jpeg({ quality: 90 })],
  ['lossless webp', (pipeline) => pipeline.webp({ lossless: true, exact: true })],
  ['lossy webp', (pipeline) => pipeline.webp()],
  ['tiff', (pipeline) => pipeline.tiff({ compression: 'lzw' })],
];

/** What must be the same before and after, as sharp reads it: buffers byte for byte. */
function kept({ icc, exif, xmp, iptc, density, orientation, comments, resolutionUnit }: Metadata) {
  return { icc, exif, xmp, iptc, density, orientation, comments, resolutionUnit };
}

for (const [format, write] of writers)
  for (const channels of [3, 4] as const)
    for (const data of [samples8(channels), samples16(channels)]) {
      const isLossless = !['jpeg', 'lossy webp'].includes(format);
      if (data instanceof Uint16Array && !['png', 'tiff'].includes(format)) continue;
      test(`${format}, ${data.BYTES_PER_ELEMENT * 8} bits, ${channels} channels: Display P3, EXIF with orientation 6, XMP, 240 dpi`, async () => {
        const pipeline = pipelineOf(data, channels)
          .withIccProfile('p3')
          .withMetadata({ icc: 'p3', orientation: 6, density: 240 })
          .withExifMerge(exif)
          .withXmp(xmp);
        const file = await write(pipeline).toBuffer();
        const decoded = await decodePicture(file, `p3.${format}`);
        const encoded = await encodePicture(decoded);
        const [before, after] = await Promise.all([sharp(file).metadata(), sharp(encoded).metadata()]);
        assert.deepEqual(kept(after), kept(before));
        assert.ok(before.icc && before.xmp && before.orientation === 6);
        if (format !== 'tiff') assert.ok(before.exif);
        if (!format.includes('webp')) assert.equal(before.density, 240);
        if (isLossless) await assertHolds(encoded, decoded.picture);
        if (isLossless) await assertHolds(file, decoded.picture);
        const again = await decodePicture(encoded, 'again');
        assert.deepEqual(again.container, decoded.container);
      });
    }

test('a file without metadata gets none', async () => {
  for (const [format, write] of writers) {
    const file = await write(pipelineOf(samples8(3), 3)).toBuffer();
    const encoded = await encodePicture(await decodePicture(file, format));
    const [before, after] = await Promise.all([sharp(file).metadata(), sharp(encoded).metadata()]);
    assert.deepEqual(kept(after), kept(before));
  }
});

test('PNG text and gamma chunks are carried over, and the background while it names an entry of the palette', async () => {
  const plain = await pipelineOf(samples8(4), 4).png({ palette: true }).toBuffer();
  const text = chunk('tEXt', Buffer.from('Comment\0hello'));
  const gamma = chunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f]));
  const background = chunk('bKGD', Buffer.from([0]));
  const afterPalette = plain.indexOf('PLTE') + 8 + plain.readUInt32BE(plain.indexOf('PLTE') - 4);
  const file = Buffer.concat([
    plain.subarray(0, 33),
    gamma,
    plain.subarray(33, afterPalette),
    background,
    plain.subarray(afterPalette, -12),
    text,
    plain.subarray(-12),
  ]);
  const decoded = await decodePicture(file, 'text.png');
  const samePalette = await encodePicture(decoded);
  assert.ok(samePalette.indexOf('PLTE') < samePalette.indexOf(background));
  assert.ok(samePalette.indexOf(gamma) < samePalette.indexOf('PLTE'));
  const otherColours = decoded.picture.data.map((value) => value ^ 1);
  for (const [encoded, kept] of [
    [samePalette, ['PLTE', 'tRNS', 'bKGD']],
    [await encodePicture(withSamples(decoded, otherColours)), ['PLTE', 'tRNS']],
    [
      await encodePicture(
        withSamples(
          decoded,
          samples8(4).map((_, i) => Math.imul(i, 2654435761) >>> 24),
        ),
      ),
      [],
    ],
  ] as const) {
    assert.ok(encoded.includes(text) && encoded.includes(gamma));
    for (const type of ['PLTE', 'tRNS', 'bKGD'])
      assert.equal(encoded.includes(type), (kept as readonly string[]).includes(type), type);
    await sharp(encoded, { failOn: 'warning' }).raw().toBuffer();
  }
});

test('JPEG comments stay, Adobe transform and an unreadable multi-picture index do not', async () => {
  const plain = await pipelineOf(samples8(3), 3).jpeg().toBuffer();
  const comment = segment(0xfe, 'a comment');
  const extras = [comment, segment(0xe2, 'MPF\0index'), segment(0xee, 'Adobe\0d\0\0\0\0\x01')];
  const file = Buffer.concat([plain.subarray(0, 2), ...extras, plain.subarray(2)]);
  const encoded = await encodePicture(await decodePicture(file, 'comment.jpg'));
  assert.ok(encoded.includes(comment));
  assert.ok(!encoded.includes('MPF\0') && !encoded.includes('Adobe'));
  await decodePicture(encoded, 'again.jpg');
});

test('TIFF: EXIF and GPS directories, texts, odd-length values; a big-endian file', async () => {
  const plain = await pipelineOf(samples8(3), 3).tiff({ compression: 'none', predictor: 'none' }).toBuffer();
  const ascii = (id: number, text: string) => ({
    id,
    type: 2,
    count: text.length + 1,
    value: Buffer.from(`${text}\0`),
  });
  const pointer = { type: 4, count: 1, value: Buffer.alloc(4) };
  const exposure = { id: 33434, type: 5, count: 1, value: Buffer.from([1, 0, 0, 0, 250, 0, 0, 0]) };
  const extras = [
    ascii(270, 'a description'),
    { id: 274, type: 3, count: 1, value: Buffer.from([8, 0]) },
    ascii(315, 'Ada'),
    { id: 34665, ...pointer, directory: [exposure, ascii(42036, 'a lens')] },
    { id: 34853, ...pointer, directory: [ascii(1, 'N')] },
  ];
  const ids = extras.map(({ id }) => id);
  const own = readTiffTags(plain).filter(({ id }) => !ids.includes(id));
  const file = withTiffDirectory(plain, [...own, ...extras]);
  const encoded = await encodePicture(await decodePicture(file, 'exif.tif'));
  const tags = readTiffTags(encoded).filter(({ id }) => ids.includes(id));
  assert.deepEqual(tags, extras);
  assert.equal((await sharp(encoded).metadata()).orientation, 8);
  assert.equal(tagNumber(readTiffTags(bigEndianTiff()), 274), 3);
});

/** The smallest big-endian directory: one SHORT tag, orientation 3. */
function bigEndianTiff(): Buffer {
  return Buffer.from('4d4d002a00000008000101120003000000010003000000000000', 'hex');
}

function segment(marker: number, text: string): Buffer {
  const head = Buffer.from([0xff, marker, 0, text.length + 2]);
  return Buffer.concat([head, Buffer.from(text, 'latin1')]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test.run();
