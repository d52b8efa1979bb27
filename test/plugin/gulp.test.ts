// The gulp step inside real gulp, with a denoiser that corrects nothing.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import gulp from 'gulp';
import PluginError from 'plugin-error';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DenoisedFile } from '#src/plugin/denoise-stream.js';
import { denoise } from '#src/plugin/gulp.js';
import { identityDenoiser } from './identity-denoiser.js';
import { noisyPicture, withFolder } from './pictures.js';

async function picturesIn(folder: string, names: readonly string[]): Promise<void> {
  for (const [seed, name] of names.entries()) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), await noisyPicture(name.endsWith('.png') ? 'png' : 'jpeg', { seed }));
  }
}

/** All errors of the step; what reached `out` is on disk. */
function build(step: NodeJS.ReadWriteStream, source: NodeJS.ReadableStream, out: string): Promise<Error[]> {
  return new Promise((resolve, reject) => {
    const errors: Error[] = [];
    step.on('error', (error: Error) => errors.push(error)).on('close', () => setTimeout(resolve, 50, errors));
    const files: DenoisedFile[] = [];
    source
      .pipe(step)
      .on('data', (file: DenoisedFile) => files.push(file))
      .pipe(gulp.dest(out))
      .on('error', reject)
      .on('finish', () => resolve(errors));
  });
}

test('a tree of pictures goes through gulp.src and gulp.dest', () =>
  withFolder(async (folder) => {
    const names = ['a.png', 'deep/er/b.jpg', 'deep/c.png', 'd.png', 'e.jpg'];
    await picturesIn(join(folder, 'in'), names);
    await writeFile(join(folder, 'in/style.css'), 'p { color: red }');
    const source = gulp.src('**/*', { cwd: join(folder, 'in'), encoding: false });
    const errors = await build(
      denoise({ sigma: 25, denoiser: identityDenoiser() }),
      source,
      join(folder, 'out'),
    );
    assert.equal(errors, []);
    const listed = async (root: string) => (await readdir(join(folder, root), { recursive: true })).sort();
    assert.equal(await listed('out'), await listed('in'));
    assert.is(await readFile(join(folder, 'out/style.css'), 'utf8'), 'p { color: red }');
  }));

test('{ buffer: false } is read', () =>
  withFolder(async (folder) => {
    await picturesIn(join(folder, 'in'), ['a.png']);
    const source = gulp.src('*.png', { cwd: join(folder, 'in'), encoding: false, buffer: false });
    const denoiser = identityDenoiser();
    assert.equal(await build(denoise({ sigma: 25, denoiser }), source, join(folder, 'out')), []);
    assert.is(denoiser.begun(), 1);
    assert.equal(await readdir(join(folder, 'out')), ['a.png']);
  }));

test('a bad file is one PluginError that names it', () =>
  withFolder(async (folder) => {
    const input = join(folder, 'in');
    await picturesIn(input, ['a.png', 'c.png']);
    await writeFile(join(input, 'b.png'), 'not a picture');
    const source = gulp.src('*.png', { cwd: input, encoding: false });
    const errors = await build(
      denoise({ sigma: 25, denoiser: identityDenoiser() }),
      source,
      join(folder, 'out'),
    );
    assert.is(errors.length, 1);
    const [error] = errors as (PluginError & { code?: string })[];
    assert.instance(error, PluginError);
    assert.is(error?.plugin, 'flow-denoise');
    assert.is(error?.code, 'BAD_IMAGE');
    assert.is(error?.fileName, join(input, 'b.png'));
  }));

test('a picture read as text is told to use { encoding: false }', () =>
  withFolder(async (folder) => {
    await picturesIn(folder, ['a.png']);
    const source = gulp.src('*.png', { cwd: folder });
    const [error] = await build(
      denoise({ sigma: 25, denoiser: identityDenoiser() }),
      source,
      join(folder, 'out'),
    );
    assert.instance(error, PluginError);
    assert.match(String(error?.message), '{ encoding: false }');
  }));

test('a wrong option is a PluginError at once', () => {
  assert.throws(
    () => denoise({ sigma: 1000 }),
    (error: unknown) => error instanceof PluginError && /sigma/.test(error.message),
  );
});

test.run();
