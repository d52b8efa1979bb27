// Where TensorFlow is looked for, what is taken for an installation, and what the one that the machine has can do.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  cacheFolder,
  findTensorflow,
  importTensorflow,
  type Marker,
  markerPath,
  projectTensorflow,
} from '#src/core/engine/packages/tensorflow-package.js';
import { command } from '../cli/command.js';
import { packageFile } from './installed.js';

const MODULE = new URL('../../dist/core/engine/packages/tensorflow-package.js', import.meta.url).href;
const entry = await packageFile();

const test = suite<{ folder: string; before: string | undefined }>('tensorflow package', {
  folder: '',
  before: undefined,
});
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  context.before = process.env.FLOW_DENOISE_CACHE;
  process.env.FLOW_DENOISE_CACHE = context.folder;
});
test.after.each(async ({ folder, before }) => {
  if (before === undefined) delete process.env.FLOW_DENOISE_CACHE;
  else process.env.FLOW_DENOISE_CACHE = before;
  await rm(folder, { recursive: true, force: true });
});

const marker: Marker = {
  format: 1,
  folder: 'cpu-1',
  platform: process.platform,
  arch: process.arch,
  tfjsNode: '4.22.0',
  libtensorflow: '2.21.0',
  source: 'tensorflow-cpu 2.21.0',
  device: 'cpu',
};

test('the cache folder is the one that is named, or the user has', ({ folder }) => {
  assert.is(cacheFolder(), folder);
  process.env.FLOW_DENOISE_CACHE = '';
  assert.match(cacheFolder(), /flow-denoise/i);
});

test('an installation is one that has its marker', async ({ folder }) => {
  const packages = join(folder, 'tensorflow', 'cpu-1', 'packages');
  await mkdir(packages, { recursive: true });
  assert.is(await findTensorflow(), undefined, 'no marker');
  await writeFile(markerPath(), JSON.stringify(marker));
  assert.equal(await findTensorflow(), { ...marker, folder: join(folder, 'tensorflow', 'cpu-1') });
  for (const wrong of [
    JSON.stringify(marker).slice(0, 60),
    JSON.stringify({ ...marker, format: 2 }),
    JSON.stringify({ ...marker, folder: '../elsewhere' }),
    JSON.stringify({ ...marker, folder: 'cpu-2' }),
    JSON.stringify({ ...marker, arch: 'pdp11' }),
    JSON.stringify({ ...marker, platform: 'plan9' }),
    'null',
  ]) {
    await writeFile(markerPath(), wrong);
    assert.is(await findTensorflow(), undefined, wrong);
  }
});

(projectTensorflow() === undefined ? test : test.skip)(
  'what is absent or broken is told with the command',
  async () => {
    const reason = () => importTensorflow().then(String, String);
    assert.is(
      await reason(),
      'Error: TensorFlow is not installed; flow-denoise engines install tensorflow installs it',
    );
    await mkdir(join(cacheFolder(), 'tensorflow', 'cpu-1', 'packages'), { recursive: true });
    await writeFile(markerPath(), JSON.stringify(marker));
    assert.match(
      await reason(),
      /cpu-1 does not load \(Cannot find module.*engines install tensorflow installs it$/s,
    );
  },
);

(entry === undefined ? test.skip : test)(
  'it computes in worker threads, one after another and side by side',
  async ({ before }) => {
    const program = `
    import { parentPort } from 'node:worker_threads';
    import * as core from ${JSON.stringify(import.meta.resolve('@tensorflow/tfjs-core'))};
    core.enableProdMode();
    const { importTensorflow, describeTensorflow } = await import(${JSON.stringify(MODULE)});
    const tf = await importTensorflow();
    parentPort.postMessage([tf.engine() === core.engine(), core.getBackend(), ...core.add([1, 2], [3, 4]).dataSync(), describeTensorflow(tf).tfjsNode]);`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const run = async (): Promise<unknown> => {
      const worker = new Worker(url, { env: { ...process.env, FLOW_DENOISE_CACHE: before ?? '' } });
      try {
        return await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
      } finally {
        await worker.terminate();
      }
    };
    const results = [...(await Promise.all([run(), run()])), await run()];
    for (const result of results) assert.equal(result, [true, 'tensorflow', 4, 6, '4.22.0']);
  },
);

const isPrivate = entry !== undefined && projectTensorflow() === undefined;
(isPrivate ? test : test.skip)('installing what is there verifies it', async ({ before }) => {
  const { code, stderr } = await command(['engines', 'install', 'tensorflow'], {
    env: { FLOW_DENOISE_CACHE: before ?? '' },
  });
  assert.is(code, 0, stderr);
  assert.match(stderr, /^verified: .* computes on .*\nTensorFlow is already installed in /);
  assert.is(stderr.trim().split('\n').length, 2);
});

test.run();
