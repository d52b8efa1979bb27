// The moments at which a crash is most likely to repeat or lose a picture, each made by hand.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { failureOf } from '../through.js';
import {
  type Place,
  png,
  put,
  temporaryFiles,
  visibleFiles,
  watching,
  watchOnce,
  withPlace,
} from './watching.js';

const ledgerOf = ({ output }: Place) => join(output, '.flow-denoise/ledger.jsonl');

async function linesOf(place: Place): Promise<string[]> {
  return (await readFile(ledgerOf(place), 'utf8')).trim().split('\n');
}

async function keepLines(place: Place, keep: (line: string) => boolean): Promise<void> {
  await writeFile(
    ledgerOf(place),
    (await linesOf(place))
      .filter(keep)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

for (const originals of ['keep', 'move'] as const)
  test(`died after the result appeared, before that was written down: not repeated (${originals})`, () =>
    withPlace(async (place) => {
      await put(place.input, 'a.png', await png(1));
      await watchOnce(place);
      await keepLines(place, (line) => !line.includes('"done"'));
      const events = await watchOnce(place, { originals });
      assert.not.ok(
        events.some((event) => event.startsWith('taken')),
        events.join(),
      );
      assert.equal(await visibleFiles(place.output), ['a.png']);
      assert.equal(await visibleFiles(place.input), originals === 'move' ? [] : ['a.png']);
    }));

test('died before the result appeared: done again, in its place, with nothing left over', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await watchOnce(place);
    await keepLines(place, (line) => !line.includes('"done"'));
    await mkdir(join(place.output, '.flow-denoise/temporary'), { recursive: true });
    await rename(join(place.output, 'a.png'), join(place.output, '.flow-denoise/temporary/x'));
    assert.equal(await watchOnce(place), ['ready', 'taken a.png', 'done a.png', 'idle']);
    assert.equal(await visibleFiles(place.output), ['a.png']);
    assert.equal(await temporaryFiles(place), []);
  }));

test('died before a new result replaced the old one: replaced, not put beside it', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await watchOnce(place);
    const [, old = ''] = await linesOf(place);
    const bytes = await png(2);
    await put(place.input, 'a.png', bytes);
    const hash = createHash('sha256').update(bytes).digest('hex');
    const { state: _, ...rest } = JSON.parse(old);
    const begun = JSON.stringify({ ...rest, state: 'begun', hash, outputHash: 'never' });
    await writeFile(ledgerOf(place), `${old}\n${begun}\n`);
    assert.equal(await watchOnce(place), ['ready', 'taken a.png', 'done a.png', 'idle']);
    assert.equal(await visibleFiles(place.output), ['a.png']);
  }));

test('died before the original was moved: moved now', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await put(place.input, 'bad.png', 'text');
    await watchOnce(place);
    const events = await watchOnce(place, { originals: 'move' });
    assert.equal(events.slice().sort(), ['idle', 'ready', 'skipped a.png', 'skipped bad.png']);
    assert.equal(await visibleFiles(place.input), []);
    assert.match(await readFile(join(place.input, '.error/bad.png.txt'), 'utf8'), /found text/);
    assert.equal(await visibleFiles(place.output), ['a.png']);
  }));

test('the lock of a process that is gone, of one that was given its number, and one that says nothing', () =>
  withPlace(async (place) => {
    await watchOnce(place);
    const lock = join(place.output, '.flow-denoise/lock');
    const { watcher, told } = watching(place);
    await told.until('ready');
    const own = JSON.parse(await readFile(lock, 'utf8'));
    await watcher.close();
    const stale = [
      { ...own, id: 'other', begun: '1' },
      { ...own, id: 'other', pid: 2 ** 22 - 1 },
    ];
    for (const holder of stale) {
      await writeFile(lock, JSON.stringify(holder));
      assert.equal(await watchOnce(place), ['ready', 'idle']);
    }
  }));

test('the lock of another host: refused while it is touched, taken over when it has been silent for 20 s', () =>
  withPlace(async (place) => {
    await watchOnce(place);
    const lock = join(place.output, '.flow-denoise/lock');
    const holder = {
      id: 'x',
      pid: 7,
      host: `not-${hostname()}`,
      since: 'then',
      place: 'elsewhere',
      begun: '',
    };
    await writeFile(lock, JSON.stringify(holder));
    const touching = setInterval(() => writeFileSync(lock, JSON.stringify(holder)), 100);
    try {
      const refused = await failureOf(watching(place).watcher.finished);
      assert.match(refused.message, /by process 7 on not-.* since then/);
    } finally {
      clearInterval(touching);
    }
    assert.equal(await watchOnce(place), ['ready', 'idle']);
    assert.equal(await temporaryFiles(place), []);
  }));

test('a lock that was taken away: the watcher ends instead of going on beside another', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place);
    await told.until('ready');
    const lock = join(place.output, '.flow-denoise/lock');
    const own = JSON.parse(await readFile(lock, 'utf8'));
    await writeFile(lock, JSON.stringify({ ...own, id: 'other', pid: 7 }));
    await put(place.input, 'a.png', await png(1));
    assert.match((await failureOf(watcher.finished)).message, /watched already, by process 7/);
    assert.equal(await visibleFiles(place.output), []);

    await rm(lock);
    const next = watching(place);
    await next.told.until('taken a.png');
    await next.watcher.close();
    const last = watching(place);
    await last.told.until('ready');
    await rm(lock);
    await put(place.input, 'b.png', await png(2));
    assert.match((await failureOf(last.watcher.finished)).message, /the lock .* was removed/);
    assert.equal(await visibleFiles(place.output), ['a.png']);
  }));

test.run();
