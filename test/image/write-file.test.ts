// A file is written whole or not at all, and nothing else is left behind.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import { writeFileAtomic } from '#src/core/files.js';

const test = suite<{ folder: string }>('write file', { folder: '' });
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true }));

const bytes = Buffer.from('the whole content');

test('makes folders, replaces a file, leaves only it', async ({ folder }) => {
  const path = join(folder, 'a', 'b', 'out.png');
  await writeFileAtomic(path, Buffer.from('old'));
  await writeFileAtomic(path, bytes);
  assert.deepEqual(await readFile(path), bytes);
  assert.deepEqual(await readdir(join(folder, 'a', 'b')), ['out.png']);
});

test('many writers of one path: one of them wins whole', async ({ folder }) => {
  const path = join(folder, 'out');
  const contents = Array.from({ length: 8 }, (_, i) => Buffer.alloc(100_000, i));
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
  const written = await readFile(path);
  assert.ok(contents.some((content) => content.equals(written)));
  assert.deepEqual(await readdir(folder), ['out']);
});

test('a folder in the way: WRITE_FAILED names the path, nothing is left', async ({ folder }) => {
  const path = join(folder, 'out.png');
  await mkdir(join(path, 'inside'), { recursive: true });
  await assert.rejects(writeFileAtomic(path, bytes), (error: unknown) => {
    const { code, message } = error as { code: string; message: string };
    assert.equal(code, 'WRITE_FAILED');
    return message.startsWith(`${path}: `);
  });
  assert.deepEqual(await readdir(folder), ['out.png']);
});

test('a file where a folder is needed: WRITE_FAILED, the file as it was', async ({ folder }) => {
  const file = join(folder, 'file');
  await writeFile(file, 'mine');
  await assert.rejects(writeFileAtomic(join(file, 'out.png'), bytes), { code: 'WRITE_FAILED' });
  assert.equal(await readFile(file, 'utf8'), 'mine');
});

test('aborted before or during: the reason, the old file, nothing else', async ({ folder }) => {
  const path = join(folder, 'out');
  await writeFile(path, 'old');
  const reason = new Error('stop');
  await assert.rejects(writeFileAtomic(path, bytes, { signal: AbortSignal.abort(reason) }), reason);
  const controller = new AbortController();
  const writing = writeFileAtomic(path, Buffer.alloc(20_000_000), { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(writing, reason);
  assert.equal(await readFile(path, 'utf8'), 'old');
  assert.deepEqual(await readdir(folder), ['out']);
});

test.run();
