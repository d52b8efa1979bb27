// --cache in the command: what is known costs no engine; `cache` tells what there is and removes it.
import { cp, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import cacache from 'cacache';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheContents, pruneCache } from '#src/plugin/result-cache.js';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const small = { width: 16, height: 16 };

test('a run of which all is known opens no engine, and writes the same bytes', () =>
  withFolder(async (cwd) => {
    await cp(fixtureFolder('conditioned'), join(cwd, 'prior'), { recursive: true });
    for (const seed of [1, 2])
      await writeFile(join(cwd, `${seed}.png`), await noisyPicture('png', { ...small, seed }));
    const run = (inputs: string[], out: string, ...more: string[]) =>
      command(
        [...inputs, '-o', out, '--sigma', '25', '--prior', './prior', '--cache=kept', '--json', ...more],
        { cwd },
      );
    const first = await run(['1.png'], 'a');
    assert.is(first.code, 0, first.stderr);
    assert.not.match(first.stderr, 'in the cache');
    const both = await run(['1.png', '2.png'], 'b');
    assert.match(both.stderr, /^1 of 2 results are in the cache$/m);
    assert.match(both.stderr, /^1 picture, /m);
    const cached = (stdout: string) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).report.isCached);
    assert.equal(cached(both.stdout), [true, false]);

    // No prior opens any more: its weights are gone.
    await truncate(join(cwd, 'prior/weights.safetensors'), 0);
    const known = await run(['1.png', '2.png'], 'c', '--report', 'report.html');
    assert.is(known.code, 0, known.stderr);
    assert.equal(cached(known.stdout), [true, true]);
    assert.match(known.stderr, /^2 of 2 results are in the cache$/m);
    for (const name of ['1.png', '2.png'])
      assert.equal(await readFile(join(cwd, 'c', name)), await readFile(join(cwd, 'b', name)));
    assert.match(await readFile(join(cwd, 'report.html'), 'utf8'), 'all results were in the cache');

    await writeFile(join(cwd, '3.png'), await noisyPicture('png', { ...small, seed: 3 }));
    const more = await run(['1.png', '3.png'], 'd');
    assert.is(more.code, 2);
    assert.match(more.stderr, 'weights.safetensors');
  }));

test('cache: what there is, removed by age, by size, altogether', () =>
  withFolder(async (cwd) => {
    const hour = 3600_000;
    const now = Date.now();
    const { now: clock } = Date;
    const keep = async (key: string, bytes: Buffer, age: number) => {
      Date.now = () => now - age;
      await cacache.put(join(cwd, 'kept'), key, bytes).finally(() => {
        Date.now = clock;
      });
    };
    const folder = join(cwd, 'kept');
    await keep('flow-denoise:old', Buffer.alloc(3000, 1), 50 * hour);
    await keep('flow-denoise:twin', Buffer.alloc(2000, 2), 30 * hour);
    await keep('flow-denoise:new', Buffer.alloc(2000, 2), hour);
    await keep('of somebody else', Buffer.alloc(5000, 3), 90 * hour);
    const told = await command(['cache', 'show', 'kept', '--json'], { cwd });
    const { results, bytes, oldest } = JSON.parse(told.stdout);
    assert.equal([results, bytes, oldest], [3, 7000, new Date(now - 50 * hour).toISOString()]);

    const aged = await command(['cache', 'prune', 'kept', '--older-than', '2d'], { cwd });
    assert.is(aged.code, 0, aged.stderr);
    assert.match(aged.stdout, /removed 1 result, 0\.0 MB/);
    assert.is((await cacheContents(folder)).results, 2);
    const sized = await command(['cache', 'prune', 'kept', '--max-size', '2.5kB'], { cwd });
    assert.match(sized.stdout, 'removed 1 result');
    // The twin's bytes are the new one's too.
    assert.equal((await cacache.get(folder, 'flow-denoise:new')).data, Buffer.alloc(2000, 2));
    const cleared = await command(['cache', 'clear', 'kept'], { cwd });
    assert.match(cleared.stdout, 'removed 1 result');
    assert.equal(Object.keys(await cacache.ls(folder)), ['of somebody else']);
    const left = (await filesBelow(folder)).filter((name) => !name.startsWith('tmp'));
    assert.is(left.length, 2, left.join());
    assert.equal(await pruneCache(folder, {}), { results: 0, bytes: 0 });
  }));

test('cache without a cache, and what it refuses', () =>
  withFolder(async (cwd) => {
    const { code, stdout } = await command(['cache', 'show', 'nowhere'], { cwd });
    assert.equal([code, /nowhere: 0 results, 0\.0 MB\n$/.test(stdout)], [0, true]);
    assert.equal(await readdir(cwd), []);
    for (const [words, message] of [
      ['prune', /--older-than or --max-size; cache clear/],
      ['prune --older-than soon', /12h, 30d or 4w.*'soon'/],
      ['prune --max-size 3', /500MB or 2GB.*'3'/],
    ] as const) {
      const refused = await command(['cache', ...words.split(' ')], { cwd });
      assert.is(refused.code, 2);
      assert.match(refused.stderr, message);
    }
  }));

test.run();
