import { Duplex, finished, Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import Vinyl from 'vinyl';
import { FlowDenoiseError } from '#src/core/errors.js';
import { type DenoisedFile, denoiseStream } from '#src/plugin/denoise-stream.js';
import { identityDenoiser } from './identity-denoiser.js';
import { noisyPicture, pngFile, vinyl } from './pictures.js';

/** Everything that comes out when these go in. */
async function through(stream: Transform, files: Iterable<Vinyl>): Promise<DenoisedFile[]> {
  const out: DenoisedFile[] = [];
  await pipeline(Readable.from(files), stream, async (source: AsyncIterable<DenoisedFile>) => {
    for await (const file of source) out.push(file);
  });
  return out;
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => new assert.Assertion({ message: 'did not fail', operator: 'failure' }),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error) || error instanceof assert.Assertion) throw error;
  return error;
}

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

test('a buffer without a path is taken for a picture', async () => {
  const file = new Vinyl({ contents: await noisyPicture('png') });
  const [out] = await through(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }), [file]);
  assert.ok(out?.flowDenoise);
});

test('order out is order in, though later pictures finish first', async () => {
  const widths = [48, 8, 32, 16, 40, 24];
  const files = await Promise.all(widths.map((width) => pngFile(`${width}.png`, width)));
  const denoiser = identityDenoiser((width) => 2 * width);
  const out = await through(denoiseStream({ sigma: 25, concurrency: 3, denoiser }), files);
  assert.equal(
    out.map((file) => file.stem),
    widths.map(String),
  );
});

test('never more than `concurrency` pictures are held, however slow the consumer', async () => {
  for (const concurrency of [1, 2, 4]) {
    const denoiser = identityDenoiser(() => 1);
    let [taken, most, atOnce] = [0, 0, 0];
    const files = await Promise.all(Array.from({ length: 12 }, (_, index) => pngFile(`${index}.png`)));
    const watch = () => {
      most = Math.max(most, denoiser.begun() - taken);
      atOnce = Math.max(atOnce, denoiser.inWork());
    };
    const slow = new Writable({
      objectMode: true,
      highWaterMark: 1,
      async write(_file, _encoding, done) {
        taken++;
        await delay(15);
        watch();
        done();
      },
    });
    await pipeline(Readable.from(files), denoiseStream({ sigma: 25, concurrency, denoiser }), slow);
    assert.is(taken, 12);
    assert.is(atOnce <= concurrency, true, `${atOnce} in work at concurrency ${concurrency}`);
    assert.is(most <= concurrency, true, `${most} held at concurrency ${concurrency}`);
  }
});

test('nothing more is accepted while nobody reads', async () => {
  const denoiser = identityDenoiser();
  const stream = denoiseStream({ sigma: 25, concurrency: 2, denoiser });
  let accepted = 0;
  for (let index = 0; index < 6; index++) stream.write(await pngFile(`${index}.png`), () => accepted++);
  await delay(100);
  assert.is(denoiser.begun(), 2);
  assert.ok(accepted <= 2, `${accepted} accepted`);
  stream.destroy();
});

test('a picture comes out though no other goes in', async () => {
  const stream = denoiseStream({ sigma: 25, concurrency: 3, denoiser: identityDenoiser() });
  stream.write(await pngFile('a.png'));
  const { value } = await stream[Symbol.asyncIterator]().next();
  assert.is(value.stem, 'a');
  stream.destroy();
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

test('an abort stops the work in hand and ends the stream with the reason', async () => {
  const stopping = new AbortController();
  const reason = new Error('enough');
  const denoiser = identityDenoiser(() => 60_000);
  const { signal } = stopping;
  const stream = denoiseStream({ sigma: 25, denoiser, signal });
  const failure = failureOf(through(stream, [await pngFile('a.png'), await pngFile('b.png')]));
  while (denoiser.inWork() < 2) await delay(5);
  stopping.abort(reason);
  assert.is(await failure, reason);
  assert.is(denoiser.inWork(), 0);

  const late = failureOf(through(denoiseStream({ sigma: 25, denoiser, signal }), [await pngFile('a.png')]));
  assert.is(await late, reason);
});

test('destroying it stops the work in hand', async () => {
  const denoiser = identityDenoiser(() => 60_000);
  const stream = denoiseStream({ sigma: 25, denoiser });
  stream.write(await pngFile('a.png'));
  while (denoiser.inWork() < 1) await delay(5);
  stream.destroy();
  await promisify(finished)(stream).catch(() => {});
  await delay(0);
  assert.is(denoiser.inWork(), 0);
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

test('composes with Web streams', async () => {
  const { readable, writable } = Duplex.toWeb(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }));
  const writer = writable.getWriter();
  void writer.write(await pngFile('a.png')).then(() => writer.close());
  const stems: string[] = [];
  for await (const file of readable) stems.push((file as Vinyl).stem);
  assert.equal(stems, ['a']);
});

test('options are checked at once', () => {
  const denoiser = identityDenoiser();
  const refusals: readonly (readonly [unknown, RegExp])[] = [
    [{}, /sigma.*8-bit units/s],
    [undefined, /sigma.*8-bit units/s],
    [{ sigma: 0 }, /sigma/],
    [{ sigma: -1 }, /sigma/],
    [{ sigma: 1000 }, /sigma/],
    [{ sigma: 'abc' }, /sigma.*abc/s],
    [{ sigma: 25, concurrency: 0 }, /concurrency/],
    [{ sigma: 25, concurency: 2 }, /concurency/],
    [{ sigma: 25, denoiser: {} }, /denoiser/],
    [{ sigma: 25, denoiser, prior: 'natural' }, /denoiser.*prior/s],
  ];
  for (const [options, message] of refusals) {
    try {
      denoiseStream(options as Parameters<typeof denoiseStream>[0]);
      assert.unreachable(JSON.stringify(options));
    } catch (error) {
      if (error instanceof assert.Assertion) throw error;
      assert.is(code(error), 'BAD_OPTION');
      assert.match(String(error), message);
    }
  }
});

test.run();
