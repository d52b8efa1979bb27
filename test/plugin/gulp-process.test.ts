// examples/gulpfile.ts in a process of its own, as its first lines say: real gulp, real sharp, the real prior.
// That the process ends is the point: no handle may be left.
import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noisyPicture, withFolder } from './pictures.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const gulp = ['--import', 'tsx', 'node_modules/gulp/bin/gulp.js', '-f', 'examples/gulpfile.ts', '--cwd', '.'];

interface Ended {
  readonly code: number;
  readonly text: string;
}

/** Rejects when it does not end by itself. */
function run(folder: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const folders = { NOISY: join(folder, 'in'), DENOISED: join(folder, 'out') };
  const options = { cwd: root, env: { ...process.env, ...folders, ...env }, timeout: 120_000 };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, gulp, options, (_error, stdout, stderr) => {
      if (child.exitCode === null) reject(new Error(`did not end:\n${stdout}${stderr}`));
      else resolve({ code: child.exitCode, text: stdout + stderr });
    });
  });
}

test('pictures are denoised, and the process ends', () =>
  withFolder(async (folder) => {
    await mkdir(join(folder, 'in'));
    for (const [seed, name] of ['a.png', 'b.png', 'c.png'].entries())
      await writeFile(join(folder, 'in', name), await noisyPicture('png', { seed }));
    const { code, text } = await run(folder);
    assert.is(code, 0, text);
    assert.match(text, /a\.png: [\d.]+ s\nb\.png: [\d.]+ s\nc\.png: [\d.]+ s\n/);
    assert.equal((await readdir(join(folder, 'out'))).sort(), ['a.png', 'b.png', 'c.png']);
  }));

test('a bad file fails the build with its name, and the process ends', () =>
  withFolder(async (folder) => {
    await mkdir(join(folder, 'in'));
    await writeFile(join(folder, 'in/a.png'), await noisyPicture('png'));
    await writeFile(join(folder, 'in/b.png'), 'not a picture');
    const { code, text } = await run(folder);
    assert.is(code, 1, text);
    assert.match(text, /in plugin .*flow-denoise/);
    assert.match(text, join(folder, 'in/b.png'));
  }));

test('without a sigma the build says what is missing', () =>
  withFolder(async (folder) => {
    const { code, text } = await run(folder, { SIGMA: 'none' });
    assert.is(code, 1, text);
    assert.match(text, /sigma/);
  }));

test.run();
