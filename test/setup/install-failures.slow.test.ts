// What the command says, and leaves behind, where an installation cannot be done: on machines of stand-ins.
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findPrerequisites } from '#src/setup/prerequisites.js';
import { command, type RunOptions } from '../cli/command.js';
import { type Machine, pythonScript, withMachine, workingTools } from './machine.js';

const isBuilt = process.platform === 'linux' && process.arch === 'x64';
const all = suite('install failures');
const test = isBuilt ? all : all.skip;
if (!isBuilt) console.log('SKIP the stand-ins are those of Linux on x64');

const install = ({ env }: Machine, words = '', options: RunOptions = {}) =>
  command(['engines', 'install', 'tensorflow', ...words.split(' ').filter(Boolean)], { ...options, env });

const without = (name: string) => ({ ...workingTools, [name]: 'exit 127' });

test('everything that is missing is named at once, each with a remedy, before anything is fetched', () =>
  withMachine({}, async (machine) => {
    const { code, stdout, stderr } = await install(machine);
    assert.equal([code, stdout], [1, '']);
    assert.match(
      stderr,
      /^flow-denoise: Nothing was installed.*\(1\).*npm.*\(2\).*Python 3\.9.*apt install python3.*\(3\).*C\+\+.*g\+\+.*apt install.*\(4\).*make/,
    );
    assert.is(stderr.trim().split('\n').length, 1);
    assert.not.ok(existsSync(join(machine.cache, 'tensorflow', 'installed.json')));
  }));

const missing: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['npm', without('npm'), /Expected npm on the PATH; to do/],
  ['make', without('make'), /Expected make on the PATH; to do: .*make/],
  ['compiler', without('g++'), /Expected a compiler of C\+\+17 as g\+\+; to do: .*g\+\+/],
  [
    "the compiler's headers",
    { ...workingTools, 'g++': '[ "$1" = --version ] && echo 12' },
    /Expected a compiler of C\+\+17 as g\+\+/,
  ],
  ['python3', without('python3'), /Expected Python 3\.9 or later.* on the PATH as python3; to do/],
  [
    'a recent python3 with venv',
    { ...workingTools, python3: pythonScript({ isSuitable: false }) },
    /Python 3\.9 or later with its modules venv and ensurepip .*apt install python3 python3-venv/,
  ],
];
for (const [name, tools, words] of missing)
  test(`missing: ${name}`, () =>
    withMachine(tools, async (machine) => {
      const { code, stderr } = await install(machine);
      assert.is(code, 1);
      assert.match(stderr, words);
      assert.is((await machine.calls()).includes('npm install'), false);
    }));

test('another Python is taken where python3 does not suit', () =>
  withMachine(
    { ...workingTools, python3: pythonScript({ isSuitable: false }), 'python3.11': pythonScript() },
    async (machine) => {
      const { stderr } = await install(machine);
      assert.match(stderr, /^found: .*Python 3\.12\.1/);
    },
  ));

test('too little space, a blank in the path', () =>
  withMachine(workingTools, async ({ folder, env }) => {
    const path = process.env.PATH;
    process.env.PATH = env.PATH;
    const needs = { venv: true, space: 1e18, folder: join(folder, 'a b') };
    await mkdir(needs.folder);
    const installer = { say() {}, signal: new AbortController().signal };
    const { message } = await findPrerequisites(needs, installer).then(
      () => new Error('nothing is missing'),
      (error: Error) => error,
    );
    process.env.PATH = path;
    assert.match(message, /Expected 1000000000\.0 GB of free space .*FLOW_DENOISE_CACHE.*without blanks/);
  }));

test('a registry without the wheel: exit code 3; what was fetched is kept, what was not leaves nothing', () =>
  withMachine(
    {
      ...workingTools,
      python3: pythonScript({
        pip: 'case "$*" in *tensorflow-cpu==*) echo "ERROR: No matching distribution found"; exit 1;; esac',
      }),
    },
    async (machine) => {
      const first = await install(machine);
      assert.is(first.code, 3, first.stderr);
      assert.match(
        first.stderr,
        /flow-denoise: .*no wheel of tensorflow-cpu==2\.21\.0 for linux on x64.*onnx/,
      );
      assert.equal(await readdir(join(machine.cache, 'tensorflow', 'next')), [
        'packages',
        'specification.txt',
      ]);

      const second = await install(machine);
      assert.is(second.code, 3);
      assert.match(second.stderr, 'packages: already there');
      assert.is((await machine.calls()).filter((call) => call === 'npm install').length, 1);

      await install(machine, '--force');
      assert.is((await machine.calls()).filter((call) => call === 'npm install').length, 2);
    },
  ));

test('an installation that works no longer is made anew, and stays until that is done', () =>
  withMachine(
    { ...workingTools, python3: pythonScript({ pip: 'echo "ERROR: disk on fire"; exit 1' }) },
    async (machine) => {
      const folder = join(machine.cache, 'tensorflow');
      await mkdir(join(folder, 'cpu-1', 'packages'), { recursive: true });
      const marker = { format: 1, folder: 'cpu-1', platform: process.platform, arch: process.arch };
      const versions = { tfjsNode: '4.22.0', libtensorflow: '2.21.0', source: 'tensorflow-cpu 2.21.0' };
      await writeFile(
        join(folder, 'installed.json'),
        JSON.stringify({ ...marker, ...versions, device: 'cpu' }),
      );
      const { code, stderr } = await install(machine);
      assert.is(code, 1);
      assert.match(
        stderr,
        /^the existing installation no longer works, so it is made again: Verifying TensorFlow failed/,
      );
      assert.match(stderr, /flow-denoise: Fetching tensorflow-cpu.* disk on fire/);
      assert.equal((await readdir(folder)).sort(), ['cpu-1', 'installed.json', 'next']);
    },
  ));

test('a registry that has nothing, for it does not answer, is a failure like any other: exit code 1, the reason, the log, a remedy', () =>
  withMachine(
    {
      ...workingTools,
      python3: pythonScript({
        pip: 'echo "WARNING: Retrying after connection broken"; echo "ERROR: No matching distribution found"; exit 1',
      }),
    },
    async (machine) => {
      const { code, stderr } = await install(machine);
      assert.is(code, 1);
      assert.match(
        stderr,
        /flow-denoise: Fetching tensorflow-cpu==2\.21\.0 failed: .*No matching distribution.*tensorflow-install\.log\)\. To do: .*pip/,
      );
    },
  ));

test('steps that were made for something else, and what a killed attempt has left, are removed', () =>
  withMachine(
    { ...workingTools, npm: `[ "$1" = --version ] && { echo 11; exit 0; }; exit 7` },
    async (machine) => {
      const next = join(machine.cache, 'tensorflow', 'next');
      await mkdir(join(next, 'packages'), { recursive: true });
      await writeFile(join(next, 'specification.txt'), 'an earlier version');
      await install(machine);
      assert.equal(await readdir(next), ['specification.txt']);

      await mkdir(join(next, 'packages.partial-123', 'lib'), { recursive: true });
      await mkdir(join(next, 'libtensorflow'));
      await install(machine);
      assert.equal((await readdir(next)).sort(), ['libtensorflow', 'specification.txt']);
    },
  ));

test('npm fails', () =>
  withMachine(
    {
      ...workingTools,
      npm: 'case "$1" in --version) echo 11.0.0;; *) echo "npm error code E404" >&2; exit 7;; esac',
    },
    async (machine) => {
      const { code, stderr } = await install(machine);
      assert.is(code, 1);
      assert.match(
        stderr,
        /Fetching @tensorflow\/tfjs-node-gpu failed: npm: npm error code E404 .*To do: .*npm/,
      );
      assert.equal(await readdir(join(machine.cache, 'tensorflow', 'next')), ['specification.txt']);
    },
  ));

test('an interrupt while a tool runs ends the tool and leaves nothing half', () =>
  withMachine(
    {
      ...workingTools,
      npm: '[ "$1" = --version ] && { echo 11.0.0; exit 0; }; echo half > half; echo $$; while :; do :; done',
    },
    async (machine) => {
      const ended = await install(machine, '', {
        during: (child) => child.stderr?.on('data', (text) => /packages/.test(text) && child.kill('SIGINT')),
      });
      assert.is(ended.code, 130, ended.stderr);
      assert.equal(await readdir(join(machine.cache, 'tensorflow', 'next')), ['specification.txt']);
    },
  ));

test('one installation at a time: a second waits, says so, and can be stopped', () =>
  withMachine(workingTools, async (machine) => {
    const folder = join(machine.cache, 'tensorflow');
    await mkdir(folder, { recursive: true });
    const release = await lockfile.lock(folder);
    const ended = await install(machine, '', {
      during: (child) => child.stderr?.on('data', (text) => /waiting/.test(text) && child.kill('SIGINT')),
    });
    await release();
    assert.is(ended.code, 130, ended.stderr);
    assert.match(ended.stderr, /another installation is at work/);
    assert.equal(await machine.calls(), ['']);
  }));

test('wrong words: exit code 2', () =>
  withMachine(workingTools, async (machine) => {
    const [folder] = [machine.folder];
    await writeFile(join(folder, 'libtensorflow.so'), '');
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['install', /missing required argument 'engine'/],
      ['install caffe', /caffe.*tensorflow/],
      ['install tensorflow --fast', /--fast/],
      [
        `install tensorflow --cuda --libtensorflow ${folder}`,
        /Pass either --cuda or --libtensorflow, not both/,
      ],
      [
        `install tensorflow --libtensorflow ${folder}`,
        /lib\/libtensorflow\.so.*for --libtensorflow but received.*c_api\.h/,
      ],
      ['remove', /remove|unknown/],
    ];
    for (const [words, message] of refusals) {
      const { code, stdout, stderr } = await command(['engines', ...words.split(' ')], { env: machine.env });
      assert.equal([code, stdout], [2, ''], words);
      assert.match(stderr, message);
    }
    assert.equal(await machine.calls(), ['']);
  }));

all.run();
