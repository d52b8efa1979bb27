// What becomes of the files: which pass, which are denoised, which end the stream.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import Vinyl from 'vinyl';
import { FlowDenoiseError } from '#src/core/errors.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture, pngFile, vinyl } from '../pictures.js';
import { failureOf, through } from '../through.js';

function code(error: unknown): string {
  return error instanceof FlowDenoiseError ? error.code : String(error);
}

test('what is no picture passes untouched', async () => {
  const contents = Readable.from(['text']);
  const directory = new Vinyl({ path: '/photos/folder.png', contents: null });
  const files = [directory, vinyl('a.png', null), vinyl('a.txt', Buffer.from('b')), vinyl('b.css', contents)];
  const denoiser = identityDenoiser();
  const out = await through(denoiseStream({ sigma: 25, denoiser }), files);
  assert.equal(
    out.map((file) => file.path),
    files.map((file) => file.path),
  );
  assert.ok(out.every((file, index) => file === files[index] && file.flowDenoise === undefined));
  assert.is(out[2]?.contents?.toString(), 'b');
  assert.ok(out[3]?.isStream());
  assert.is(denoiser.begun(), 0);
});

test('a picture leaves as a buffer of its own format, with a report and a fresh mtime', async () => {
  for (const format of ['png', 'jpeg', 'webp', 'tiff'] as const) {
    const bytes = await noisyPicture(format);
    const file = vinyl(`a.${format}`, Readable.from([bytes.subarray(0, 100), bytes.subarray(100)]));
    const { stat } = await import('node:fs/promises');
    file.stat = await stat(new URL(import.meta.url));
    file.stat.mtime = new Date(0);
    const [out] = await through(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }), [file]);
    assert.ok(Buffer.isBuffer(out?.contents));
    const { format: formatOut, width, height } = await sharp(out.contents as Buffer).metadata();
    assert.equal([formatOut, width, height], [format, 48, 40]);
    assert.is(out.flowDenoise?.sigma, 25);
    assert.ok(Date.now() - Number(out.stat?.mtime) < 60_000);
  }
});

test('another format, when asked for: contents, extension and report; clean pictures too', async () => {
  const denoiser = identityDenoiser();
  const clean: Denoiser = {
    ...denoiser,
    async denoise(picture, options) {
      const { report, ...result } = await denoiser.denoise(picture, options);
      return { ...result, report: { ...report, isUnchanged: true } };
    },
  };
  for (const each of [denoiser, clean]) {
    const files = [await pngFile('a.png'), vinyl('b.JPEG', await noisyPicture('jpeg'))];
    const options = { sigma: 25, denoiser: each, format: 'jpeg', quality: 80 } as const;
    const out = await through(denoiseStream(options), files);
    assert.equal(
      out.map(({ relative }) => relative),
      ['a.jpg', 'b.JPEG'],
    );
    for (const { contents, flowDenoise } of out) {
      assert.is((await sharp(contents as Buffer).metadata()).format, 'jpeg');
      assert.ok(flowDenoise?.file);
    }
    assert.ok(out[0]?.flowDenoise?.file?.notKept.includes('format: PNG -> JPEG'));
  }
  const [untouched] = await through(denoiseStream({ denoiser: clean, format: 'png' }), [
    await pngFile('a.png'),
  ]);
  assert.is(untouched?.relative, 'a.png');
  assert.ok(untouched?.flowDenoise?.isUnchanged);
});

test('a buffer without a path is taken for a picture', async () => {
  const file = new Vinyl({ contents: await noisyPicture('png') });
  const [out] = await through(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }), [file]);
  assert.ok(out?.flowDenoise);
});

test('a bad file ends the stream with one error that names it; the shared denoiser stays open', async () => {
  const denoiser = identityDenoiser();
  const good = await noisyPicture('jpeg', { width: 200, height: 200 });
  const bad: readonly (readonly [string, Buffer])[] = [
    ['cut.jpg', good.subarray(0, good.length / 2)],
    ['text.png', Buffer.from('not a picture')],
    ['empty.webp', Buffer.alloc(0)],
  ];
  for (const [name, bytes] of bad) {
    const files = [await pngFile('good.png'), vinyl(name, bytes), await pngFile('after.png')];
    const error = await failureOf(through(denoiseStream({ sigma: 25, denoiser }), files));
    assert.is(code(error), 'BAD_IMAGE', name);
    assert.match(error.message, `/photos/${name}`);
  }
  assert.is(denoiser.isClosed(), false);
});

test('a picture that was decoded as text is told what to do', async () => {
  for (const format of ['png', 'jpeg', 'webp', 'tiff'] as const) {
    const text = (await noisyPicture(format)).toString('utf8');
    const stream = denoiseStream({ sigma: 25, denoiser: identityDenoiser() });
    const error = await failureOf(through(stream, [vinyl(`a.${format}`, Buffer.from(text))]));
    assert.is(code(error), 'BAD_IMAGE');
    assert.match(error.message, '{ encoding: false }');
    assert.match(error.message, `a.${format}`);
  }
});

test('what is no Vinyl file is refused', async () => {
  const stream = denoiseStream({ sigma: 25, denoiser: identityDenoiser() });
  const error = await failureOf(pipeline(Readable.from([Buffer.from('a')]), stream));
  assert.match(error.message, 'Expected Vinyl files');
});

test('tells its progress, file by file', async () => {
  const told: string[] = [];
  const onProgress = ({ tilesDone }: { tilesDone: number }, file: Vinyl) =>
    told.push(`${file.stem} ${tilesDone}`);
  const files = [await pngFile('a.png'), await pngFile('b.png')];
  await through(
    denoiseStream({ sigma: 25, concurrency: 1, denoiser: identityDenoiser(), onProgress }),
    files,
  );
  assert.equal(told, ['a 1', 'b 1']);
});

test.run();
