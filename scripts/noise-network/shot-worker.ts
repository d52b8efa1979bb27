// The inside of a worker thread that makes examples for the noise network: pictures in memory, batches out by number.
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { CELL, LEVELS } from '#src/core/noise/estimate/noise-network.js';
import { noisyShot, type ScenePhoto } from './noisy-shot.js';
import type { SceneFiles } from './shots.js';

export interface ShotWorkerData extends SceneFiles {
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
const { photographs, pristine, seed, length } = workerData as ShotWorkerData;

async function read(file: string, isPristine: boolean): Promise<ScenePhoto> {
  const { data, info } = await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({
    resolveWithObject: true,
  });
  return { data, width: info.width, height: info.height, isPristine };
}

const sources = await Promise.all(
  [photographs, pristine].map((files, i) => Promise.all(files.map((file) => read(file, i === 1)))),
);

async function batchAt(first: number, size: number): Promise<ShotBatch> {
  const pictures = new Float32Array(size * length * length * 3);
  const levels = new Float32Array(size * (length / CELL) ** 2 * LEVELS);
  for (let i = 0; i < size; i++) {
    const number = first + i;
    // Every other shot is of a photograph as it is found: users' clean pictures have grain, and are to be left alone.
    const photos = sources[number % 2] as ScenePhoto[];
    // A large prime step visits the pictures in an order that has nothing to do with the seeds.
    const photo = photos[(Math.floor(number / 2) * 7919) % photos.length] as ScenePhoto;
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
