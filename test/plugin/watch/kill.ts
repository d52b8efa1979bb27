// Kills a watcher with SIGKILL at random moments and starts it again until all is done, while pictures go on coming.
// Every picture must end exactly once in the output folder (or in .error), whole whenever it is seen, no original lost.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import * as assert from 'uvu/assert';
import { filesBelow } from '../../cli/command.js';
import { noisyPicture } from '../pictures.js';
import {
  checkWholeness,
  type Place,
  pixels,
  png,
  put,
  temporaryFiles,
  visibleFiles,
  watchInChild,
  withPlace,
} from './watching.js';

const KILLS = 20;
const AT_START = 100;
const AT_EACH = 5;
/** Of a picture, so that many kills fall into the work of some. */
const MILLISECONDS = 40;
/** The longest time from 'ready' to the kill. */
const LONGEST_MS = 400;

const nameOf = (seed: number) => `${seed % 3 === 0 ? 'sub/deep/' : ''}${seed}.png`;

/** Small ones, and among them some that take several writes. */
function pictureOf(seed: number): Promise<Buffer> {
  return seed % 10 === 0 ? noisyPicture('png', { width: 300, height: 200, seed }) : png(seed);
}

/** @param seed  of the moments */
export function killAndRestart(originals: 'keep' | 'move', seed: number): Promise<void> {
  return withPlace(async (place) => {
    const pictures = new Map<string, Buffer>();
    async function drop(count: number): Promise<void> {
      for (let i = 0; i < count; i++) {
        const bytes = await pictureOf(pictures.size);
        const name = nameOf(pictures.size);
        pictures.set(name, bytes);
        await put(place.input, name, bytes);
      }
    }
    await put(place.input, 'bad.png', 'no picture');
    await drop(AT_START);

    const random = mersenne(seed);
    const stopChecking = checkWholeness(place.output);
    const done: unknown[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const child = watchInChild(place, { originals, milliseconds: MILLISECONDS });
      // Some moments are before it is ready.
      const isEarly = uniformFloat64(random) < 0.2;
      await (isEarly ? delay(300) : child.first('ready'));
      const moment = delay(uniformFloat64(random) * LONGEST_MS);
      await drop(AT_EACH);
      await moment;
      child.process.kill('SIGKILL');
      await child.ended;
      done.push(...child.events.filter(({ event }) => event === 'done').map(({ input }) => input));
    }
    const beforeLast = done.length;
    const last = watchInChild(place, { originals, milliseconds: 1, once: true });
    assert.is(await last.ended, 0, JSON.stringify(last.events.at(-1)));
    done.push(...last.events.filter(({ event }) => event === 'done').map(({ input }) => input));
    const seen = await stopChecking();

    const names = [...pictures.keys()].sort();
    assert.is(names.length, AT_START + KILLS * AT_EACH);
    assert.equal(await visibleFiles(place.output), names);
    assert.is(seen, names.length);
    for (const name of names)
      assert.equal(await pixels(join(place.output, name)), await pixels(pictures.get(name) ?? ''), name);
    assert.is(new Set(done).size, done.length, 'no picture was done twice');
    assert.ok(beforeLast > 10 && beforeLast < names.length, `${beforeLast} done before the last start`);
    await checkOriginals(place, originals, pictures);
    assert.equal(await temporaryFiles(place), []);

    const again = watchInChild(place, { originals, once: true });
    assert.is(await again.ended, 0);
    assert.not.ok(again.events.some(({ event }) => event === 'taken' || event === 'failed'));
  });
}

async function checkOriginals(
  { input }: Place,
  originals: 'keep' | 'move',
  pictures: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const names = [...pictures.keys()];
  const isMoved = originals === 'move';
  const expected = isMoved
    ? [...names.map((name) => `.done/${name}`), '.error/bad.png', '.error/bad.png.txt']
    : [...names, 'bad.png'];
  assert.equal(await filesBelow(input), expected.sort());
  for (const [name, bytes] of pictures)
    assert.equal(await readFile(join(input, isMoved ? '.done' : '', name)), bytes, name);
}
