// Engines behind worker threads, with the shipped prior.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, TilePoint } from '#src/core/engine/engine.js';
import { runEstimation } from '#src/core/engine/engine.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { FlowDenoiseError } from '#src/core/errors.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import type { Estimation } from '#src/core/inference/estimation.js';
import { posteriorMean } from '#src/core/inference/posterior-mean.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { expectBelow, rmsDifference } from '../flow/differences.js';
import { photo, planar } from '../photo.js';
import { useSoftwareGpu } from './available-engines.js';

const SIDE = 48;
const SIGMA = 25 / 255;
const prior = await loadPrior(findPrior('natural'));
const { data } = await photo('chelsea.png', { left: 120, top: 80, width: SIDE, height: SIDE });
const clean = planar(data);
const noisy = addGaussianNoise(clean, SIGMA, 1);
const tile = (): TilePoint => ({
  shape: { channels: 3, height: SIDE, width: SIDE },
  y: Float32Array.from(noisy),
  sigma: SIGMA,
});

const open: Engine[] = [];
test.after.each(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

async function opened(...[options]: [Parameters<typeof openEngine>[1]]): Promise<Engine> {
  const engine = await openEngine(prior, options);
  open.push(engine);
  return engine;
}

async function rejection(promise: Promise<unknown>): Promise<FlowDenoiseError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FlowDenoiseError) return error;
    throw error;
  }
  throw new Error('it did not reject');
}

test('onnx and wasm give the same estimates', async () => {
  const estimates: Float32Array[][] = [];
  for (const name of ['onnx', 'wasm'] as const) {
    const engine = await opened({ engine: name, threads: 2 });
    assert.is(engine.name, name);
    const shape = { channels: 3, height: SIDE, width: SIDE };
    const run = async (estimation: Estimation) => (await runEstimation(engine, shape, estimation)).estimate;
    const options = { beta: 4, steps: 20, rate: 0.05, polish: true, priorSigma: prior.model.sigmaRange[0] };
    estimates.push(
      await Promise.all([
        run(posteriorMean(noisy, SIGMA)),
        run(betaMap(noisy, SIGMA, { ...options, start: 'posterior-mean' })),
      ]),
    );
  }
  const [onnx = [], wasm = []] = estimates;
  for (const [i, method] of ['posterior mean', 'beta-MAP'].entries()) {
    const [a, b] = [onnx[i] ?? new Float32Array(), wasm[i] ?? new Float32Array()];
    expectBelow(rmsDifference(a, b), 1e-4, method);
    expectBelow(rmsDifference(a, clean), 0.5 * SIGMA, `error of the ${method}`);
  }
});

test('an engine that is not installed: unavailable, with a remedy', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  const before = process.env.FLOW_DENOISE_CACHE;
  process.env.FLOW_DENOISE_CACHE = elsewhere;
  try {
    const error = await rejection(opened({ engine: 'tensorflow' }));
    assert.is(error.code, 'ENGINE_UNAVAILABLE');
    assert.match(
      error.message,
      /engine tensorflow is not available.*flow-denoise engines install tensorflow/,
    );
    assert.not.match(error.message, /\n/);
  } finally {
    if (before === undefined) delete process.env.FLOW_DENOISE_CACHE;
    else process.env.FLOW_DENOISE_CACHE = before;
    await rm(elsewhere, { recursive: true });
  }
});

test('a provider that this build of ONNX Runtime does not have: unavailable, with what it has', async () => {
  const name = process.platform === 'win32' ? 'onnx:coreml' : 'onnx:dml';
  const error = await rejection(opened({ engine: name }));
  assert.is(error.code, 'ENGINE_UNAVAILABLE');
  assert.match(error.message, /this build of ONNX Runtime has cpu.* but not/);
});

test("'auto' takes the fastest that there is and says why, and no GPU that is a program", async () => {
  useSoftwareGpu();
  const engine = await opened({ engine: 'auto', threads: 2 });
  assert.is(engine.name, 'onnx');
  assert.match(engine.why, /^ONNX Runtime \d+\.\d+.*, 2 threads; the fastest available on a CPU$/);
  assert.is(engine.lanes, 2);
  assert.match((await opened({ engine: 'wasm', threads: 1 })).why, /WASM \d.*, 1 thread; asked for$/);
});

test('evaluations may overlap; each gets its own answer', async () => {
  const engine = await opened({ engine: 'onnx', threads: 2 });
  const tiles = [0.05, 0.1, 0.2, 0.3, 0.35].map((sigma) => ({ ...tile(), sigma }));
  const together = await Promise.all(tiles.map((one) => engine.evaluate({ ...one, y: one.y.slice() })));
  for (const [i, one] of tiles.entries())
    assert.equal(await engine.evaluate(one), together[i], `evaluation ${i}`);
  assert.is(new Set(together.map(({ logDensity }) => logDensity)).size, 5);
});

test('close rejects what is in flight, and what comes after', async () => {
  for (const name of ['onnx', 'wasm'] as const) {
    const engine = await opened({ engine: name, threads: 1 });
    const inFlight = [engine.evaluate(tile()), engine.evaluate(tile())].map(rejection);
    await engine.close();
    for (const error of await Promise.all(inFlight)) assert.is(error.code, 'CLOSED');
    assert.is((await rejection(engine.evaluate(tile()))).code, 'CLOSED');
    await engine.close();
  }
});

test('a process that forgets to close still ends by itself', async () => {
  const program = `
    import { openEngine } from '#src/core/engine/open-engine.js';
    import { findPrior } from '#src/core/model/find-prior.js';
    import { loadPrior } from '#src/core/model/load-prior.js';
    const engine = await openEngine(await loadPrior(findPrior('natural')), { engine: 'onnx', threads: 2 });
    const shape = { channels: 3, height: 16, width: 16 };
    const { score } = await engine.evaluate({ shape, y: new Float32Array(768), sigma: 0.1 });
    console.log('evaluated', score.length);`;
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  assert.is(output.trim(), 'evaluated 768');
  assert.is(code, 0, 'it had to be killed');
});

test.run();
