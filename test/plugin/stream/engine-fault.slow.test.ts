// An engine that fails in the middle of a picture: one error with engine, tile and file, and the stream goes on.
import { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type Vinyl from 'vinyl';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { denoiseStream } from '#src/index.js';
import { noisyPicture, vinyl } from '../pictures.js';

const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));

test('a thread that ends at the third tile: its file is skipped, the others come through', async () => {
  const denoiser = await openDenoiser({ engine: 'wasm', threads: 2, method: 'posterior-mean', tileSize: 32 });
  const [first] = workers;
  const files: Vinyl[] = [];
  for (const seed of [1, 2, 3])
    files.push(vinyl(`${seed}.png`, await noisyPicture('png', { width: 96, height: 96, seed })));
  const errors: { message: string; path: string }[] = [];
  const stream = denoiseStream({
    sigma: 25,
    denoiser,
    concurrency: 1,
    onError: 'skip',
    onProgress({ tilesDone }) {
      if (tilesDone === 2) void first?.terminate();
    },
  });
  stream.on('fileError', (error: Error, file: Vinyl) =>
    errors.push({ message: error.message, path: file.path }),
  );
  const done = await Readable.from(files).pipe(stream).toArray();
  await denoiser.close();
  assert.equal(
    done.map(({ path }: Vinyl) => path),
    ['/photos/2.png', '/photos/3.png'],
  );
  assert.is(errors.length, 1);
  const [{ message = '', path = '' } = {}] = errors;
  assert.is(path, '/photos/1.png');
  assert.match(
    message,
    /^\/photos\/1\.png: tile at \d+, \d+: engine wasm failed: its thread ended with code 1$/,
  );
});

test.run();
