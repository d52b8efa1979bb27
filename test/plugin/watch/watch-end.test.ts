// How a watched folder ends, or does not begin: refusals, an abort, closing, and what goes wrong on the way.
import { chmod, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { filesBelow } from '../../cli/command.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { failureOf } from '../through.js';
import { png, put, temporaryFiles, visibleFiles, watching, watchOnce, withPlace } from './watching.js';

test('refused: folders that hold one another, an input that is no folder, wrong options', () =>
  withPlace(async (place) => {
    await mkdir(join(place.root, 'elsewhere'));
    await symlink(join(place.input), join(place.root, 'elsewhere/link'));
    await put(place.root, 'file', '');
    for (const [input, output] of [
      ['in', 'in'],
      ['in', 'in/out'],
      ['in', '.'],
      ['in', 'elsewhere/link/out'],
      ['in', 'elsewhere/link'],
    ] as const) {
      const watcher = watching({
        ...place,
        input: join(place.root, input),
        output: join(place.root, output),
      });
      const error = await failureOf(watcher.watcher.finished);
      assert.match(error.message, /one inside the other/, output);
    }
    for (const input of ['file', 'nowhere'])
      assert.match(
        (await failureOf(watching({ ...place, input: join(place.root, input) }).watcher.finished)).message,
        input,
      );
    for (const [option, value] of [
      ['settle', -1],
      ['originals', 'burn'],
      ['existing', 'replace'],
      ['poll', 1],
      ['rescan', 'never'],
      ['colour', 1],
      ['prior', 'natural'],
    ])
      assert.throws(() => watching(place, { [String(option)]: value }), new RegExp(String(option)));
    assert.equal(await filesBelow(place.root), ['file']);
  }));

test('aborted: within the work, its reason, nothing half done; the next run does it', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    const stopping = new AbortController();
    const { watcher, told } = watching(place, {
      denoiser: identityDenoiser(() => 60_000),
      signal: stopping.signal,
    });
    await told.until('taken a.png');
    const reason = new Error('enough');
    stopping.abort(reason);
    assert.is(await failureOf(watcher.finished), reason);
    assert.equal(await visibleFiles(place.output), []);
    assert.equal(await temporaryFiles(place), []);
    const before = watching(place, { signal: AbortSignal.abort(reason) });
    assert.is(await failureOf(before.watcher.finished), reason);
    assert.equal(await watchOnce(place), ['ready', 'taken a.png', 'done a.png', 'idle']);
  }));

test('close: what is in work is finished, what waits is not begun', () =>
  withPlace(async (place) => {
    for (const seed of [1, 2, 3, 4]) await put(place.input, `${seed}.png`, await png(seed));
    const denoiser = identityDenoiser(() => 300);
    const { watcher, told } = watching(place, { denoiser });
    await told.until('taken 1.png');
    const { done } = await watcher.close();
    assert.ok(done >= 1 && done <= 2, String(done));
    assert.is(denoiser.begun(), done);
    assert.not(denoiser.isClosed(), 'a denoiser that was given stays open');
    assert.is((await visibleFiles(place.output)).length, done);
    assert.is((await watchOnce(place)).filter((event) => event.startsWith('done')).length, 4 - done);
  }));

test('no more pictures in work than concurrency says, and every one of many', () =>
  withPlace(async (place) => {
    for (let seed = 0; seed < 40; seed++) await put(place.input, `${seed % 4}/${seed}.png`, await png(seed));
    const denoiser = identityDenoiser(() => 10);
    let most = 0;
    const { watcher } = watching(place, { once: true, denoiser, concurrency: 3 });
    watcher.on('taken', () => {
      most = Math.max(most, denoiser.inWork() + 1);
    });
    assert.equal(await watcher.finished, { done: 40, failed: 0, skipped: 0 });
    assert.is(most, 3);
  }));

test('the watched folder goes away: an error says so', () =>
  withPlace(async (place) => {
    const { watcher, told } = watching(place, { rescan: 500 });
    await told.until('idle');
    const failure = failureOf(watcher.finished);
    await rm(place.input, { recursive: true });
    assert.match((await failure).message, /the watched folder is gone/);
  }));

test('an engine that fails: the picture is tried again; three of them end the watcher, with nothing recorded', () =>
  withPlace(async (place) => {
    const broken = () => {
      throw new FlowDenoiseError('ENGINE_FAILED', 'the engine stopped');
    };
    const identity = identityDenoiser();
    let failures = 2;
    const denoiser = {
      ...identity,
      denoise: (...args: Parameters<typeof identity.denoise>) =>
        failures-- > 0 ? broken() : identity.denoise(...args),
    } as typeof identity;
    await put(place.input, 'a.png', await png(1));
    const { watcher, told } = watching(place, { denoiser, rescan: 150, originals: 'move' });
    await told.until('done a.png');
    await watcher.close();
    assert.is(told.events.filter((event) => event === 'failed a.png').length, 2);

    failures = 3;
    await put(place.input, 'b.png', await png(2));
    const poison = watching(place, { denoiser, rescan: 150, originals: 'move' });
    await poison.told.until('idle', 3);
    await poison.watcher.close();
    assert.ok(
      (await filesBelow(place.input)).includes('.error/b.png.txt'),
      'after three times it is the picture',
    );

    failures = 99;
    for (const seed of [3, 4, 5]) await put(place.input, `${seed}.png`, await png(seed));
    const ended = watching(place, { denoiser, originals: 'move' });
    assert.match((await failureOf(ended.watcher.finished)).message, /in\/[345]\.png: the engine stopped$/);
    assert.equal(await visibleFiles(place.input), ['3.png', '4.png', '5.png']);
  }));

test('a file that may not be read fails when patience is over', async () => {
  if (process.getuid?.() === 0) {
    console.log('\nSKIP a file that may not be read: root may read anything');
    return;
  }
  await withPlace(async (place) => {
    await chmod(await put(place.input, 'a.png', await png(1)), 0);
    assert.equal(await watchOnce(place), ['ready', 'failed a.png', 'idle']);
  });
});

test('an exception in a listener ends the watcher, not silently', () =>
  withPlace(async (place) => {
    await put(place.input, 'a.png', await png(1));
    const { watcher } = watching(place, { once: true });
    watcher.on('done', () => {
      throw new Error('mine');
    });
    assert.is((await failureOf(watcher.finished)).message, 'mine');
    assert.ok((await stat(join(place.output, 'a.png'))).size > 0);
    assert.equal(await temporaryFiles(place), []);
    for (const event of ['ready', 'idle'] as const) {
      const other = watching(place).watcher;
      other.on(event, () => {
        throw new Error(event);
      });
      assert.is((await failureOf(other.finished)).message, event);
    }
  }));

test.run();
