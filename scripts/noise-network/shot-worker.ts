// The inside of a worker thread that makes examples for the noise network: pictures in memory, examples out by number.
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { type NoisyShot, noisyShot, type ScenePhoto } from './noisy-shot.js';
import type { SceneFiles } from './shots.js';

export interface ShotWorkerData extends SceneFiles {
  readonly seed: number;
}

const port = parentPort;
if (!port) throw new Error('shot-worker runs in a worker thread only');
const { photographs, pristine, seed } = workerData as ShotWorkerData;

async function read(file: string, isPristine: boolean): Promise<ScenePhoto> {
  const { data, info } = await sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer({
    resolveWithObject: true,
  });
  return { data, width: info.width, height: info.height, isPristine };
}

const sources = await Promise.all(
  [photographs, pristine].map((files, i) => Promise.all(files.map((file) => read(file, i === 1)))),
);

function shotAt(number: number): Promise<NoisyShot> {
  // Every other shot is of a photograph as it is found: users' clean pictures have grain, and are to be left alone.
  const photos = sources[number % 2] as ScenePhoto[];
  // A large prime step visits the pictures in an order that has nothing to do with the seeds.
  const photo = photos[(Math.floor(number / 2) * 7919) % photos.length] as ScenePhoto;
  return noisyShot(photo, (seed + Math.imul(number + 1, 0x9e3779b1)) >>> 0);
}

port.on('message', (number: number) => {
  void shotAt(number).then((shot) =>
    port.postMessage({ number, shot }, [
      shot.picture.buffer as ArrayBuffer,
      shot.levels.buffer as ArrayBuffer,
    ]),
  );
});
