// Writes JPEG with chroma subsamplings that sharp lacks, by libjpeg-turbo in WebAssembly, in a thread for each picture.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Picture } from '../core/picture.js';
import type { JpegContainer } from './containers/jpeg-container.js';

export interface JpegTurboJob {
  readonly picture: Picture;
  readonly quality: number;
  readonly sampling: number;
  readonly isProgressive: boolean;
}

/** TurboJPEG's constants. */
const samplings: Readonly<Record<string, number>> = { '4:2:2': 1, '4:4:0': 4, '4:1:1': 5 };

/** Encodes 8-bit RGB; undefined for grey, and for a subsampling that sharp writes. @throws the thread's error */
export async function encodeJpegTurbo(
  picture: Picture,
  coding: Pick<JpegContainer, 'quality' | 'chromaSubsampling' | 'isProgressive'>,
): Promise<Buffer | undefined> {
  const { quality, chromaSubsampling, isProgressive } = coding;
  const sampling = samplings[chromaSubsampling];
  if (sampling === undefined || picture.channels !== 3) return undefined;
  const workerData: JpegTurboJob = { picture, quality, sampling, isProgressive };
  const worker = new Worker(new URL('./jpeg-turbo-worker.js', import.meta.url), { workerData });
  try {
    const [encoded] = (await once(worker, 'message')) as [Uint8Array];
    return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  } finally {
    await worker.terminate();
  }
}
