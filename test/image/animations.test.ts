// Animations and AVIF: whole or not at all. Every frame, how long it is shown, how often it is played; what sharp reads of the
// result is what was written.
import assert from 'node:assert/strict';
import sharp, { type Sharp } from 'sharp';
import { suite } from 'uvu';
import type { Samples } from '#src/core/picture.js';
import { converted, decodePicture, encodePicture, fidelityOf } from '#src/image/index.js';
import { exif, HEIGHT, pipelineOf, samples8, samples16, WIDTH, withSamples, xmp } from './made.js';

const test = suite('animations and AVIF');

/** Frames of few colours, two of them alike, shown for odd times. */
async function animated(make: (frames: Sharp) => Sharp): Promise<Buffer> {
  const frame = (step: number) =>
    pipelineOf(
      samples8(3).map((value) => (value + step * 64) & 0xc0),
      3,
    )
      .png()
      .toBuffer();
  const frames = await Promise.all([0, 1, 1, 2].map(frame));
  return make(sharp(frames, { join: { animated: true } })).toBuffer();
}

async function through(file: Buffer, change: (data: Samples) => Samples = (data) => data) {
  const decoded = await decodePicture(file, 'a', { animations: true });
  const encoded = await encodePicture(withSamples(decoded, change(decoded.picture.data)));
  return { decoded, encoded, ...(await fidelityOf(decoded, encoded)) };
}

async function pixels(file: Buffer): Promise<Buffer> {
  return sharp(file, { animated: true }).ensureAlpha().raw().toBuffer();
}

const delay = [100, 30, 50, 20];

for (const loop of [0, 1, 3])
  test(`GIF, played ${loop || 'for ever'}: frames, durations, pixels`, async () => {
    const file = await animated((frames) =>
      frames.gif({ delay, loop, keepDuplicateFrames: true, dither: 0 }),
    );
    const { decoded, encoded, kept, notKept } = await through(file);
    assert.deepEqual(notKept, []);
    for (const trait of [
      'frames: 4',
      'durations: 100, 30, 50, 20 ms',
      'size: 37 x 23',
      `played: ${loop === 0 ? 'for ever' : `${loop} times`}`,
    ])
      assert.ok(kept.includes(trait), `${trait}: ${kept}`);
    const { pages, loop: played, delay: shown } = await sharp(encoded, { animated: true }).metadata();
    assert.deepEqual([pages, played, shown], [4, loop, delay]);
    assert.equal(decoded.picture.height, 4 * HEIGHT);
    assert.deepEqual(await pixels(encoded), await pixels(file));
  });

test('GIF: durations that sharp would change, comments', async () => {
  const made = await animated((frames) => frames.gif({ delay, loop: 0, keepDuplicateFrames: true }));
  for (let at = made.indexOf(Buffer.from([0x21, 0xf9, 4])); at >= 0; ) {
    made.writeUInt16LE(0, at + 4);
    at = made.indexOf(Buffer.from([0x21, 0xf9, 4]), at + 1);
  }
  const start = made.indexOf(Buffer.from([0x21, 0xff]));
  const comment = Buffer.from('\x21\xfe\x05hello\0', 'latin1');
  const file = Buffer.concat([made.subarray(0, start), comment, made.subarray(start)]);
  const { encoded, kept, notKept } = await through(file);
  assert.deepEqual(notKept, []);
  assert.ok(kept.includes('durations: 0, 0, 0, 0 ms') && kept.includes('comment'), String(kept));
  assert.ok(encoded.includes(comment));
});

test('a GIF of one frame', async () => {
  const still = pipelineOf(
    samples8(3).map((value) => value & 0xc0),
    3,
  );
  const file = await still.gif({ dither: 0 }).toBuffer();
  const { encoded, notKept } = await through(file);
  assert.deepEqual(notKept, []);
  assert.deepEqual(await pixels(encoded), await pixels(file));
  const noisy = await through(file, (data) => data.map((value, i) => value ^ (i % 4 === 3 ? 0 : i & 7)));
  assert.deepEqual(noisy.notKept, []);
});

for (const lossless of [true, false])
  test(`WebP, ${lossless ? 'lossless' : 'lossy'}: frames that are alike and durations stay`, async () => {
    const first = await animated((frames) => frames.webp({ delay, loop: 3, lossless, quality: 80 }));
    // Two frames alike are one to sharp: a file of ours has four.
    const decoded = await decodePicture(first, 'a', { animations: true });
    assert.equal(decoded.container.format, 'webp');
    const animation = { durations: [100, 30, 7, 20], loops: 3, background: Buffer.from([1, 2, 3, 4]) };
    const data = Uint8Array.from({ length: 4 * WIDTH * HEIGHT * 3 }, (_, i) =>
      ((i / (WIDTH * HEIGHT * 3)) | 0) % 3 === 1 ? 90 : (i * 7919) & 255,
    );
    const four = await encodePicture({
      ...decoded,
      picture: { width: WIDTH, height: 4 * HEIGHT, channels: 3, data },
      container: { ...decoded.container, animation } as typeof decoded.container,
    });
    const { encoded, kept, notKept } = await through(four);
    assert.deepEqual(notKept, []);
    assert.ok(
      kept.includes('durations: 100, 30, 7, 20 ms') && kept.includes('played: 3 times'),
      String(kept),
    );
    const { pages, loop } = await sharp(encoded, { animated: true }).metadata();
    assert.deepEqual([pages, loop], [4, 3]);
    if (lossless)
      assert.deepEqual(await sharp(encoded, { animated: true }).raw().toBuffer(), Buffer.from(data));
  });

test('WebP: metadata beside an animation', async () => {
  const file = await animated((frames) => frames.withXmp(xmp).webp({ delay, lossless: true }));
  const { encoded, kept, notKept } = await through(file);
  assert.deepEqual(notKept, []);
  assert.ok(kept.includes('XMP'));
  assert.deepEqual(await pixels(encoded), await pixels(file));
});

test('a GIF becomes an animated WebP, and nothing else', async () => {
  const file = await animated((frames) =>
    frames.gif({ delay, loop: 2, keepDuplicateFrames: true, dither: 0 }),
  );
  const decoded = await decodePicture(file, 'a', { animations: true });
  const result = converted(decoded, { format: 'webp' });
  const encoded = await encodePicture(result);
  const { kept } = await fidelityOf(decoded, encoded);
  for (const trait of ['durations: 100, 30, 50, 20 ms', 'played: 2 times'])
    assert.ok(kept.includes(trait), String(kept));
  assert.deepEqual(await pixels(encoded), await pixels(file));
});

test('frames count as pixels', async () => {
  const file = await animated((frames) => frames.gif({ keepDuplicateFrames: true }));
  await assert.rejects(
    decodePicture(file, 'a.gif', { animations: true, maxPixels: 4 * WIDTH * HEIGHT - 1 }),
    { code: 'UNSUPPORTED_IMAGE', message: /37x23 in 4 frames = 3404 pixels, expected at most 3403/ },
  );
});

for (const [kind, make] of [
  ['8 bits', () => pipelineOf(samples8(3), 3)],
  ['with alpha', () => pipelineOf(samples8(4), 4)],
] as const)
  test(`lossless AVIF, ${kind}: samples and metadata stay`, async () => {
    const png = await make().withIccProfile('p3').withExif(exif).withXmp(xmp).png().toBuffer();
    const file = await sharp(png).keepMetadata().avif({ lossless: true, effort: 1 }).toBuffer();
    const { decoded, encoded, kept, notKept } = await through(file);
    assert.deepEqual(notKept, []);
    for (const trait of ['compression: lossless', 'EXIF', 'XMP', 'ICC profile'])
      assert.ok(kept.includes(trait), `${trait}: ${kept}`);
    const again = await decodePicture(encoded, 'again');
    assert.deepEqual(again.picture.data, decoded.picture.data);
  });

test('an AVIF without metadata gets none', async () => {
  const { encoded } = await through(await pipelineOf(samples8(3), 3).avif({ effort: 1 }).toBuffer());
  const { exif, xmp, icc } = await sharp(encoded).metadata();
  assert.deepEqual([exif, xmp, icc], [undefined, undefined, undefined]);
});

for (const bitdepth of [10, 12] as const)
  test(`AVIF of ${bitdepth} bits`, async () => {
    const file = await pipelineOf(samples16(3), 3).avif({ bitdepth, lossless: true, effort: 1 }).toBuffer();
    const { decoded, encoded, kept, notKept } = await through(file);
    assert.deepEqual(notKept, []);
    assert.ok(kept.includes(`bit depth: ${bitdepth}`), String(kept));
    assert.ok(decoded.picture.data instanceof Uint16Array);
    assert.deepEqual((await decodePicture(encoded, 'again')).picture.data, decoded.picture.data);
  });

test('AVIF: quality and chroma sampling are those of the file', async () => {
  for (const quality of [20, 50, 63, 80, 95])
    for (const chromaSubsampling of ['4:2:0', '4:4:4'] as const) {
      const file = await pipelineOf(samples8(3), 3)
        .avif({ quality, chromaSubsampling, effort: 1 })
        .toBuffer();
      const { decoded, kept, notKept } = await through(file);
      assert.deepEqual(notKept, [], String(quality));
      assert.ok(kept.includes(`chroma sampling: ${chromaSubsampling}`));
      const { container } = decoded;
      assert.ok(container.format === 'avif' && Math.abs(container.quality - quality) <= 1, String(quality));
    }
});

test('an AVIF in the colours of HDR is refused', async () => {
  const file = await pipelineOf(samples8(3), 3).avif({ lossless: true, effort: 1 }).toBuffer();
  file.writeUInt16BE(9, file.indexOf('nclx') + 4);
  file.writeUInt16BE(16, file.indexOf('nclx') + 6);
  await assert.rejects(decodePicture(file, 'a.avif'), {
    code: 'UNSUPPORTED_IMAGE',
    message: /colours 9\/16.*as HDR/,
  });
});

test.run();
