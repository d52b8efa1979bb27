// The ledger on a real disk: what was written is read back, whatever ended the writing.
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Ledger, openLedger, type Settled } from '#src/plugin/watch/ledger.js';

const test = suite<{ path: string; folder: string }>('ledger', { path: '', folder: '' });
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  context.path = join(context.folder, 'ledger.jsonl');
});
test.after.each(({ folder }) => rm(folder, { recursive: true }));

const pathsOf = (ledger: Ledger) => ledger.all().map(({ path }) => path);
const noDamage = () => {
  throw new Error('it is not damaged');
};
const picture = (path: string) => ({ path, size: 1, mtimeMs: 1795472072779.8564, hash: 'h', options: 'o' });
const done = (path: string, output = path): Settled => ({
  state: 'done',
  ...picture(path),
  output,
  outputHash: 'r',
});

test('what was settled is known after a restart; what was begun only, is unsettled', async ({ path }) => {
  const ledger = await openLedger(path, noDamage);
  await ledger.begin({ ...picture('a'), output: 'a', outputHash: 'r' });
  await ledger.settle(done('a'));
  await ledger.begin({ ...picture('b\n"'), output: 'b', outputHash: 'r' });
  await ledger.settle({ state: 'failed', ...picture('c'), code: 'BAD_IMAGE', why: 'text' });
  await ledger.settle(done('d', 'd-2'));
  await ledger.forget('d');

  const again = await openLedger(path, noDamage);
  assert.equal(again.get('a'), done('a'));
  assert.is(again.get('c')?.state, 'failed');
  assert.equal(pathsOf(again), ['a', 'c']);
  assert.equal(
    again.unsettled().map((begun) => begun.path),
    ['b\n"'],
  );
});

test('cut anywhere, it has the lines before', async ({ path }) => {
  const ledger = await openLedger(path, noDamage);
  const names = Array.from({ length: 12 }, (_, i) => `${i}`);
  for (const name of names) await ledger.settle(done(name));
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length), async (length) => {
      await writeFile(path, whole.subarray(0, length));
      const cut = await openLedger(path, noDamage);
      const lines = whole.subarray(0, length).toString().split('\n').length - 1;
      assert.equal(pathsOf(cut), names.slice(0, lines));
      await cut.settle(done('new'));
      const next = await openLedger(path, noDamage);
      assert.equal(pathsOf(next), [...names.slice(0, lines), 'new']);
    }),
    { numRuns: 40, seed: 6 },
  );
});

test('a line that is no line: the others are kept, and the file as it was', async ({ path, folder }) => {
  const ledger = await openLedger(path, noDamage);
  await ledger.settle(done('a'));
  await appendFile(path, '{"state":"done","path":7}\n\u0000\u0000\n');
  await appendFile(path, `${JSON.stringify(done('b'))}\n`);
  const before = await readFile(path);
  const copies: string[] = [];
  const again = await openLedger(path, (copy) => copies.push(copy));
  assert.equal(pathsOf(again), ['a', 'b']);
  assert.is(copies.length, 1);
  assert.equal(await readFile(String(copies[0])), before);
  await openLedger(path, noDamage);
  assert.is((await readdir(folder)).length, 2);
});

test('many at a time, and again and again: the file does not grow without end', async ({ path }) => {
  const ledger = await openLedger(path, noDamage);
  for (let round = 0; round < 40; round++)
    await Promise.all(Array.from({ length: 60 }, (_, i) => ledger.settle({ ...done(`${i}`), size: round })));
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  assert.ok(lines.length < 60 * 4 + 1100, `${lines.length} lines`);
  const again = await openLedger(path, noDamage);
  assert.is(pathsOf(again).length, 60);
  for (const name of pathsOf(again)) assert.is(again.get(name)?.size, 39);
});

test('an empty file, and none', async ({ path }) => {
  await writeFile(path, '');
  await truncate(path);
  const ledger = await openLedger(path, noDamage);
  assert.equal(pathsOf(ledger), []);
});

test.run();
