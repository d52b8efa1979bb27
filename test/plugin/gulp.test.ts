// The gulp step inside real gulp, with a denoiser that corrects nothing.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import gulp from 'gulp';
import PluginError from 'plugin-error';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { denoise } from '#src/plugin/gulp.js';
import { identityDenoiser } from './identity-denoiser.js';
import { noisyPicture, withFolder } from './pictures.js';

async function picturesIn(folder: string, names: readonly string[]): Promise<void> {
  for (const [seed, name] of names.entries()) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), await noisyPicture(name.endsWith('.png') ? 'png' : 'jpeg', { seed }));
  }
}

/** Builds as a gulpfile does; resolves to the errors of the step and of the task's last stream. */
async function build(step: NodeJS.ReadWriteStream, source: NodeJS.ReadableStream, out: string) {
  const errors: Error[] = [];
  const lastErrors: Error[] = [];
  step.on('error', (error: Error) => errors.push(error));
  // Where it has not ended yet, gulp.src is destroyed with the same error, which gulp's domain would catch.
  source.on('error', () => {});
  const last = source.pipe(step).pipe(gulp.dest(out));
  last.resume();
  await new Promise((resolve) => last.on('error', (error) => lastErrors.push(error)).on('close', resolve));
  await delay(20);
  return { errors, lastErrors };
}

const listed = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

test('a tree of pictures goes through gulp.src and gulp.dest', () =>
  withFolder(async (folder) => {
    const names = ['a.png', 'deep/er/b.jpg', 'deep/c.png', 'd.png', 'e.jpg'];
    await picturesIn(join(folder, 'in'), names);
    await writeFile(join(folder, 'in/style.css'), 'p { color: red }');
    const source = gulp.src('**/*', { cwd: join(folder, 'in'), encoding: false });
    const step = denoise({ sigma: 25, denoiser: identityDenoiser() });
    const { errors, lastErrors } = await build(step, source, join(folder, 'out'));
    assert.equal([...errors, ...lastErrors], []);
    assert.equal(await listed(join(folder, 'out')), await listed(join(folder, 'in')));
    assert.is(await readFile(join(folder, 'out/style.css'), 'utf8'), 'p { color: red }');
  }));

const SUMMARY =
  /^\[\d\d:\d\d:\d\d\] flow-denoise: Denoised 2 pictures in \d+(\.\d)? s \(1 left as clean, 1 failed\)$/;

/** Finds the first picture clean. */
function findingOneClean(): Denoiser {
  const denoiser = identityDenoiser();
  return {
    ...denoiser,
    async denoise(...args) {
      const isUnchanged = denoiser.begun() === 0;
      const { report, ...result } = await denoiser.denoise(...args);
      return { ...result, report: { ...report, isUnchanged } };
    },
  };
}

for (const silent of [false, true])
  test(`${silent ? 'silent: nothing' : 'a line that sums up'} is printed at the end`, () =>
    withFolder(async (folder) => {
      await picturesIn(join(folder, 'in'), ['a.png', 'b.png', 'c.png']);
      await writeFile(join(folder, 'in/bad.png'), 'not a picture');
      const printed: string[] = [];
      const log = console.log;
      console.log = (line: string) => printed.push(line);
      try {
        const step = denoise({ sigma: 25, denoiser: findingOneClean(), onError: 'skip', silent });
        step.on('fileError', () => {});
        await build(step, gulp.src('*', { cwd: join(folder, 'in'), encoding: false }), join(folder, 'out'));
      } finally {
        console.log = log;
      }
      const lines = printed.filter((line) => line.includes('flow-denoise'));
      assert.is(lines.length, silent ? 0 : 1);
      if (!silent) assert.match(lines[0] ?? '', SUMMARY);
    }));

test('{ buffer: false } is read', () =>
  withFolder(async (folder) => {
    await picturesIn(join(folder, 'in'), ['a.png']);
    const source = gulp.src('*.png', { cwd: join(folder, 'in'), encoding: false, buffer: false });
    const denoiser = identityDenoiser();
    const { errors } = await build(denoise({ sigma: 25, denoiser }), source, join(folder, 'out'));
    assert.equal(errors, []);
    assert.is(denoiser.begun(), 1);
    assert.equal(await listed(join(folder, 'out')), ['a.png']);
  }));

test('a bad file is one PluginError that names it, and fails the task', () =>
  withFolder(async (folder) => {
    const input = join(folder, 'in');
    await picturesIn(input, ['a.png', 'c.png']);
    await writeFile(join(input, 'b.png'), 'not a picture');
    const source = gulp.src('*.png', { cwd: input, encoding: false });
    const step = denoise({ sigma: 25, denoiser: identityDenoiser() });
    const { errors, lastErrors } = await build(step, source, join(folder, 'out'));
    assert.is(errors.length, 1);
    assert.equal(lastErrors, errors);
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
    const step = denoise({ sigma: 25, denoiser: identityDenoiser() });
    const { errors } = await build(step, source, join(folder, 'out'));
    const [error] = errors;
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
