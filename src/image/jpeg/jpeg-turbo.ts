// Writes JPEG with chroma subsamplings that sharp lacks (4:2:2, 4:4:0, 4:1:1), by libjpeg-turbo in WebAssembly, in a thread
// for each picture.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Picture } from '../../core/picture.js';
import type { ChromaSubsampling } from './jpeg-quality.js';

interface JpegCoding {
  readonly quality: number;
  readonly chromaSubsampling: ChromaSubsampling;
  readonly isProgressive: boolean;
}

export interface JpegTurboJob extends JpegCoding {
  readonly picture: Picture<Uint8Array>;
}

/** Encodes 8-bit RGB. @throws  the thread's error */
export async function encodeJpegTurbo(picture: Picture<Uint8Array>, coding: JpegCoding): Promise<Buffer> {
  const workerData: JpegTurboJob = { ...coding, picture };
  const worker = new Worker(new URL('./jpeg-turbo-worker.js', import.meta.url), { workerData });
  try {
    const [encoded] = (await once(worker, 'message')) as [Uint8Array];
    return Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  } finally {
    await worker.terminate();
  }
}
