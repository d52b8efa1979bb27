// A watched folder in this process: what is taken, what becomes of it, and of its original.
import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow } from '../../cli/command.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture } from '../pictures.js';
import {
  pixels,
  png,
  put,
  temporaryFiles,
  visibleFiles,
  watching,
  watchOnce,
  withPlace,
} from './watching.js';

test('once: every picture below the folder, in the same tree and format; nothing else', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await put(place.input, 'deep/er/b.JPG', await noisyPicture('jpeg'));
    await put(place.input, 'c.webp', await noisyPicture('webp'));
    for (const name of [
      'notes.txt',
      '.hidden.png',
      '.cache/d.png',
      'e.png.part',
      'f.png.crdownload',
      'g.png~',
      '~$h.png',
      '@eaDir/i.png',
    ])
      await put(place.input, name, await png(2));
    const events = await watchOnce(place);
    assert.equal(events.filter((event) => event.startsWith('done')).sort(), [
      'done a.png',
      'done c.webp',
      'done deep/er/b.JPG',
    ]);
    assert.equal([events[0], events.at(-1), events.length], ['ready', 'idle', 8]);
    assert.equal(await visibleFiles(place.output), ['a.png', 'c.webp', 'deep/er/b.JPG']);
    assert.equal(await pixels(join(place.output, 'a.png')), await pixels(await png(1)));
    assert.equal(await temporaryFiles(place), []);
  }));

test('a second run repeats nothing; a changed file, or other options, are done again', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await put(place.input, 'b.png', await png(2));
    await watchOnce(place);
    assert.equal(await watchOnce(place), ['ready', 'idle']);
    await put(place.input, 'b.png', await png(3));
    assert.equal(await watchOnce(place), ['ready', 'taken b.png', 'done b.png', 'idle']);
    assert.equal(await pixels(join(place.output, 'b.png')), await pixels(await png(3)));
    const again = await watchOnce(place, { strength: 0.5 });
    assert.equal(again.filter((event) => event.startsWith('done')).sort(), ['done a.png', 'done b.png']);
    assert.equal(await visibleFiles(place.output), ['a.png', 'b.png']);
  }));

test('a file that was only touched is known by its content; with its result gone, it is done again', () =>
  withPlace(async (place) => {
    const path = await put(place.input, 'a.png', await png(1));
    await watchOnce(place);
    await utimes(path, 1000, 1000);
    assert.equal(await watchOnce(place), ['ready', 'skipped a.png', 'idle']);
    assert.equal(await watchOnce(place), ['ready', 'idle']);
    await rm(join(place.output, 'a.png'));
    assert.equal(await watchOnce(place), ['ready', 'idle'], 'a result thrown away is not made again');
    await utimes(path, 2000, 2000);
    assert.equal(await watchOnce(place), ['ready', 'taken a.png', 'done a.png', 'idle']);
  }));

test('move: originals go to .done, failed ones to .error with the reason', () =>
  withPlace(async (place) => {
    await put(place.input, 'sub/a.png', await png(1));
    await put(place.input, 'sub/bad.png', 'not a picture');
    const events = await watchOnce(place, { originals: 'move' });
    assert.ok(events.includes('failed sub/bad.png'));
    assert.equal(await filesBelow(place.input), [
      '.done/sub/a.png',
      '.error/sub/bad.png',
      '.error/sub/bad.png.txt',
    ]);
    assert.equal(await readFile(join(place.input, '.done/sub/a.png')), await png(1));
    assert.match(
      await readFile(join(place.input, '.error/sub/bad.png.txt'), 'utf8'),
      /sub\/bad\.png: found text, expected a PNG.*\n\nBAD_IMAGE, 2/,
    );
    assert.equal(await visibleFiles(place.output), ['sub/a.png']);

    // A camera counts from the beginning again: another picture of the same name loses nothing.
    await put(place.input, 'sub/a.png', await png(2));
    await put(place.input, 'sub/bad.png', 'not a picture either');
    await watchOnce(place, { originals: 'move' });
    assert.equal(await visibleFiles(place.output), ['sub/a-2.png', 'sub/a.png']);
    assert.equal(await pixels(join(place.output, 'sub/a.png')), await pixels(await png(1)));
    assert.equal(await filesBelow(place.input), [
      '.done/sub/a-2.png',
      '.done/sub/a.png',
      '.error/sub/bad-2.png',
      '.error/sub/bad-2.png.txt',
      '.error/sub/bad.png',
      '.error/sub/bad.png.txt',
    ]);
  }));

test('keep: a failed picture is remembered, and tried again when it changes', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', (await png(1)).subarray(0, 500));
    assert.equal(await watchOnce(place), ['ready', 'failed a.png', 'idle']);
    assert.equal(await watchOnce(place), ['ready', 'idle']);
    await put(place.input, 'a.png', await png(1));
    assert.equal(await watchOnce(place), ['ready', 'taken a.png', 'done a.png', 'idle']);
  }));

test("what is not the watcher's own is never replaced: version, or skip", () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await put(place.output, 'a.png', 'mine');
    await watchOnce(place);
    assert.equal(await visibleFiles(place.output), ['a-2.png', 'a.png']);
    assert.is(await readFile(join(place.output, 'a.png'), 'utf8'), 'mine');

    // A result that the user has worked on is the user's.
    await put(place.output, 'a-2.png', 'mine too');
    await put(place.input, 'a.png', await png(2));
    await watchOnce(place);
    assert.equal(await visibleFiles(place.output), ['a-2.png', 'a-3.png', 'a.png']);
    assert.is(await readFile(join(place.output, 'a-2.png'), 'utf8'), 'mine too');

    await put(place.input, 'b.png', await png(3));
    await put(place.output, 'b.png', 'mine');
    assert.equal(await watchOnce(place, { existing: 'skip' }), ['ready', 'skipped b.png', 'idle']);
    assert.equal(await watchOnce(place, { existing: 'skip' }), ['ready', 'idle']);
    assert.is(await readFile(join(place.output, 'b.png'), 'utf8'), 'mine');
  }));

test('a.png and a.PNG are two pictures', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    await put(place.input, 'a.PNG', await png(2));
    await watchOnce(place);
    const inputs = await visibleFiles(place.input);
    assert.is((await visibleFiles(place.output)).length, inputs.length);
    for (const name of inputs)
      assert.equal(await pixels(join(place.output, name)), await pixels(join(place.input, name)));
  }));

test('watching: added, renamed into place, replaced, in a folder that is new', () =>
  withPlace(async (place) => {
    await put(place.input, 'first.png', await png(1));
    const { watcher, told } = watching(place, { rescan: 1000 });
    await told.until('done first.png');
    await put(place.input, 'a.png', await png(2));
    await put(place.input, 'sub/deeper/b.png', await png(3));
    await put(place.input, 'c.png.part', await png(4));
    await told.until('done a.png');
    await told.until('done sub/deeper/b.png');
    await rename(join(place.input, 'c.png.part'), join(place.input, 'c.png'));
    await told.until('done c.png');
    await put(place.input, 'a.png', await png(5));
    await told.until('done a.png', 2);
    await put(place.root, 'elsewhere.png', await png(6));
    await rename(join(place.root, 'elsewhere.png'), join(place.input, 'sub/deeper/b.png'));
    await told.until('done sub/deeper/b.png', 2);
    const summary = await watcher.close();
    assert.equal(summary, { done: 6, failed: 0, skipped: 0 });
    assert.equal(await visibleFiles(place.output), ['a.png', 'c.png', 'first.png', 'sub/deeper/b.png']);
    assert.equal(await pixels(join(place.output, 'a.png')), await pixels(await png(5)));
    assert.equal(await pixels(join(place.output, 'sub/deeper/b.png')), await pixels(await png(6)));
    assert.equal(await temporaryFiles(place), []);
  }));

test('watching: folders that are renamed, deleted, made again, or called like a picture or like the root', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place);
    await told.until('ready');
    const names = ['a', 'in', 'dir.png'];
    for (const name of names) {
      await put(place.input, `${name}/deep/1.png`, await png(1));
      await told.until(`done ${name}/deep/1.png`);
      await rename(join(place.input, name), join(place.input, `${name}2`));
      await told.until(`done ${name}2/deep/1.png`);
      await put(place.input, `${name}2/deep/2.png`, await png(2));
      await told.until(`done ${name}2/deep/2.png`);
      await rm(join(place.input, `${name}2`), { recursive: true });
      await put(place.input, `${name}2/3.png`, await png(3));
      await told.until(`done ${name}2/3.png`);
      await put(place.input, `${name}2/4.png`, await png(4));
      await told.until(`done ${name}2/4.png`);
    }
    assert.equal(await watcher.close(), { done: 5 * names.length, failed: 0, skipped: 0 });
    assert.is((await visibleFiles(place.output)).length, 5 * names.length);
  }));

/** Folders and files that this process watches, as Linux tells. */
async function systemWatches(): Promise<number> {
  const infos = await readdir('/proc/self/fdinfo');
  const texts = await Promise.all(
    infos.map((fd) => readFile(`/proc/self/fdinfo/${fd}`, 'utf8').catch(() => '')),
  );
  return texts.join('').match(/^inotify wd:/gm)?.length ?? 0;
}

if (process.platform === 'linux')
  test('folders are watched, not files', () =>
    withPlace(async (place) => {
      const { watcher, told } = watching(place, { settle: 60_000 });
      await told.until('ready');
      const before = await systemWatches();
      for (let i = 0; i < 40; i++) await put(place.input, `sub/${i}.png`, await png(i));
      while ((await systemWatches()) === before) await delay(20);
      // What chokidar has yet to look at.
      await delay(500);
      assert.is((await systemWatches()) - before, 1);
      await watcher.close();
    }));

test('while many wait, nothing listens; what comes then is done, and what comes after that too', () =>
  withPlace(async (place) => {
    for (let i = 0; i < 150; i++) await put(place.input, `${i}.png`, await png(i % 5));
    // No walk by the clock: what is found is found by listening, or by the walk when that begins again.
    const { watcher, told } = watching(place, { originals: 'move', rescan: 3600_000 });
    await told.until('done 0.png');
    await put(place.input, 'during.png', await png(6));
    await told.until('idle');
    await put(place.input, 'after.png', await png(7));
    await told.until('done after.png');
    assert.equal(await watcher.close(), { done: 152, failed: 0, skipped: 0 });
    assert.equal(
      (await filesBelow(place.input)).filter((file) => !file.startsWith('.done')),
      [],
    );
  }));

test('polling finds the same', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place, { poll: 100 });
    await told.until('ready');
    await put(place.input, 'sub/a.png', await png(1));
    await told.until('done sub/a.png');
    await put(place.input, 'sub/a.png', await png(2));
    await told.until('done sub/a.png', 2);
    await watcher.close();
    assert.equal(await pixels(join(place.output, 'sub/a.png')), await pixels(await png(2)));
  }));

test('a file that grows for five seconds is taken when it is whole, once', () =>
  withPlace(async (place) => {
    const bytes = await noisyPicture('png', { width: 200, height: 160 });
    const { watcher, told } = watching(place, { settle: 300, patience: 60_000 });
    await told.until('ready');
    for (let i = 0; i < 10; i++) {
      const [from, to] = [i, i + 1].map((part) => Math.floor((bytes.length * part) / 10));
      await writeFile(join(place.input, 'a.png'), bytes.subarray(from, to), { flag: 'a' });
      // Longer pauses than `settle` among them: then it is looked at, and does not decode.
      await new Promise((resolve) => setTimeout(resolve, i % 3 === 2 ? 900 : 350));
    }
    await told.until('idle', 2);
    await watcher.close();
    assert.equal(told.events, ['ready', 'idle', 'taken a.png', 'done a.png', 'idle']);
    assert.equal(await pixels(join(place.output, 'a.png')), await pixels(bytes));
  }));

test('pictures are taken in the order in which they came to rest', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place, { settle: 1500, concurrency: 1 });
    await told.until('ready');
    for (const [seed, name] of ['changed.png', 'b.png', 'a.png'].entries()) {
      await put(place.input, name, await png(seed));
      await delay(200);
    }
    await utimes(join(place.input, 'b.png'), 1000, 1000);
    await put(place.input, 'changed.png', await png(9));
    await told.until('done changed.png');
    await watcher.close();
    assert.equal(
      told.events.filter((event) => event.startsWith('taken')),
      ['taken a.png', 'taken b.png', 'taken changed.png'],
    );
  }));

test('deleted, renamed or replaced while it is in work: the old picture is dropped, the new one done', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place, { denoiser: identityDenoiser(() => 800), concurrency: 3 });
    await told.until('ready');
    for (const [seed, name] of ['deleted.png', 'renamed.png', 'replaced.png'].entries()) {
      await put(place.input, name, await png(seed));
    }
    await told.until('taken deleted.png');
    await told.until('taken renamed.png');
    await told.until('taken replaced.png');
    await rm(join(place.input, 'deleted.png'));
    await rename(join(place.input, 'renamed.png'), join(place.input, 'new-name.png'));
    await put(place.input, 'replaced.png', await png(9));
    await told.until('done replaced.png');
    await told.until('done new-name.png');
    await told.until('idle', 2);
    await watcher.close();
    assert.equal(await visibleFiles(place.output), ['new-name.png', 'replaced.png']);
    assert.equal(await pixels(join(place.output, 'replaced.png')), await pixels(await png(9)));
    assert.equal(await temporaryFiles(place), []);
  }));

test('symbolic links are left, wherever they lead', () =>
  withPlace(async (place) => {
    const secret = await put(place.root, 'elsewhere/secret.png', await png(1));
    await symlink(secret, join(place.input, 'link.png'));
    await symlink(join(place.root, 'elsewhere'), join(place.input, 'folder'));
    await symlink(place.input, join(place.input, 'circle'));
    await put(place.input, 'a.png', await png(2));
    const { watcher, told } = watching(place, { rescan: 200 });
    await told.until('done a.png');
    await symlink(secret, join(place.input, 'later.png'));
    await told.until('skipped later.png');
    await watcher.close();
    assert.equal(
      told.events.filter((event) => event.startsWith('skipped')),
      ['skipped circle', 'skipped folder', 'skipped link.png', 'skipped later.png'],
    );
    assert.equal(await visibleFiles(place.output), ['a.png']);
  }));

test('a link in the output folder that leads back into the input folder is not written through', () =>
  withPlace(async (place) => {
    await put(place.input, 'sub/a.png', await png(1));
    await mkdir(place.output);
    await symlink(join(place.input, 'sub'), join(place.output, 'sub'));
    const { watcher, told } = watching(place, { once: true });
    const errors: string[] = [];
    watcher.on('failed', ({ error }) => errors.push(error.message));
    await watcher.finished;
    assert.ok(told.events.includes('failed sub/a.png'));
    assert.match(String(errors[0]), /leads back into the input folder/);
    assert.equal(await filesBelow(place.input), ['sub/a.png']);
  }));

test('file names with newlines, emoji, quotes and 255 bytes', () =>
  withPlace(async (place) => {
    const names = [
      'line\nbreak.png',
      '\u{1f33b}\u{1f469}\u200d\u{1f680}.png',
      `it's "quoted" $(x) \\.png`,
      `${'é'.repeat(125)}x.png`,
    ];
    assert.is(Buffer.byteLength(String(names[3])), 255);
    for (const [seed, name] of names.entries()) await put(place.input, name, await png(seed));
    await put(place.input, `${'b'.repeat(251)}.png`, 'bad');
    await watchOnce(place, { originals: 'move' });
    assert.equal(await visibleFiles(place.output), [...names].sort());
    for (const [seed, name] of names.entries()) await put(place.input, name, await png(seed + 10));
    await watchOnce(place, { originals: 'move' });
    const outputs = await visibleFiles(place.output);
    assert.is(outputs.length, 8);
    assert.ok(outputs.includes(`${'é'.repeat(124)}-2.png`));
    assert.equal(
      (await filesBelow(join(place.input, '.error'))).map((name) => name.length),
      [255, 255],
    );
    assert.equal(await visibleFiles(place.input), []);
  }));

test.run();
