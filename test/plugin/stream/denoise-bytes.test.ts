// One picture's bytes through the byte stream, in every way in which Node joins streams.
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Duplex, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableWritablePair } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { denoiseBytes } from '#src/plugin/denoise-bytes.js';
import type { PictureReport } from '#src/plugin/encoded-picture.js';
import { planesOf } from '../../image/made.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture, withFolder } from '../pictures.js';
import { failureOf } from '../through.js';

const bytes = await noisyPicture('png', { width: 200, height: 150 });

const pieces = (size: number) =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
  );

async function assertSamePicture(file: Buffer): Promise<void> {
  assert.is((await sharp(file).metadata()).format, 'png');
  assert.equal(await planesOf(file), await planesOf(bytes));
}

test('from file to file, with a report', () =>
  withFolder(async (folder) => {
    const [input, output] = [join(folder, 'a.png'), join(folder, 'b.png')];
    await writeFile(input, bytes);
    const stream = denoiseBytes({ sigma: 25, denoiser: identityDenoiser() });
    const reports: PictureReport[] = [];
    stream.on('report', (report: PictureReport) => reports.push(report));
    await pipeline(createReadStream(input), stream, createWriteStream(output));
    await assertSamePicture(await readFile(output));
    assert.is(reports.length, 1);
    assert.equal(reports[0]?.file.notKept, []);
  }));

test('whatever the pieces', async () => {
  for (const size of [1, 1000, 1e6]) {
    const stream = denoiseBytes({ sigma: 25, denoiser: identityDenoiser() });
    await assertSamePicture(await buffer(pieces(size).pipe(stream)));
  }
});

test('compose, async iteration and Web streams', async () => {
  const open = () => denoiseBytes({ sigma: 25, denoiser: identityDenoiser() });
  await assertSamePicture(await buffer(pieces(5000).compose(open())));

  const parts: Buffer[] = [];
  for await (const part of pieces(5000).pipe(open())) parts.push(part);
  await assertSamePicture(Buffer.concat(parts));

  const { readable, writable } = Duplex.toWeb(open());
  const piped = new Blob([bytes]).stream().pipeThrough({ readable, writable } as ReadableWritablePair);
  await assertSamePicture(Buffer.from(await new Response(piped as ReadableStream).arrayBuffer()));
});

test('a picture found clean comes out byte for byte', async () => {
  const denoiser = identityDenoiser();
  const clean = {
    ...denoiser,
    async denoise(...args: Parameters<typeof denoiser.denoise>) {
      const { report, ...result } = await denoiser.denoise(...args);
      return { ...result, report: { ...report, isUnchanged: true } };
    },
  } as typeof denoiser;
  assert.equal(await buffer(pieces(1000).pipe(denoiseBytes({ denoiser: clean }))), bytes);
});

test('what fails is named, and nothing comes out of it', async () => {
  const failures: readonly (readonly [string, Readable, string, RegExp])[] = [
    ['empty', Readable.from([]), 'BAD_IMAGE', /^upload: found an empty file/],
    ['text', Readable.from([Buffer.from('text')]), 'BAD_IMAGE', /^upload: found text/],
    ['half', Readable.from([bytes.subarray(0, bytes.length / 2)]), 'BAD_IMAGE', /^upload: .*incomplete PNG/],
    ['as text', Readable.from([bytes.toString()]), 'BAD_IMAGE', /^upload: .*without an encoding/],
    [
      'svg',
      Readable.from([Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')]),
      'UNSUPPORTED_IMAGE',
      /SVG/,
    ],
  ];
  for (const [what, source, code, words] of failures) {
    const stream = denoiseBytes({ sigma: 25, denoiser: identityDenoiser(), name: 'upload' });
    const out: Buffer[] = [];
    const error = await failureOf(
      pipeline(source, stream, async (parts: AsyncIterable<Buffer>) => {
        for await (const part of parts) out.push(part);
      }),
    );
    assert.is(error instanceof FlowDenoiseError && error.code, code, what);
    assert.match(error.message, words);
    assert.is(out.length, 0);
  }
});

test('an upload without end is refused at maxBytes, without reading on', async () => {
  let read = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        read += 1000;
        yield Buffer.alloc(1000);
      }
    })(),
  );
  const stream = denoiseBytes({ denoiser: identityDenoiser(), maxBytes: 50_000, name: 'upload' });
  const error = await failureOf(pipeline(endless, stream, (parts) => buffer(parts as Readable)));
  assert.match(error.message, /^upload: found more than 50000 bytes, expected at most 50000 \(maxBytes\)/);
  assert.ok(read < 150_000, `${read} bytes read`);
  assert.ok(endless.destroyed);
});

test('an abort and a destroy stop the work in hand', async () => {
  const denoiser = identityDenoiser(() => 60_000);
  const stopping = new AbortController();
  const reason = new Error('enough');
  const aborted = denoiseBytes({ denoiser, signal: stopping.signal });
  const failure = failureOf(pipeline(pieces(1000), aborted, (parts) => buffer(parts as Readable)));
  while (denoiser.inWork() < 1) await delay(5);
  stopping.abort(reason);
  assert.is(await failure, reason);
  assert.is(denoiser.inWork(), 0);

  const destroyed = pieces(1000).pipe(denoiseBytes({ denoiser }));
  while (denoiser.inWork() < 1) await delay(5);
  await new Promise((resolve) => destroyed.on('close', resolve).destroy());
  assert.is(denoiser.inWork(), 0);
});

test('it closes when its work has ended, with a denoiser of the user too', async () => {
  const identity = identityDenoiser();
  let [isBegun, isOver] = [false, false];
  async function slowToStop(...args: Parameters<typeof identity.denoise>) {
    isBegun = true;
    await delay(200);
    isOver = true;
    return identity.denoise(...args);
  }
  const denoiser = { ...identity, denoise: slowToStop } as typeof identity;
  const step = pieces(1000).pipe(denoiseBytes({ denoiser, sigma: 25 }));
  while (!isBegun) await delay(5);
  await new Promise((resolve) => step.on('close', resolve).destroy());
  assert.ok(isOver);
});

test('uploads to a server, several at once, one of them bad, one given up', async () => {
  const denoiser = identityDenoiser((width) => (width === 64 ? 60_000 : 10));
  const server = createServer((request, response) => {
    pipeline(request, denoiseBytes({ denoiser, maxBytes: 1e6 }), response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const post = async (body: Buffer, signal?: AbortSignal) => {
      const response = await fetch(url, { method: 'POST', body, ...(signal && { signal }) });
      return Buffer.from(await response.arrayBuffer());
    };
    const givingUp = new AbortController();
    const givenUp = failureOf(post(await noisyPicture('png', { width: 64 }), givingUp.signal));
    while (denoiser.inWork() < 1) await delay(5);
    givingUp.abort();
    const [good, bad, other] = await Promise.all([
      post(bytes),
      failureOf(post(Buffer.from('no picture'))),
      post(bytes),
    ]);
    await assertSamePicture(good);
    await assertSamePicture(other);
    assert.ok(bad);
    await givenUp;
    // Its work stops when the server hears of it.
    while (denoiser.inWork() > 0) await delay(5);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test('the cache serves it too', () =>
  withFolder(async (cache) => {
    const denoiser = identityDenoiser();
    for (const isCached of [false, true]) {
      const stream = denoiseBytes({ denoiser, cache });
      const reported = new Promise<PictureReport>((resolve) => stream.on('report', resolve));
      await assertSamePicture(await buffer(pieces(1000).pipe(stream)));
      assert.is((await reported).isCached, isCached);
    }
    assert.ok((await readdir(cache)).length > 0);
  }));

test('options are checked at once', () => {
  for (const [options, words] of [
    [{ maxBytes: 0 }, /maxBytes/],
    [{ concurrency: 2 }, /options .* for denoiseBytes but received concurrency/],
    [{ denoiser: identityDenoiser(), prior: 'natural' }, /denoiser.*prior/],
  ] as const)
    assert.throws(() => denoiseBytes(options as never), words);
});

test.run();
