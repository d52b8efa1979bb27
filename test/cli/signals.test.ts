// What could keep the command from ending: named pipes, a configuration that never ends, a terminal that closes.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readRegularFile } from '#src/core/files.js';
import { fixtureFolder } from '../core/fixture.js';
import { noisyPicture, withFolder } from '../plugin/pictures.js';
import { command, filesBelow } from './command.js';

const RUN = ['--sigma', '25', '--method', 'posterior-mean', '--engine', 'onnx', '--no-config'];

/** A folder with a named pipe that nobody writes to, where the system has them. */
function withPipe(use: (cwd: string) => Promise<void>): Promise<void> {
  return withFolder(async (cwd) => {
    if (process.platform === 'win32') return console.log('SKIP named pipes: Windows has none in folders');
    await mkdir(join(cwd, 'in'));
    execFileSync('mkfifo', [join(cwd, 'in/pipe.png')]);
    await use(cwd);
  });
}

test('a named pipe as the input, for the run, a preview, standard output or a map is refused at once', () =>
  withPipe(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    for (const args of [
      ['in/pipe.png', '-o', 'out'],
      ['in/pipe.png', '-o', 'out', '--dry-run'],
      ['in/pipe.png', '-o', 'out.png', '--preview'],
      ['in/pipe.png', '-o', '-'],
      ['a.png', '-o', 'out', '--sigma-map', 'in/pipe.png'],
    ]) {
      const isMap = args.includes('--sigma-map');
      const { code, signal, stderr } = await command([...args, ...(isMap ? RUN.slice(2) : RUN)], { cwd });
      assert.is(signal, null, `${args.join(' ')} did not end`);
      assert.ok(code === 1 || code === 2, stderr);
      assert.match(stderr, /in\/pipe\.png: found a named pipe, expected a file\./);
    }
    assert.equal(await filesBelow(join(cwd, 'out')), []);
  }));

test('a named pipe in a folder is passed over', () =>
  withPipe(async (cwd) => {
    await writeFile(join(cwd, 'in/a.png'), await noisyPicture('png'));
    const { code, stderr } = await command(['in', '-o', 'out', ...RUN], { cwd });
    assert.is(code, 0, stderr);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.png']);
  }));

test("a named pipe or a device as a prior's description, its card or the file of options is not waited for", () =>
  withPipe(async (cwd) => {
    const pipe = join(cwd, 'in/pipe.png');
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const prior = join(cwd, 'prior');
    await cp(fixtureFolder('conditioned'), prior, { recursive: true });
    await symlink(pipe, join(prior, 'README.md'));
    assert.is((await command(['priors', 'show', prior], { cwd })).code, 0);
    await symlink(pipe, join(cwd, 'options.json'));
    const optionsFile = await command(['a.png', '-o', 'out', '--config', 'options.json'], { cwd });
    assert.match(optionsFile.stderr, /options\.json: found a named pipe, expected a file/);
    for (const [target, kind] of [
      [pipe, 'named pipe'],
      ['/dev/zero', 'device'],
    ] as const) {
      await rm(join(prior, 'model.json'));
      await symlink(target, join(prior, 'model.json'));
      const { code, stderr } = await command(['a.png', '-o', 'out', '--prior', prior, ...RUN], { cwd });
      assert.is(code, 2, stderr);
      assert.match(stderr, `model.json: found a ${kind}, expected a file`);
    }
  }));

test('pipes, folders and devices are no regular files', () =>
  withPipe(async (cwd) => {
    const refusal = (path: string) => readRegularFile(path).then(String, (error: Error) => error.message);
    assert.match(await refusal(join(cwd, 'in/pipe.png')), /found a named pipe, expected a file/);
    assert.match(await refusal(join(cwd, 'in')), /found a folder, expected a file/);
    assert.match(await refusal('/dev/zero'), /found a device, expected a file/);
    await writeFile(join(cwd, 'a'), 'abc');
    assert.is(String(await readRegularFile(join(cwd, 'a'))), 'abc');
  }));

for (const [what, program] of [
  ['a loop', "process.stderr.write('begun\\n'); for (;;);"],
  ['a wait', "process.stderr.write('begun\\n'); await new Promise(() => setInterval(() => {}, 1e6));"],
] as const)
  test(`a configuration that never ends (${what}) ends by a signal`, () =>
    withFolder(async (cwd) => {
      if (process.platform === 'win32') return console.log('SKIP signals: Windows has none');
      await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
      await writeFile(join(cwd, 'flow-denoise.config.mjs'), `${program}\nexport default {};`);
      const { signal, stdout } = await command(['a.png', '-o', 'out'], {
        cwd,
        during: (child) => {
          child.stderr?.once('data', () => child.kill('SIGINT'));
          const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
          child.once('exit', () => clearTimeout(late));
        },
      });
      assert.is(signal, 'SIGINT');
      assert.is(stdout, '');
      assert.equal(await filesBelow(join(cwd, 'out')), []);
    }));

test('a terminal that closes (SIGHUP) ends it with 129, and no temporary file is left', () =>
  withFolder(async (cwd) => {
    if (process.platform === 'win32') return console.log('SKIP signals: Windows has none');
    await mkdir(join(cwd, 'in'));
    await writeFile(join(cwd, 'in/0.png'), await noisyPicture('png'));
    await writeFile(join(cwd, 'in/1.png'), await noisyPicture('png', { width: 1500, height: 1500 }));
    const { code, stderr } = await command(['in', '-o', 'out', '--sigma', '25', '--json', '--quiet'], {
      cwd,
      during: (child) => child.stdout?.once('data', () => child.kill('SIGHUP')),
    });
    assert.is(code, 129, stderr);
    assert.match(stderr, 'stopped');
    assert.equal(await filesBelow(join(cwd, 'out')), ['0.png']);
  }));

test.run();
