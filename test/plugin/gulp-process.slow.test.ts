// The example gulpfiles in processes of their own, as their first lines say: real gulp, real sharp, the real prior.
// That a process ends is part of the point: no handle may be left.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noisyPicture, withFolder } from './pictures.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const GULPFILES = ['gulpfile.mjs', 'gulpfile.cjs', 'gulpfile.ts'] as const;

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** Rejects when it does not end by itself. */
function run(gulpfile: string, folder: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const loader = gulpfile.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const gulp = [...loader, 'node_modules/gulp/bin/gulp.js', '-f', `examples/${gulpfile}`, '--cwd', '.'];
  const folders = { NOISY: join(folder, 'in'), DENOISED: join(folder, 'out'), SIGMA: '25' };
  const options = { cwd: root, env: { ...process.env, ...folders, ...env }, timeout: 120_000 };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, gulp, options, (_error, stdout, stderr) => {
      if (child.exitCode === null) reject(new Error(`did not end:\n${stdout}${stderr}`));
      else resolve({ code: child.exitCode, text: stdout + stderr });
    });
  });
}

async function picturesIn(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(join(folder, 'in'));
  for (const [seed, name] of names.entries())
    await writeFile(join(folder, 'in', name), await noisyPicture('png', { seed }));
}

for (const gulpfile of GULPFILES)
  test(`${gulpfile}: pictures are denoised, and the process ends`, () =>
    withFolder(async (folder) => {
      const names = ['a.png', 'b.png', 'c.png'];
      await picturesIn(folder, names);
      const { code, text } = await run(gulpfile, folder);
      assert.is(code, 0, text);
      if (gulpfile === 'gulpfile.ts')
        assert.match(text, /a\.png: [\d.]+ s\nb\.png: [\d.]+ s\nc\.png: [\d.]+ s\n/);
      assert.match(text, /^\[\d\d:\d\d:\d\d\] flow-denoise: Denoised 3 pictures in [\d.]+ s$/m);
      assert.not.match(text, /warning/i);
      assert.equal((await readdir(join(folder, 'out'))).sort(), names);
      for (const name of names) {
        const [before, after] = [join(folder, 'in', name), join(folder, 'out', name)];
        assert.not.equal(await readFile(after), await readFile(before));
        assert.is((await sharp(after).metadata()).width, 48);
      }
    }));

test('a bad file fails the build with its name, and the process ends', () =>
  withFolder(async (folder) => {
    await picturesIn(folder, ['a.png', 'c.png']);
    await writeFile(join(folder, 'in/b.png'), 'not a picture');
    const { code, text } = await run('gulpfile.cjs', folder);
    assert.is(code, 1, text);
    assert.match(text, /in plugin .*flow-denoise/);
    assert.match(text, join(folder, 'in/b.png'));
  }));

for (const [onError, names, words] of [
  ['skip', ['a.png', 'c.png'], 'Left out a file: '],
  ['pass', ['a.png', 'b.png', 'c.png'], 'Passed on a file as it was: '],
] as const)
  test(`onError '${onError}': the build goes on and says what became of the bad file`, () =>
    withFolder(async (folder) => {
      await picturesIn(folder, ['a.png', 'c.png']);
      await writeFile(join(folder, 'in/b.png'), 'not a picture');
      const { code, text } = await run('gulpfile.mjs', folder, { ON_ERROR: onError });
      assert.is(code, 0, text);
      assert.match(text, `${words}${join(folder, 'in/b.png')}: found text`);
      assert.equal((await readdir(join(folder, 'out'))).sort(), names);
      if (onError === 'pass') assert.is(await readFile(join(folder, 'out/b.png'), 'utf8'), 'not a picture');
    }));

test('an abort at work ends the build with its reason, writes nothing more, and the process ends', () =>
  withFolder(async (folder) => {
    await mkdir(join(folder, 'in'));
    const large = await noisyPicture('png', { width: 1500, height: 1500 });
    for (const name of ['a.png', 'b.png']) await writeFile(join(folder, 'in', name), large);
    const script = `
      import denoise from 'flow-denoise';
      import gulp from 'gulp';
      const stopping = new AbortController();
      const onProgress = () => stopping.abort(new Error('enough'));
      const task = () => gulp
        .src('*.png', { cwd: '${folder}/in', encoding: false })
        .pipe(denoise({ sigma: 25, method: 'posterior-mean', signal: stopping.signal, onProgress }))
        .pipe(gulp.dest('${folder}/out'));
      gulp.on('error', () => {}); // its command listens too
      gulp.series(task)((error) => console.log('ended', error.message));
    `;
    const text = await new Promise<string>((resolve, reject) => {
      const args = ['--input-type=module', '-e', script];
      const child = execFile(
        process.execPath,
        args,
        { cwd: root, timeout: 120_000 },
        (_error, stdout, stderr) => {
          if (child.exitCode === 0) resolve(stdout);
          else reject(new Error(`exit code ${child.exitCode}\n${stdout}${stderr}`));
        },
      );
    });
    assert.is(text, 'ended enough\n');
    assert.equal(await readdir(join(folder, 'out')).catch(() => []), []);
  }));

test('without a sigma the build says what is missing', () =>
  withFolder(async (folder) => {
    const { code, text } = await run('gulpfile.ts', folder, { SIGMA: 'none' });
    assert.is(code, 1, text);
    assert.match(text, /sigma/);
  }));

test.run();
