// A watcher in a process of its own, with the real file system against it: many files at a time, a full disk, a folder
// that cannot be written to, a second watcher.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow } from '../../cli/command.js';
import { noisyPicture } from '../pictures.js';
import {
  checkWholeness,
  pixels,
  png,
  put,
  temporaryFiles,
  visibleFiles,
  watchInChild,
  withPlace,
} from './watching.js';

test('200 files dropped while it works: each once, whole whenever it is seen', () =>
  withPlace(async (place) => {
    const pictures = await Promise.all(Array.from({ length: 200 }, (_, seed) => png(seed)));
    const child = watchInChild(place, { milliseconds: 5, rescan: 2000 });
    await child.first('ready');
    const stopChecking = checkWholeness(place.output);
    for (const [seed, bytes] of pictures.entries()) {
      await put(place.input, `${seed % 7}/${seed}.png`, bytes);
      if (seed % 20 === 0) await delay(50);
    }
    const isDone = () => child.events.filter(({ event }) => event === 'done').length === pictures.length;
    for (let i = 0; i < 600 && !isDone(); i++) await delay(50);
    child.process.kill('SIGTERM');
    await child.ended;
    assert.is(await stopChecking(), pictures.length);
    assert.equal(await visibleFiles(place.output), await visibleFiles(place.input));
    for (const [seed, bytes] of pictures.entries())
      assert.equal(await pixels(join(place.output, `${seed % 7}/${seed}.png`)), await pixels(bytes));
    assert.is(child.events.filter(({ event }) => event === 'done').length, pictures.length);
    assert.equal(await temporaryFiles(place), []);
  }));

/** Mounts a small file system in memory; undefined where that is not permitted. */
function mountSmall(folder: string): (() => void) | undefined {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (status !== 0) return undefined;
  return () => spawnSync('umount', [folder]);
}

test('a full disk: nothing fails, nothing is half written, all is done when there is room', () =>
  withPlace(async (place) => {
    await mkdir(place.output);
    const unmount = mountSmall(place.output);
    if (unmount === undefined) {
      console.log('\nSKIP a full disk: no file system may be mounted here');
      return;
    }
    try {
      const ballast = join(place.output, '.ballast');
      const child = watchInChild(place, { originals: 'move' });
      await child.first('ready');
      const stopChecking = checkWholeness(place.output);
      await put(place.input, 'before.png', await png(1));
      await child.first('done');
      await writeFile(ballast, Buffer.alloc(2_000_000)).catch((error: NodeJS.ErrnoException) => {
        assert.is(error.code, 'ENOSPC');
      });
      const pictures = await Promise.all(
        [2, 3, 4, 5].map((seed) => noisyPicture('png', { width: 100, height: 80, seed })),
      );
      for (const [i, bytes] of pictures.entries()) await put(place.input, `${i}.png`, bytes);
      const problem = await child.first('problem');
      assert.match(String(problem?.message), /ENOSPC/);
      assert.is(problem?.retryInMs, 1000);
      await delay(300);
      assert.not.ok(child.events.some(({ event }) => event === 'failed'));
      assert.equal((await visibleFiles(place.input)).length, 4, 'the originals wait where they are');
      await rm(ballast);
      for (let i = 0; i < 400 && (await visibleFiles(place.input)).length > 0; i++) await delay(50);
      child.process.kill('SIGTERM');
      await child.ended;
      await stopChecking();
      assert.equal(await visibleFiles(place.output), ['0.png', '1.png', '2.png', '3.png', 'before.png']);
      for (const [i, bytes] of pictures.entries()) {
        assert.equal(await pixels(join(place.output, `${i}.png`)), await pixels(bytes));
        assert.equal(await readFile(join(place.input, `.done/${i}.png`)), bytes);
      }
      assert.equal(await temporaryFiles(place), []);
    } finally {
      unmount();
    }
  }));

test('once, with a full disk: the pictures are left to the next run', () =>
  withPlace(async (place) => {
    await mkdir(place.output);
    const unmount = mountSmall(place.output);
    if (unmount === undefined) {
      console.log('\nSKIP once, with a full disk: no file system may be mounted here');
      return;
    }
    try {
      await put(place.input, 'a.png', await noisyPicture('png', { width: 100, height: 80 }));
      const started = watchInChild(place, { once: true, originals: 'move', settle: 1500 });
      await started.first('ready');
      await writeFile(join(place.output, '.ballast'), Buffer.alloc(2_000_000)).catch(() => {});
      await started.ended;
      const failed = started.events.find(({ event }) => event === 'failed');
      assert.equal([failed?.isFinal, failed?.movedTo], [false, undefined]);
      assert.equal(await visibleFiles(place.input), ['a.png']);
      await rm(join(place.output, '.ballast'));
      await watchInChild(place, { once: true, originals: 'move' }).ended;
      assert.equal(await visibleFiles(place.output), ['a.png']);
    } finally {
      unmount();
    }
  }));

test('.done on another file system: a copy, whole, then the original goes', () =>
  withPlace(async (place) => {
    const archive = join(place.input, '.done');
    await mkdir(archive);
    const unmount = mountSmall(archive);
    if (unmount === undefined) {
      console.log('\nSKIP .done on another file system: no file system may be mounted here');
      return;
    }
    try {
      const path = await put(place.input, 'sub/a.png', await png(1));
      await utimes(path, 1000, 1000);
      const child = watchInChild(place, { once: true, originals: 'move' });
      await child.ended;
      const done = child.events.find(({ event }) => event === 'done');
      assert.is(done?.movedTo, join(archive, 'sub/a.png'));
      assert.equal(await readFile(join(archive, 'sub/a.png')), await png(1));
      assert.is((await stat(join(archive, 'sub/a.png'))).mtimeMs, 1_000_000);
      assert.equal(await filesBelow(place.input), ['.done/sub/a.png']);
    } finally {
      unmount();
    }
  }));

test('a folder that may not be written to for a while', async () => {
  if (process.getuid?.() === 0) {
    console.log('\nSKIP a folder that may not be written to: root may write anywhere');
    return;
  }
  await withPlace(async (place) => {
    const child = watchInChild(place);
    await child.first('ready');
    await mkdir(join(place.output, 'sub'));
    await chmod(join(place.output, 'sub'), 0o555);
    await put(place.input, 'sub/a.png', await png(1));
    assert.match(String((await child.first('problem'))?.message), /EACCES/);
    await chmod(join(place.output, 'sub'), 0o755);
    assert.ok(await child.first('done'));
    child.process.kill('SIGTERM');
    await child.ended;
  });
});

test('a second watcher is told who holds the folder; a dead one holds nothing', () =>
  withPlace(async (place) => {
    const first = watchInChild(place);
    await first.first('ready');
    const refused = new RegExp(
      `is watched already, by process ${first.process.pid} on ${hostname()} since \\d{4}-.*Z; stop that one first`,
    );
    for (const other of [place, { ...place, output: join(place.root, 'out2') }]) {
      const second = watchInChild(other);
      assert.is(await second.ended, 1);
      assert.match(String(second.events.at(-1)?.message), refused);
    }
    const third = watchInChild({ ...place, input: await other(place.root) });
    assert.is(await third.ended, 1);
    assert.match(String(third.events.at(-1)?.message), refused);

    first.process.kill('SIGKILL');
    await first.ended;
    const next = watchInChild(place, { once: true });
    assert.is(await next.ended, 0);
    assert.equal(await temporaryFiles(place), []);
  }));

async function other(root: string): Promise<string> {
  const folder = join(root, 'in2');
  await mkdir(folder);
  return folder;
}

test('10,000 files at the start: less than 400 MB', () =>
  withPlace(async (place) => {
    for (let folder = 0; folder < 100; folder++) {
      await mkdir(join(place.input, String(folder)));
      const names = Array.from({ length: 100 }, (_, i) => join(place.input, String(folder), `${i}.png`));
      await Promise.all(names.map((name) => writeFile(name, 'small')));
    }
    const child = watchInChild(place, { settle: 60_000 });
    const ready = await child.first('ready');
    assert.is(ready?.waiting, 10_000);
    assert.ok(Number(ready?.rss) < 400e6, `${ready?.rss} bytes`);
    child.process.kill('SIGTERM');
    await child.ended;
  }));

test.run();
