// The functions that Node 23 removed: put back as they were documented, in a process that lacks them, and no others
// than the package calls.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { REMOVED_UTIL } from '#src/core/engine/packages/tensorflow-package.js';
import { packageFile } from './installed.js';

const MODULE = new URL('../../dist/core/engine/packages/tensorflow-package.js', import.meta.url).href;
const NAMES = Object.keys(REMOVED_UTIL);

/** What a program prints as JSON, in a process whose util lacks the functions named. */
function withoutUtil(names: readonly string[], program: string): unknown {
  const source = `
    import util from 'node:util';
    for (const name of ${JSON.stringify(names)}) delete util[name];
    const { restoreRemovedUtil } = await import(${JSON.stringify(MODULE)});
    ${program}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-deprecation', '--input-type=module', '-e', source],
    { encoding: 'utf8' },
  );
  assert.is(status, 0, stderr);
  return JSON.parse(stdout);
}

test('what is missing is put back, for require too', () => {
  const program = `
    import { createRequire } from 'node:module';
    restoreRemovedUtil();
    const required = createRequire(${JSON.stringify(MODULE)})('util');
    const values = [[], [1], { length: 1 }, new Float32Array(1), null, undefined, 0, '', NaN, {}];
    const names = ${JSON.stringify(NAMES)};
    console.log(JSON.stringify(names.map((name) => [name, values.map((value) => required[name](value))])));`;
  const [yes, no] = [true, false];
  assert.equal(withoutUtil(NAMES, program), [
    ['isArray', [yes, yes, no, no, no, no, no, no, no, no]],
    ['isNullOrUndefined', [no, no, no, no, yes, yes, no, no, no, no]],
  ]);
});

test('what is there stays what it is', () => {
  const program = `
    const before = util.isArray = () => 'mine';
    restoreRemovedUtil();
    console.log(JSON.stringify([util.isArray === before, typeof util.isNullOrUndefined]));`;
  assert.equal(withoutUtil(['isNullOrUndefined'], program), [true, 'function']);
});

const entry = await packageFile();
(entry === undefined ? test.skip : test)('they are the ones that the package calls', () => {
  const folder = dirname(entry ?? '');
  const calls = globSync('**/*.js', { cwd: folder, ignore: ['**/*_test.js'] }).flatMap((file) =>
    [
      ...readFileSync(join(folder, file), 'utf8').matchAll(/\butil(?:_\d+)?\.(is[A-Z]\w*|_extend|log)\)?\(/g),
    ].map(([, name]) => name),
  );
  assert.equal([...new Set(calls)].sort(), [...NAMES].sort());
});

(entry === undefined ? test.skip : test)('the package computes without them', () => {
  const program = `
    const { importTensorflow } = await import(${JSON.stringify(MODULE)});
    const tf = await importTensorflow();
    console.log(JSON.stringify([...tf.add([1, 2], [3, 4]).dataSync()]));`;
  assert.equal(withoutUtil(NAMES, program), [4, 6]);
});

test.run();
