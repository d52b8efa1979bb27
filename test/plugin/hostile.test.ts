// Files made to hurt: pictures that decode to gigabytes, drawings under a picture's name, names made to mislead. Each is
// refused or handled in one line, and the pictures around it come out.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import { deflateRawSync, constants as zlib } from 'node:zlib';
import gulp from 'gulp';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import Vinyl from 'vinyl';
import { pngChunk } from '#src/image/containers/png-container.js';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { denoise } from '#src/plugin/gulp.js';
import { identityDenoiser } from './identity-denoiser.js';
import { noisyPicture, pngFile, vinyl, withFolder } from './pictures.js';
import { through } from './through.js';

/** A valid black PNG of any size in a file a thousandth as large: one block of zeros, repeated. */
function bomb(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const length = (3 * width + 1) * height;
  const size = 10_000_000;
  const block = (bytes: number) =>
    deflateRawSync(Buffer.alloc(bytes), { finishFlush: zlib.Z_FULL_FLUSH, level: 9 });
  const whole = block(size);
  const blocks = [...Array.from({ length: Math.floor(length / size) }, () => whole), block(length % size)];
  // The checksum of n zeros: their sum is 1, the sum of the sums n.
  const end = Buffer.from([3, 0, 0, 0, 0, 1]);
  end.writeUInt16BE(length % 65521, 2);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header).bytes,
    pngChunk('IDAT', Buffer.concat([Buffer.from([0x78, 0xda]), ...blocks, end])).bytes,
    pngChunk('IEND', Buffer.alloc(0)).bytes,
  ]);
}

/** What becomes of a hostile file between two good ones: they come out, and it is told in one line. */
async function told(file: Vinyl, options: Parameters<typeof denoiseStream>[0] = {}): Promise<string> {
  const denoiser = identityDenoiser();
  const stream = denoiseStream({ sigma: 25, denoiser, onError: 'skip', ...options });
  const errors: Error[] = [];
  stream.on('fileError', (error) => errors.push(error));
  const out = await through(stream, [await pngFile('a.png'), file, await pngFile('b.png')]);
  assert.equal(
    out.map(({ stem }) => stem),
    ['a', 'b'],
  );
  assert.is(denoiser.begun(), 2);
  assert.is(errors.length, 1);
  assert.not.match(errors[0]?.message ?? '', /[\n\r]/);
  return errors[0]?.message ?? '';
}

test('the bomb is a picture: a small one decodes', async () => {
  const { data, info } = await sharp(bomb(3000, 2000)).raw().toBuffer({ resolveWithObject: true });
  assert.equal([info.width, info.height, Math.max(...data.subarray(0, 1000))], [3000, 2000, 0]);
});

test('a PNG that decodes to 2 GB is refused before it is decoded', async () => {
  const file = bomb(30_000, 24_000);
  assert.ok(file.length < 5_000_000);
  const before = process.resourceUsage().maxRSS;
  assert.match(await told(vinyl('bomb.png', file)), /30000x24000 = 720000000 pixels, .*maxPixels/);
  assert.ok(process.resourceUsage().maxRSS - before < 300_000, 'no memory was taken for it');
});

test('the limits are options', async () => {
  assert.match(
    await told(vinyl('bomb.png', bomb(3000, 2000)), { maxPixels: 5_999_999 }),
    /at most 5999999 \(maxPixels\)/,
  );
  const denoiser = identityDenoiser();
  const files = [vinyl('bomb.png', bomb(3000, 2000))];
  assert.is((await through(denoiseStream({ sigma: 25, denoiser, maxPixels: 6e6 }), files)).length, 1);

  const large = await noisyPicture('png', { width: 300, height: 300 });
  const words = new RegExp(`found ${large.length} bytes, expected at most 20000 .maxBytes`);
  assert.match(await told(vinyl('large.png', large), { maxBytes: 20_000 }), words);
});

test('texts and profiles that unpack to gigabytes are carried, not unpacked', async () => {
  const block = deflateRawSync(Buffer.alloc(10_000_000), { finishFlush: zlib.Z_FULL_FLUSH });
  const zeros = Buffer.concat([Buffer.from([0x78, 0xda]), ...Array.from({ length: 200 }, () => block)]);
  const plain = await noisyPicture('png');
  for (const [type, head] of [
    ['zTXt', 'Comment\0\0'],
    ['zTXt', 'XML:com.adobe.xmp\0\0'],
    ['iCCP', 'profile\0\0'],
  ] as const) {
    const chunk = pngChunk(type, Buffer.concat([Buffer.from(head, 'latin1'), zeros])).bytes;
    const file = Buffer.concat([plain.subarray(0, 33), chunk, plain.subarray(33)]);
    const before = process.resourceUsage().maxRSS;
    const stream = denoiseStream({ sigma: 25, denoiser: identityDenoiser(), onError: 'pass' });
    stream.on('fileError', () => {});
    const [out] = await through(stream, [vinyl('text.png', file)]);
    assert.ok(out?.isBuffer() && out.contents.includes(chunk), type);
    assert.ok(process.resourceUsage().maxRSS - before < 300_000, type);
  }
});

test('an SVG under a picture’s name is refused, and reads nothing; under its own it passes', async () => {
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const svg = Buffer.from(`<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100">
<image xlink:href="http://127.0.0.1:${port}/a.png" width="10" height="10"/><text>&secret;</text></svg>`);
  try {
    assert.match(await told(vinyl('a.png', svg)), /found an SVG drawing/);
    const own = vinyl('a.svg', svg);
    const [out] = await through(denoiseStream({ denoiser: identityDenoiser() }), [own]);
    assert.is(out, own);
    assert.is(out?.contents, svg);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  assert.is(asked, 0);
});

test('a path that leads out of its base is neither read, written nor changed', () =>
  withFolder(async (folder) => {
    const [base, outside, cache] = [join(folder, 'in'), join(folder, 'outside.png'), join(folder, 'cache')];
    await mkdir(base);
    await writeFile(outside, 'mine');
    for (const path of [
      `${base}${sep}..${sep}outside.png`,
      outside,
      `${base}${sep}nul\0.png`,
      '../../../../../../etc/passwd.png',
    ]) {
      const file = new Vinyl({ base, path, contents: await noisyPicture('png') });
      const before = file.path;
      const [out] = await through(denoiseStream({ denoiser: identityDenoiser(), cache }), [file]);
      assert.is(out?.path, before);
      assert.ok(out?.flowDenoise);
      assert.is(await readFile(outside, 'utf8'), 'mine');
    }
    assert.equal((await readdir(folder)).sort(), ['cache', 'in', 'outside.png']);
    // No name of a file is in the cache's names.
    for (const name of await readdir(cache, { recursive: true }))
      assert.not.match(name, /passwd|outside|\.png/);
  }));

test('names with line breaks, emoji, marks of direction and 255 bytes', () =>
  withFolder(async (folder) => {
    const long = `${'ä'.repeat(125)}x.png`;
    const names = [
      'a\nb.png',
      '\u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{1f600}.png',
      'gnp.\u202eb.png',
      long,
    ];
    assert.is(Buffer.byteLength(long), 255);
    const [input, output] = [join(folder, 'in'), join(folder, 'out')];
    await mkdir(input);
    for (const [seed, name] of names.entries())
      await writeFile(join(input, name), await noisyPicture('png', { seed }));
    const step = denoise({ sigma: 25, denoiser: identityDenoiser() });
    const last = gulp.src('*', { cwd: input, encoding: false }).pipe(step).pipe(gulp.dest(output)).resume();
    await new Promise((resolve, reject) => last.on('end', resolve).on('error', reject));
    assert.equal((await readdir(output)).sort(), [...names].sort());

    assert.match(await told(vinyl('a\nb.png', Buffer.from('text'))), /^\/photos\/a\\nb\.png: found text/);
    assert.match(await told(vinyl('a\u202eb.png', Buffer.from('text'))), /^\/photos\/a\\u\{202e\}b\.png: /);
    assert.match(await told(vinyl('\u{1f600}.png', Buffer.from('text'))), /^\/photos\/\u{1f600}\.png: /u);
  }));

test.run();
