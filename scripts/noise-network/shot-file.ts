// Examples for the noise network in one file, made once and learned from many times. Each is a record: the picture as 16-bit
// numbers, then the levels of its cells as 32-bit floats.
import { type FileHandle, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { CELL, LEVELS } from '#src/core/noise/estimate/noise-network.js';
import { mapInOrder } from '#src/tile/in-order.js';
import { type NoisyShot, SIDE } from './noisy-shot.js';
import { openShots, type SceneFiles, type ShotMaker } from './shots.js';

const SAMPLES = 3 * SIDE * SIDE;
const CELL_LEVELS = (SIDE / CELL) ** 2 * LEVELS;
const RECORD = 2 * SAMPLES + 4 * CELL_LEVELS;
const MOST = 65535;

export interface ShotFile {
  readonly count: number;
  /** @param index  from 0 to count - 1 */
  read(index: number): Promise<NoisyShot>;
  close(): Promise<void>;
}

/** The examples that are in the file, whole ones only. */
async function countIn(file: FileHandle): Promise<number> {
  return Math.floor((await file.stat()).size / RECORD);
}

/**
 * Makes examples until the file holds `count`; those that it holds already stay. Each core makes some of them.
 *
 * @param seed  the same seed and files give the same examples
 */
export async function makeShots(
  path: string,
  { files, count, seed }: { readonly files: SceneFiles; readonly count: number; readonly seed: number },
  onShot?: (made: number) => void,
): Promise<void> {
  const file = await open(path, 'a+');
  const makers: ShotMaker[] = [];
  try {
    const before = await countIn(file);
    await file.truncate(before * RECORD);
    const numbers = Array.from({ length: Math.max(0, count - before) }, (_, i) => before + i);
    // Each reads all pictures, so none is opened for nothing.
    const needed = Math.min(numbers.length, availableParallelism());
    for (let i = 0; i < needed; i++) makers.push(openShots({ ...files, seed }));
    // Examples come from two kinds of photograph in turn, which take different times: each maker gets both.
    const make = (number: number) =>
      (makers[Math.floor(number / 2) % makers.length] as ShotMaker).shot(number);
    let made = before;
    for await (const { picture, levels } of mapInOrder(numbers, 2 * makers.length, make)) {
      await file.write(new Uint8Array(Uint16Array.from(picture, (value) => Math.round(MOST * value)).buffer));
      await file.write(new Uint8Array(levels.buffer, levels.byteOffset, levels.byteLength));
      onShot?.(++made);
    }
  } finally {
    await Promise.all(makers.map((maker) => maker.close()));
    await file.close();
  }
}

export async function openShotFile(path: string): Promise<ShotFile> {
  const file = await open(path, 'r');
  return {
    count: await countIn(file),
    async read(index) {
      const record = new Uint8Array(RECORD);
      await file.read(record, 0, RECORD, index * RECORD);
      return {
        picture: Float32Array.from(new Uint16Array(record.buffer, 0, SAMPLES), (value) => value / MOST),
        levels: new Float32Array(record.buffer, 2 * SAMPLES, CELL_LEVELS),
      };
    },
    close: () => file.close(),
  };
}
