// Examples for the noise network, made in a thread of their own.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FlowDenoiseError } from '#src/core/errors.js';
import type { NoisyShot } from './noisy-shot.js';
import type { ShotWorkerData } from './shot-worker.js';

/** Photographs from the end of the list that training never sees. */
const HELD_BACK = 32;

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** What scenes are made from: paths of pictures. */
export interface SceneFiles {
  /** Clean photographs as they are found, with some grain. */
  readonly photographs: readonly string[];
  /** Photographs without grain. */
  readonly pristine: readonly string[];
}

/**
 * The pictures of two folders that training may see.
 *
 * @throws FlowDenoiseError BAD_OPTION when there are too few
 */
export async function sceneFiles(folder: string, pristineFolder: string): Promise<SceneFiles> {
  const [photographs, pristine] = [await picturesIn(folder), await picturesIn(pristineFolder)];
  if (photographs.length <= HELD_BACK)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a folder with more than ${HELD_BACK} pictures, which training leaves out, but found ${photographs.length} in ${folder}`,
    );
  if (pristine.length === 0)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected pictures without grain in ${pristineFolder} but found none`,
    );
  return { photographs: photographs.slice(0, -HELD_BACK), pristine };
}

export interface ShotMaker {
  /** The same number is the same example. */
  shot(number: number): Promise<NoisyShot>;
  close(): Promise<void>;
}

export function openShots(workerData: ShotWorkerData): ShotMaker {
  // A thread does not take over how this process reads TypeScript.
  const [tsx, program] = [import.meta.resolve('tsx/esm/api'), import.meta.resolve('./shot-worker.ts')];
  const start = `import('${tsx}').then(({ tsImport }) => tsImport('${program}', '${program}'))`;
  const worker = new Worker(start, { eval: true, workerData });
  const pending = new Map<number, { resolve(shot: NoisyShot): void; reject(error: unknown): void }>();
  let failure: unknown;
  worker.on('message', ({ number, shot }: { number: number; shot: NoisyShot }) => {
    pending.get(number)?.resolve(shot);
    pending.delete(number);
  });
  worker.on('error', (error) => {
    failure = error;
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  });
  return {
    shot(number) {
      return new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        pending.set(number, { resolve, reject });
        worker.postMessage(number);
      });
    },
    close: async () => void (await worker.terminate()),
  };
}
