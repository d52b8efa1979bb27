// Running files through a stream, for the tests.
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type Vinyl from 'vinyl';
import type { DenoisedFile } from '#src/plugin/encoded-picture.js';

/** Everything that comes out when these go in. */
export async function through(stream: Transform, files: Iterable<Vinyl>): Promise<DenoisedFile[]> {
  const out: DenoisedFile[] = [];
  await pipeline(Readable.from(files), stream, async (source: AsyncIterable<DenoisedFile>) => {
    for await (const file of source) out.push(file);
  });
  return out;
}

/** The error that this fails with. */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  let error: unknown;
  try {
    await work;
  } catch (reason) {
    error = reason;
  }
  if (error instanceof Error) return error;
  throw new Error(error === undefined ? 'it did not fail' : `it failed with ${String(error)}, no Error`);
}
