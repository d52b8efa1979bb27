// The matrix of JPEG: how pixels are coded, what stands before them and what behind. See matrix.test.ts for the others.
import assert from 'node:assert/strict';
import ExifReader from 'exifreader';
import sharp, { type Sharp } from 'sharp';
import { test } from 'uvu';
import { encodeJpegTurbo } from '#src/image/jpeg-turbo.js';
import { HEIGHT, pipelineOf, samples8, WIDTH } from '../image/made.js';
import { assertKept, denoised, dressed, independently } from './kept.js';

/** 32 x 16 pixels with half the chroma across, which sharp does not write; made by Pillow. */
const HALF_CHROMA_JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAQDAwMDAgQDAwMEBAQFBgoGBgUFBgwICQcKDgwPDg4MDQ0PERYTDxAVEQ0NExoTFRcY' +
    'GRkZDxIbHRsYHRYYGRj/2wBDAQQEBAYFBgsGBgsYEA0QGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY' +
    'GBgYGBgYGBj/wAARCAAQACADASEAAhEBAxEB/8QAFwABAAMAAAAAAAAAAAAAAAAABgQFCP/EACYQAAAEBgIABwAAAAAAAAAAAAAB' +
    'ERIDBAUGI6ECBxQhJDFBcYH/xAAYAQACAwAAAAAAAAAAAAAAAAAEBwUGCP/EACIRAAECBgMAAwAAAAAAAAAAAAECEQADBQYhQQQS' +
    'FCIxcf/aAAwDAQACEQMRAD8AyhTrHcmHQW06wXJh0IKXO9EGW7X2bMLKd145MGgtp3Wzk9PoGy6B6NQ97duVmzE2kWO5uHQeUiwn' +
    'Nw6Ffteb6OsYaodfZswrl7SgSfLjD8McWKhG0vIi+z+BfyFmz8yZKRw+KkZcYZNT999gm4bq5EzkGk0lRR0LLWPsnaUnQTs4UVBg' +
    'wHye9r1kAJmTD+CP/9k=',
  'base64',
);

for (const chromaSubsampling of ['4:2:0', '4:4:4'])
  for (const progressive of [false, true])
    for (const quality of [60, 85, 96])
      test(`JPEG ${chromaSubsampling}, quality ${quality}${progressive ? ', progressive' : ''}`, async () => {
        const made = dressed(pipelineOf(samples8(3), 3).blur(2));
        const { report } = await assertKept(made.jpeg({ quality, chromaSubsampling, progressive }), 'a.jpg', {
          isLossless: false,
        });
        for (const trait of [`quality: about ${quality}`, `chroma sampling: ${chromaSubsampling}`])
          assert.ok(report.file.kept.includes(trait), trait);
      });

test('JPEG grey', async () => {
  await assertKept(dressed(pipelineOf(samples8(1), 1)).jpeg({ quality: 90 }), 'a.jpg', { isLossless: false });
});

for (const chromaSubsampling of ['4:2:2', '4:4:0', '4:1:1'] as const)
  test(`JPEG ${chromaSubsampling}, which sharp does not write`, async () => {
    const data = await pipelineOf(samples8(3), 3).blur(2).raw().toBuffer();
    const picture = { data: new Uint8Array(data), width: WIDTH, height: HEIGHT, channels: 3 as const };
    for (const isProgressive of [false, true])
      for (const quality of [60, 92]) {
        const made = await encodeJpegTurbo(picture, { quality, chromaSubsampling, isProgressive });
        assert.ok(made);
        const { file, report } = await assertKept(made, 'a.jpg', { isLossless: false });
        const scans = isProgressive ? 'progressive' : 'baseline';
        for (const trait of [
          `quality: about ${quality}`,
          `chroma sampling: ${chromaSubsampling}`,
          `scans: ${scans}`,
        ])
          assert.ok(report.file.kept.includes(trait), trait);
        const before = await sharp(made).raw().toBuffer();
        const after = await sharp(file).raw().toBuffer();
        const error = before.reduce((sum, value, i) => sum + Math.abs(value - (after[i] ?? 0)), 0);
        assert.ok(error / data.length < 3, String(error / data.length));
      }
  });

test('what another writer made: 4:2:2', async () => {
  await assertKept(HALF_CHROMA_JPEG, 'a.jpg', { isLossless: false });
});

test('JPEG with IPTC, a comment and an unknown segment', async () => {
  const plain = await dressed(pipelineOf(samples8(3), 3), 3)
    .jpeg()
    .toBuffer();
  const caption = Buffer.concat([Buffer.from([0x1c, 2, 120, 0, 9]), Buffer.from('a caption')]);
  const block = Buffer.concat([
    Buffer.from('Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0', 'latin1'),
    Buffer.from([caption.length]),
    caption,
  ]);
  const segments = [
    [0xed, block],
    [0xfe, Buffer.from('a comment')],
    [0xeb, Buffer.from('unheard of')],
  ] as const;
  const extra = segments.flatMap(([marker, data]) => [Buffer.from([0xff, marker, 0, data.length + 2]), data]);
  const made = Buffer.concat([plain.subarray(0, 2), ...extra, plain.subarray(2)]);
  const { report } = await assertKept(made, 'a.jpg', { isLossless: false });
  assert.match(JSON.stringify(await independently(made)), /a caption/);
  for (const trait of ['IPTC and Photoshop blocks', 'comment', 'segment APP11'])
    assert.ok(report.file.kept.includes(trait), trait);
});

test('Ultra HDR: the gain map behind the picture stays, and is found there', async () => {
  const raw = { width: 64, height: 48, channels: 1 as const };
  const plane = Float32Array.from({ length: 64 * 48 }, (_, i) => (i % 64) / 16);
  const others = [plane, plane] as unknown as Buffer[];
  const bright = sharp(plane, { raw }).toColourspace('scrgb').joinChannel(others, { raw });
  const writer = sharp(await bright.tiff({ compression: 'none' }).toBuffer()) as Sharp & WithGainMap;
  const made = await writer.withGainMap().jpeg({ quality: 90 }).toBuffer();
  const { before, file, report } = await assertKept(made, 'a.jpg', { isLossless: false });
  assert.ok('gainMap' in (await sharp(before).metadata()));
  const gainMap = (jpeg: Buffer) => {
    const { mpf } = ExifReader.load(jpeg, { expanded: true }) as { mpf?: { Images?: { base64: string }[] } };
    return mpf?.Images?.[1]?.base64;
  };
  assert.ok(gainMap(before));
  assert.equal(gainMap(file), gainMap(before));
  for (const trait of ['index of further pictures (MPF)', 'data behind the picture'])
    assert.ok(report.file.kept.includes(trait), trait);
});

/** As yet missing from sharp's own types. */
interface WithGainMap {
  withGainMap(): Sharp;
}

/** A JPEG with an index of two pictures, and the second behind it after a gap. */
function withSecondPicture(first: Buffer, second: Buffer, isLittle: boolean): Buffer {
  const body = Buffer.alloc(4 + 8 + 2 + 12 + 4 + 32);
  body.write('MPF\0', 'latin1');
  const put = (value: number, at: number, size: number) =>
    isLittle ? body.writeUIntLE(value, 4 + at, size) : body.writeUIntBE(value, 4 + at, size);
  body.write(isLittle ? 'II*\0' : 'MM\0*', 4, 'latin1');
  put(8, 4, 4);
  put(1, 8, 2);
  put(0xb002, 10, 2);
  put(7, 12, 2);
  put(32, 14, 4);
  put(26, 18, 4);
  const gap = Buffer.from('gap');
  const headerAt = 2 + 4 + 4;
  const firstSize = first.length + 4 + body.length;
  put(firstSize, 26 + 4, 4);
  put(second.length, 42 + 4, 4);
  put(firstSize + gap.length - headerAt, 42 + 8, 4);
  const head = Buffer.from([0xff, 0xe2, 0, body.length + 2]);
  return Buffer.concat([first.subarray(0, 2), head, body, first.subarray(2), gap, second]);
}

test('further pictures stay where the index says, in both byte orders', async () => {
  const first = await pipelineOf(samples8(3), 3).jpeg({ quality: 80, progressive: true }).toBuffer();
  const second = await pipelineOf(samples8(1), 1).jpeg().toBuffer();
  for (const isLittle of [true, false]) {
    const made = withSecondPicture(first, second, isLittle);
    const { file, report } = await denoised(made, 'a.jpg');
    assert.deepEqual(report.file.notKept, []);
    const header = file.indexOf('MPF\0') + 4;
    const read = (at: number) => (isLittle ? file.readUInt32LE(header + at) : file.readUInt32BE(header + at));
    assert.equal(read(26 + 4), file.length - second.length - 3);
    const at = header + read(42 + 8);
    assert.deepEqual(file.subarray(at, at + read(42 + 4)), second);
  }
});

test('what stands behind the picture stays, one byte or many; an index that cannot be read goes, and is told', async () => {
  const plain = await pipelineOf(samples8(3), 3).jpeg().toBuffer();
  for (const trailer of [Buffer.from('x'), Buffer.alloc(100_000, 'film')]) {
    const { file, report } = await denoised(Buffer.concat([plain, trailer]), 'a.jpg');
    assert.deepEqual(file.subarray(-trailer.length), trailer);
    assert.deepEqual(report.file.notKept, []);
  }
  const index = Buffer.concat([Buffer.from([0xff, 0xe2, 0, 12]), Buffer.from('MPF\0index_')]);
  const made = Buffer.concat([plain.subarray(0, 2), index, plain.subarray(2)]);
  const { report } = await denoised(made, 'a.jpg');
  assert.deepEqual(report.file.notKept, ['index of further pictures (MPF)']);
});

test.run();
