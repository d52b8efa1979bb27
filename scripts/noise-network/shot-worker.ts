// The inside of a worker thread that makes examples for the noise network: pictures in memory, batches out by number.
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { CELL, LEVELS } from '#src/core/noise/estimate/noise-network.js';
import type { RgbPicture } from '#src/train/data/cut-crop.js';
import { noisyShot } from './noisy-shot.js';

export interface ShotWorkerData {
  readonly files: readonly string[];
  readonly seed: number;
  /** Side of an example, pixels. */
  readonly length: number;
}

export interface ShotBatch {
  /** [B, length, length, 3] */
  readonly pictures: Float32Array;
  /** [B, length / CELL, length / CELL, LEVELS] */
  readonly levels: Float32Array;
}

const port = parentPort;
if (!port) throw new Error('shot-worker runs in a worker thread only');
const { files, seed, length } = workerData as ShotWorkerData;
const photos = await Promise.all(
  files.map(async (file): Promise<RgbPicture> => {
    const { data, info } = await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({
      resolveWithObject: true,
    });
    return { data, width: info.width, height: info.height };
  }),
);

async function batchAt(first: number, size: number): Promise<ShotBatch> {
  const pictures = new Float32Array(size * length * length * 3);
  const levels = new Float32Array(size * (length / CELL) ** 2 * LEVELS);
  for (let i = 0; i < size; i++) {
    const number = first + i;
    // A large odd step visits the pictures in an order that has nothing to do with the seeds.
    const photo = photos[(number * 7919) % photos.length] as RgbPicture;
    const shot = await noisyShot(photo, (seed + Math.imul(number + 1, 0x9e3779b1)) >>> 0, length);
    pictures.set(shot.picture, i * shot.picture.length);
    levels.set(shot.levels, i * shot.levels.length);
  }
  return { pictures, levels };
}

port.on('message', ({ id, first, size }: { id: number; first: number; size: number }) => {
  void batchAt(first, size).then((batch) =>
    port.postMessage({ id, batch }, [
      batch.pictures.buffer as ArrayBuffer,
      batch.levels.buffer as ArrayBuffer,
    ]),
  );
});
