// How the files flow: order, how many are held, backpressure, stopping. With a denoiser that corrects nothing.
import { Duplex, finished, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type Vinyl from 'vinyl';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { pngFile } from '../pictures.js';
import { failureOf, through } from '../through.js';

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

  const late = [await pngFile('c.png')];
  assert.is(await failureOf(through(denoiseStream({ sigma: 25, denoiser, signal }), late)), reason);
  assert.is(denoiser.begun(), 2);
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

test('composes with Web streams', async () => {
  const { readable, writable } = Duplex.toWeb(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }));
  const writer = writable.getWriter();
  void writer.write(await pngFile('a.png')).then(() => writer.close());
  const stems: string[] = [];
  for await (const file of readable) stems.push((file as Vinyl).stem);
  assert.equal(stems, ['a']);
});

test.run();
