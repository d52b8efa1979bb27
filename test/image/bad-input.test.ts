// What is not one whole picture of a kind that we take gives one clear error that names the file.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import { FlowDenoiseError } from '#src/core/errors.js';
import { decodePicture } from '#src/image/decode.js';
import { encodePicture } from '#src/image/encode.js';
import { fidelityOf } from '#src/image/file-traits.js';
import { isPhotographExtension, isSupportedExtension, supportedExtensions } from '#src/image/format.js';
import { pipelineOf, samples8 } from './made.js';

const test = suite<{ folder: string }>('bad input', { folder: '' });
test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
});
test.after(({ folder }) => rm(folder, { recursive: true }));

const rgb = () => pipelineOf(samples8(3), 3);
const two = async () => {
  const frames = [rgb().png(), rgb().negate().png()].map((frame) => frame.toBuffer());
  return sharp(await Promise.all(frames), { join: { animated: true } });
};
const half = (file: Buffer) => file.subarray(0, file.length >> 1);

const cases: readonly [file: string, code: string, words: RegExp, make: () => Promise<Buffer> | Buffer][] = [
  ['empty.png', 'BAD_IMAGE', /empty file \(0 bytes\)/, () => Buffer.alloc(0)],
  ['text.png', 'BAD_IMAGE', /found text/, () => Buffer.from('no picture at all\n')],
  ['noise.jpg', 'BAD_IMAGE', /unknown data/, () => Buffer.from([0, 1, 2, 3, 4, 200])],
  ['half.jpg', 'BAD_IMAGE', /incomplete JPEG/, async () => half(await rgb().jpeg().toBuffer())],
  ['half.png', 'BAD_IMAGE', /incomplete PNG/, async () => half(await rgb().png().toBuffer())],
  ['half.webp', 'BAD_IMAGE', /incomplete WebP/, async () => half(await rgb().webp().toBuffer())],
  ['half.tif', 'BAD_IMAGE', /incomplete TIFF/, async () => half(await rgb().tiff().toBuffer())],
  ['flipped.png', 'BAD_IMAGE', /damaged/, async () => flipped(await rgb().png().toBuffer())],
  ['a.svg', 'UNSUPPORTED_IMAGE', /SVG/, () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['half.avif', 'BAD_IMAGE', /incomplete AVIF/, async () => half(await rgb().avif().toBuffer())],
  ['half.gif', 'BAD_IMAGE', /incomplete GIF/, async () => half(await rgb().gif().toBuffer())],
  ['a.heic', 'UNSUPPORTED_IMAGE', /HEIC/, async () => branded(await rgb().avif().toBuffer(), 'heic')],
  [
    'film.avif',
    'UNSUPPORTED_IMAGE',
    /animated AVIF/,
    async () => branded(await rgb().avif().toBuffer(), 'avis'),
  ],
  ['a.pdf', 'UNSUPPORTED_IMAGE', /PDF/, () => Buffer.from('%PDF-1.7\n')],
  ['cmyk.jpg', 'UNSUPPORTED_IMAGE', /CMYK/, () => rgb().toColourspace('cmyk').jpeg().toBuffer()],
  ['cmyk.tif', 'UNSUPPORTED_IMAGE', /CMYK/, () => rgb().toColourspace('cmyk').tiff().toBuffer()],
  [
    'pages.tif',
    'UNSUPPORTED_IMAGE',
    /2 pages/,
    async () => (await two()).tiff({ compression: 'lzw' }).toBuffer(),
  ],
  ['moving.gif', 'UNSUPPORTED_IMAGE', /animated GIF/, async () => (await two()).gif().toBuffer()],
  ['moving.webp', 'UNSUPPORTED_IMAGE', /animated WebP/, async () => (await two()).webp().toBuffer()],
  [
    'moving.png',
    'UNSUPPORTED_IMAGE',
    /animated PNG/,
    async () => withAnimationChunk(await rgb().png().toBuffer()),
  ],
  ['int.tif', 'UNSUPPORTED_IMAGE', /32-bit samples of an unusual type/, intTiff],
];

for (const [file, code, words, make] of cases)
  test(`${file}: ${code}`, async ({ folder }) => {
    const path = join(folder, file);
    await writeFile(path, await make());
    const bytes = await readFile(path);
    await assert.rejects(decodePicture(bytes, path), (error: unknown) => {
      assert.ok(error instanceof FlowDenoiseError, String(error));
      assert.equal(error.code, code);
      assert.ok(error.message.startsWith(`${path}: found `), error.message);
      assert.match(error.message, words);
      assert.match(error.message, /, expected .*\. [A-Z].*\.$/s);
      return true;
    });
  });

test('the pixel limit is named', async () => {
  const file = await rgb().png().toBuffer();
  await assert.rejects(decodePicture(file, 'big.png', { maxPixels: 37 * 23 - 1 }), {
    code: 'UNSUPPORTED_IMAGE',
    message: /^big\.png: .*37x23 = 851 pixels.*at most 850 \(maxPixels\)/,
  });
  await decodePicture(file, 'big.png', { maxPixels: 37 * 23 });
});

test('every truncation ends in a FlowDenoiseError or a whole picture', async () => {
  for (const format of ['png', 'jpeg', 'webp', 'tiff', 'avif', 'gif'] as const) {
    const file = await rgb().withMetadata({ density: 100 }).toFormat(format).toBuffer();
    for (let length = 0; length < file.length; length += 1 + (length >> 3))
      await decodePicture(file.subarray(0, length), 'cut').then(
        ({ picture }) => assert.equal(picture.data.length, 37 * 23 * picture.channels),
        (error) => assert.ok(error instanceof FlowDenoiseError, String(error)),
      );
  }
});

test('whatever bytes are changed: a FlowDenoiseError, or a picture that can be written again', async () => {
  const random = randomIntegers(7);
  for (const [format, options] of [
    ['png', { palette: true }],
    ['png', { progressive: true }],
    ['jpeg', {}],
    ['webp', {}],
    ['webp', { lossless: true }],
    ['tiff', { compression: 'lzw' }],
    ['tiff', { compression: 'none', bigtiff: true }],
    ['avif', {}],
    ['gif', {}],
    ['webp', { lossless: true, delay: 100 }],
  ] as const) {
    const source = format === 'gif' || 'delay' in options ? await two() : rgb();
    const whole = await source.withMetadata({ density: 100, icc: 'p3' }).toFormat(format, options).toBuffer();
    for (let round = 0; round < 60; round++) {
      const file = Buffer.from(whole);
      // Mostly near the front, where headers and directories are.
      for (let i = 0; i <= round % 3; i++) {
        const span = random(2) === 0 ? Math.min(200, file.length) : file.length;
        file[random(span)] = random(256);
      }
      try {
        const decoded = await decodePicture(file, 'changed', { animations: true, maxPixels: 1e6 });
        await fidelityOf(decoded, await encodePicture(decoded));
      } catch (error) {
        assert.ok(error instanceof FlowDenoiseError, `${format}, round ${round}: ${(error as Error).stack}`);
      }
    }
  }
});

/** A fixed series of whole numbers below a limit. */
function randomIntegers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('extensions', () => {
  for (const path of [
    'a.png',
    '/x/B.JPG',
    'c.JpEg',
    'd.webp',
    'e.tif',
    'f.TIFF',
    'g.jfif',
    'h.JPE',
    'i.gif',
    'j.AVIF',
  ])
    assert.ok(isSupportedExtension(path), path);
  for (const path of ['png', '.png', 'a.heic', 'a.png.txt', 'a', ''])
    assert.ok(!isSupportedExtension(path), path);
  assert.equal(supportedExtensions.length, 10);
  assert.deepEqual(['a.png', 'a.GIF', 'a.txt'].map(isPhotographExtension), [true, false, false]);
});

/** HEIF files differ by their brand. */
function branded(file: Buffer, brand: string): Buffer {
  return Buffer.concat([file.subarray(0, 8), Buffer.from(brand), file.subarray(12)]);
}

function flipped(file: Buffer): Buffer {
  return file.map((byte, i) =>
    i > file.length / 2 && i < file.length / 2 + 20 ? byte ^ 0x5a : byte,
  ) as Buffer;
}

/** The chunk that makes a PNG an APNG, before its data; its checksum is not looked at. */
function withAnimationChunk(file: Buffer): Buffer {
  const control = Buffer.from('000000086163544c000000020000000000000000', 'hex');
  return Buffer.concat([file.subarray(0, 33), control, file.subarray(33)]);
}

function intTiff(): Promise<Buffer> {
  const raw = { width: 4, height: 4, channels: 1 as const };
  const data = new Int32Array(16);
  return sharp(data, { raw })
    .toColourspace('b-w')
    .joinChannel(data as unknown as Buffer, { raw })
    .extractChannel(0)
    .tiff({ compression: 'none' })
    .toBuffer();
}

test.run();
