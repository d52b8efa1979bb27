// Options from a file: found upwards, flags win, names are checked, the source is told.
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkedArguments, commandShape } from '#src/cli/arguments.js';
import { applyConfig, configShape } from '#src/cli/config-file.js';
import { sensorShape } from '#src/cli/noise-flags.js';
import { addFlags } from '#src/cli/option-flags.js';
import { fixtureFolder } from '../core/fixture.js';
import { noisyPicture, withFolder } from '../plugin/pictures.js';
import { command, filesBelow } from './command.js';

const FAST = ['--method', 'posterior-mean', '--engine', 'onnx', '--prior', fixtureFolder('conditioned')];

async function inProject(
  files: Readonly<Record<string, string>>,
  use: (cwd: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (cwd) => {
    await mkdir(join(cwd, 'sub'));
    await writeFile(join(cwd, 'sub/a.png'), await noisyPicture('png'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
    await use(cwd);
  });
}

test('found above, its paths are its own folder’s, and flags win', () =>
  inProject(
    { 'flow-denoise.config.json': '{ "sigma": 20, "output": "clean", "settle": 100 }' },
    async (root) => {
      const cwd = join(root, 'sub');
      const first = await command(['a.png', ...FAST, '--json'], { cwd });
      assert.is(first.code, 0, first.stderr);
      assert.match(first.stderr, /^options from \.\.\/flow-denoise\.config\.json: sigma 20, output clean$/m);
      assert.is(JSON.parse(first.stdout).report.sigma, 20);
      assert.equal(await filesBelow(join(root, 'clean')), ['a.png']);
      const second = await command(['a.png', '--suffix', '-x', '--sigma', '30', ...FAST, '--json'], { cwd });
      assert.is(second.code, 0, second.stderr);
      assert.not.match(second.stderr, 'options from');
      assert.is(JSON.parse(second.stdout).report.sigma, 30);
      assert.equal(await filesBelow(cwd), ['a-x.png', 'a.png']);
      const none = await command(['a.png', '--no-config', ...FAST], { cwd });
      assert.is(none.code, 2);
      assert.match(none.stderr, '--output <folder>');
    },
  ));

/** The options of `run` that come from a file beside these arguments. */
async function fromFile(path: string, typed: readonly string[], options: object) {
  await writeFile(path, JSON.stringify(options));
  const run = addFlags(new Command('run').argument('<inputs...>'), {
    ...commandShape,
    ...sensorShape,
    ...configShape,
  }).parse(['--quiet', '--config', path, ...typed], { from: 'user' });
  await applyConfig(run, [run]);
  const all = run.opts();
  const read = Object.keys(options).filter((key) => run.getOptionValueSource(key) === 'config');
  return { read, all, check: () => checkedArguments(run.args, all) };
}

test('an option of the file is left out only if a flag excludes it', () =>
  withFolder(async (cwd) => {
    const work = { cache: true, preset: 'best', json: true, output: 'clean' };
    const inPlace = { inPlace: true, backup: true };
    const sensor = { gain: 2, offset: 1, sigma: 4 };
    const cases: readonly (readonly [string, object, string])[] = [
      ['a.png --in-place', { ...inPlace, output: 'clean', format: 'png' }, 'backup'],
      ['a.png --backup', { ...inPlace, suffix: '-x', overwrite: true }, 'inPlace'],
      ['a.png -o out', { ...inPlace, quality: 90 }, 'quality'],
      ['a.png -o out --format webp', inPlace, ''],
      ['a.png --suffix -x', { output: 'clean', overwrite: true }, 'overwrite'],
      ['a.png --method beta-map', work, 'cache,json,output'],
      ['a.png --beta 3', work, 'cache,json,output'],
      ['a.png --beta auto', work, 'cache,preset,json,output'],
      ['a.png --preset fast', { beta: 3, ensemble: 4, output: 'clean' }, 'output'],
      ['a.png --time-budget 5min', work, 'cache,json,output'],
      ['a.png --preview', work, 'preset,json,output'],
      ['a.png -o out --preview', inPlace, ''],
      ['a.png --dry-run', { preview: true, output: 'clean' }, 'output'],
      ['-', work, 'cache,preset'],
      ['-', { preview: true, json: false, ...inPlace }, 'json'],
      ['a.png -o -', { ...work, suffix: '-x', report: 'r.html' }, 'cache,preset'],
      ['a.png -o out --sigma 9', { sigmaMap: 'm.png', noise: 'profile.json' }, ''],
      ['a.png -o out --sigma-map m.png', { ...sensor, cache: true, noise: 'gaussian' }, 'noise'],
      ['a.png -o out --noise gaussian', sensor, 'sigma'],
      ['a.png -o out --gain 3', { ...sensor, noise: 'profile.json' }, 'offset,sigma'],
    ];
    for (const [typed, options, expected] of cases) {
      const { read, check } = await fromFile(join(cwd, 'c.json'), typed.split(' '), options);
      assert.is(read.join(), expected, typed);
      await check();
    }
    const { read } = await fromFile(join(cwd, 'c.json'), ['a.png', '--noise', 'profile.json'], sensor);
    assert.equal(read, []);
  }));

test('a prior in the file is a path from its folder, or a shipped one’s name', () =>
  withFolder(async (cwd) => {
    for (const name of ['own', 'natural', 'priors/own']) {
      await mkdir(join(cwd, name), { recursive: true });
      await writeFile(join(cwd, name, 'model.json'), '{}');
    }
    const priorOf = async (prior: string) =>
      (await fromFile(join(cwd, 'c.json'), ['a.png'], { prior })).all.prior;
    for (const path of ['own', 'priors/own', './natural', 'not/there', '.', '..'])
      assert.is(await priorOf(path), relative('', join(cwd, path)), path);
    for (const name of ['natural', 'auto', 'unknown']) assert.is(await priorOf(name), name);
    const before = process.cwd();
    process.chdir(cwd);
    try {
      assert.is(await priorOf('./natural'), './natural');
    } finally {
      process.chdir(before);
    }
  }));

test('--in-place keeps the backup that the file asks for', () =>
  inProject(
    { 'flow-denoise.config.json': '{ "backup": true, "sigma": 20, "output": "clean" }' },
    async (cwd) => {
      const { code, stderr } = await command(['sub/a.png', '--in-place', ...FAST], { cwd });
      assert.is(code, 0, stderr);
      assert.match(stderr, /^options from flow-denoise\.config\.json: backup true, sigma 20$/m);
      assert.equal(await filesBelow(join(cwd, 'sub')), ['a.png', 'a.png.orig']);
    },
  ));

test('a key that is nearly an option is told which', () =>
  inProject({ 'flow-denoise.config.json': '{ "sigmamap": "m.png", "qualty": "fast" }' }, async (cwd) => {
    const { code, stderr } = await command(['sub/a.png', '-o', 'out'], { cwd });
    assert.is(code, 2);
    assert.match(stderr, /found sigmamap \(did you mean sigmaMap\?\), qualty \(did you mean quality\?\)$/m);
    assert.not.match(stderr, /concurrency/);
  }));

test('modules, by name', () =>
  inProject(
    {
      'one.mjs':
        "export default { sigma: 25, output: 'out', quiet: true, method: undefined, colour: undefined };",
      'flow-denoise.config.js': 'module.exports = { sigma: 25, format: "webp", output: "out" };',
    },
    async (cwd) => {
      const named = await command(['sub/a.png', '--config', 'one.mjs', ...FAST], { cwd });
      assert.equal([named.code, named.stderr], [0, '']);
      const found = await command(['sub/a.png', ...FAST], { cwd });
      assert.is(found.code, 0, found.stderr);
      assert.equal(await filesBelow(join(cwd, 'out')), ['a.png', 'a.webp']);
    },
  ));

test('TypeScript where Node reads it, or a clear refusal', () =>
  inProject(
    { 'flow-denoise.config.ts': "const output: string = 'out';\nexport default { output, sigma: 25 };" },
    async (cwd) => {
      const { code, stderr } = await command(['sub/a.png', ...FAST], { cwd });
      const reads = Boolean((process.features as { typescript?: unknown }).typescript);
      assert.is(code, reads ? 0 : 2, stderr);
      if (!reads)
        assert.match(stderr, /^flow-denoise: flow-denoise\.config\.ts: Node v.*Node 22\.18 or later/);
    },
  ));

test('what is wrong in a file is named', () =>
  inProject(
    {
      'key.json': '{ "sigma": 25, "colour": true }',
      'value.json': '{ "sigma": "loud", "output": "out" }',
      'broken.json': '{ "sigma": ',
      'list.json': '[1]',
      'throws.mjs': "throw new Error('no luck');",
    },
    async (cwd) => {
      const refusals: readonly (readonly [string, RegExp])[] = [
        ['key.json', /^flow-denoise: key\.json: expected the options .*sigma.* but found colour$/m],
        ['value.json', /sigma.*'loud'/],
        ['broken.json', /broken\.json: cannot be read/],
        ['list.json', /list\.json: expected an object/],
        ['throws.mjs', /throws\.mjs: cannot be read \(no luck\)/],
        ['nowhere.json', /nowhere\.json: cannot be read/],
      ];
      for (const [file, message] of refusals) {
        const { code, stdout, stderr } = await command(['sub/a.png', '--config', file], { cwd });
        assert.equal([code, stdout], [2, ''], stderr);
        assert.match(stderr, message);
      }
      await writeFile(join(cwd, 'sub/flow-denoise.config.json'), '{ "sigma": ');
      const found = await command(['a.png'], { cwd: join(cwd, 'sub') });
      assert.is(found.code, 2);
      assert.match(found.stderr, /^flow-denoise: flow-denoise\.config\.json: cannot be read/);
      const watch = await command(['watch', 'sub', '--once'], { cwd });
      assert.is(watch.code, 2);
      assert.match(watch.stderr, 'Pass --output <folder>');
    },
  ));

test.run();
