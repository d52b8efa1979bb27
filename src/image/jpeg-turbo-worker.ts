// The thread of jpeg-turbo.ts: one picture in, one file out.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { JpegTurboJob } from './jpeg-turbo.js';

/** The part of the codec that we use; it has no types. */
interface Encoder {
  getDecodedBuffer(frame: object): Uint8Array;
  setQuality(quality: number): void;
  setSubSampling(sampling: number): void;
  setProgressive(isProgressive: boolean): void;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
}
type OpenCodec = (options: object) => Promise<{ JPEGEncoder: new () => Encoder }>;

const require = createRequire(import.meta.url);
const open = require('@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs') as OpenCodec;
const wasmBinary = readFileSync(require.resolve('@cornerstonejs/codec-libjpeg-turbo-8bit/wasm'));

const { picture, quality, sampling, isProgressive } = workerData as JpegTurboJob;
const { JPEGEncoder } = await open({ wasmBinary });
const encoder = new JPEGEncoder();
const { width, height, data } = picture;
const frame = { width, height, bitsPerSample: 8, componentCount: 3, isSigned: false };
encoder.getDecodedBuffer(frame).set(data);
encoder.setQuality(quality);
encoder.setSubSampling(sampling);
encoder.setProgressive(isProgressive);
encoder.encode();
const encoded = Uint8Array.from(encoder.getEncodedBuffer());
parentPort?.postMessage(encoded, [encoded.buffer]);
