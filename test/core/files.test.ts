// The walk of a folder and the lock of one, as everything above core shares them.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { filesBelow, isBelow } from '#src/core/files.js';
import { lockFolder } from '#src/core/lock.js';
import { makeUnreadable } from '../cli/command.js';

const test = suite<{ folder: string }>('files');
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-files-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

test('files at any depth, through links but in no circle, without hidden ones', async ({ folder }) => {
  await mkdir(join(folder, 'a', 'b'), { recursive: true });
  await mkdir(join(folder, '.hidden'));
  for (const name of ['x.png', 'a/line\nbreak.png', 'a/b/y.png', '.z.png', '.hidden/z.png'])
    await writeFile(join(folder, name), '');
  await symlink(folder, join(folder, 'a', 'circle'));
  await symlink(join(folder, 'a', 'b'), join(folder, 'other'));
  await symlink(join(folder, 'nowhere'), join(folder, 'dead.png'));
  assert.equal((await filesBelow(folder)).sort(), ['a/b/y.png', 'a/line\nbreak.png', 'other/y.png', 'x.png']);
});

test('a folder that cannot be read is named', async ({ folder }) => {
  const error = await filesBelow(join(folder, 'nowhere')).catch((reason: unknown) => reason);
  assert.match(String(error), /nowhere: cannot be read \(ENOENT\)\. Expected a folder/);
});

test('a folder inside that cannot be read is named, and left out if the caller wants it', async ({
  folder,
}) => {
  await writeFile(join(folder, 'x.png'), '');
  if (!(await makeUnreadable(folder))) return;
  const named = /bad\ufffd: cannot be read \(ENOENT\)/;
  const error = await filesBelow(folder).catch((reason: unknown) => reason);
  assert.match(String(error), named);
  const told: string[] = [];
  assert.equal(await filesBelow(folder, (each) => told.push(each.message)), ['x.png']);
  assert.is(told.length, 1);
  assert.match(String(told[0]), named);
});

test('below is inside, not the folder itself nor one whose name begins alike', () => {
  assert.is(isBelow('/a/b/c', '/a/b'), true);
  assert.is(isBelow('/a/b', '/a/b'), false);
  assert.is(isBelow('/a/bc', '/a/b'), false);
  assert.is(isBelow('/a/b/..c', '/a/b'), true);
});

test('one holds the lock of a folder at a time', async ({ folder }) => {
  const release = await lockFolder(folder, () => {});
  assert.is(await lockFolder(folder, () => {}), undefined);
  assert.is(await release?.(), true);
  const again = await lockFolder(folder, () => {});
  assert.is(await again?.(), true);
});

test.run();
