// Training as programs call it: in its own thread, on TensorFlow, from real pictures to a prior that every engine loads.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { INSTALL_COMMAND } from '#src/core/engine/packages/tensorflow-package.js';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from '#src/core/errors.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { psnr } from '#src/core/metrics/index.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { readCheckpoint } from '#src/train/loop/checkpoint.js';
import type { TrainingRecord } from '#src/train/progress.js';
import { type TrainOptions, train } from '#src/train/train.js';
import { openIfAvailable } from '../core/engine/available-engines.js';
import { expectBelow, relativeDifference } from '../core/flow/differences.js';
import { float64Ops, tensor64 } from '../core/flow/float64-ops.js';
import { randomNumbers } from '../core/flow/random-weights.js';
import { noisyPicture } from '../denoiser/noisy-picture.js';
import { isTensorflowThere } from './loop/training-backends.js';
import { newPlace, pictureFolder, removePlaces, stepsOf } from './loop/training-run.js';

const folder = await pictureFolder();

function tiny(options: Partial<TrainOptions> = {}): TrainOptions {
  return {
    folder,
    output: newPlace('prior'),
    preset: 'small',
    levels: 2,
    depth: 1,
    width: 8,
    cropSize: 16,
    batch: 4,
    temperature: 0,
    ...options,
  };
}

interface Outcome {
  readonly records: TrainingRecord[];
  readonly error: unknown;
}

async function run(
  options: TrainOptions,
  onRecord: (record: TrainingRecord) => void = () => {},
): Promise<Outcome> {
  const records: TrainingRecord[] = [];
  try {
    for await (const record of train(options)) {
      records.push(record);
      onRecord(record);
    }
    return { records, error: undefined };
  } catch (error) {
    return { records, error };
  }
}

async function refused(options: TrainOptions, code: FlowDenoiseErrorCode, ...words: string[]): Promise<void> {
  const { records, error } = await run(options);
  assert.equal(stepsOf(records), []);
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a refusal but got ${error}`);
  assert.is(error.code, code, error.message);
  for (const word of words) assert.ok(error.message.includes(word), `${word}: ${error.message}`);
}

/** What keeps this process alive beside its own standard streams, for longer than a file takes to be closed. */
async function handles(): Promise<string[]> {
  const now = () =>
    process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort|Timeout|FSReq/.test(name));
  for (let i = 0; i < 40 && now().length > 0; i++) await immediate();
  return now();
}

const doors = suite('what training refuses');

doors('another engine, with what installs the right one', () =>
  refused(tiny({ engine: 'wasm' }), 'ENGINE_UNAVAILABLE', "'wasm'", 'tensorflow', INSTALL_COMMAND),
);

doors('options that contradict each other or the flow', async () => {
  await refused(tiny({ steps: 5, minutes: 1 }), 'BAD_OPTION', 'steps', 'minutes');
  await refused(tiny({ preset: 'paper', objective: 'denoising' }), 'BAD_OPTION', 'objective', 'likelihood');
  await refused(tiny({ cropSize: 18 }), 'BAD_OPTION', 'cropSize', 'multiple of 4', '18');
  await refused(tiny({ depth: [1, 2, 3] }), 'BAD_OPTION', 'depth', '1,2,3');
  await refused({ ...tiny(), nonsense: 1 } as TrainOptions, 'BAD_OPTION', 'nonsense');
  await refused(tiny({ from: 'natural' }), 'BAD_OPTION', 'from', 'preset');
  await refused({ folder, output: newPlace('prior'), from: newPlace('none') }, 'BAD_PRIOR');
});

doors('to resume without a checkpoint', () =>
  refused({ folder, output: newPlace('prior'), resume: true }, 'BAD_CHECKPOINT', '--resume', '--from'),
);

doors('a signal that is aborted before the start', async () => {
  const reason = new Error('not today');
  const { records, error } = await run(tiny({ signal: AbortSignal.abort(reason) }));
  assert.equal([records, error], [[], reason]);
});

const test = suite('training');
if (!(await isTensorflowThere('training in its thread'))) {
  test.skip('training', () => {});
} else {
  test('a prior from nothing: it loads, every engine agrees on it with float64, and it denoises', async () => {
    const options = tiny({ steps: 150, seed: 3, objective: 'both', rate: 5e-3, validateEvery: 100 });
    const { records, error } = await run(options);
    assert.is(error, undefined);
    const steps = stepsOf(records);
    assert.equal(
      steps.map(({ step }) => step),
      Array.from({ length: 150 }, (_, i) => i + 1),
    );
    const lossOf = (part: typeof steps) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    assert.ok(lossOf(steps.slice(-20)) < lossOf(steps.slice(0, 20)) - 0.3, 'it learns');
    const measured = records.filter((record) => record.kind === 'validation');
    assert.equal(
      measured.map(({ step }) => step),
      [100, 150],
    );
    assert.equal(measured[0]?.kind === 'validation' && measured[0].psnr.length, 3);
    assert.equal(await handles(), []);

    const prior = await loadPrior(options.output);
    assert.is(prior.model.inputResolution, 16);
    assert.is(prior.model.provenance?.steps, 150);
    const y = Float32Array.from(randomNumbers(3 * 16 * 16, 0.15, 6), (value) => value + 0.5);
    const sigma = 0.1;
    const truth = densityAndScore(
      float64Ops,
      prior.model,
      parametersFrom(float64Ops, prior.weights),
    )(tensor64(y, [1, 3, 16, 16]), tensor64([sigma], [1, 1]));
    const shape = { channels: 3, height: 16, width: 16 };
    for (const name of ['tensorflow', 'onnx', 'wasm'] as const) {
      const engine = await openIfAvailable(name, prior);
      if (typeof engine === 'string') {
        console.log(`SKIP ${engine}`);
        continue;
      }
      try {
        const { logDensity, score } = await engine.evaluate({ shape, y: y.slice(), sigma });
        expectBelow(relativeDifference(score, truth.score.data), 1e-4, `${name}: score`);
        expectBelow(relativeDifference([logDensity], truth.logDensity.data), 1e-4, `${name}: log density`);
      } finally {
        await engine.close();
      }
    }
    const denoiser = await openDenoiser({ prior: options.output, method: 'posterior-mean', tileSize: 64 });
    try {
      const { clean, noisy } = noisyPicture(40, 36, 3, 25);
      const result = await denoiser.denoise(noisy, { sigma: 25 });
      const gain = psnr(clean, result.data) - psnr(clean, noisy.data);
      assert.ok(gain > 1, `${gain} dB`);
    } finally {
      await denoiser.close();
    }

    // From its weights on: the first loss is the prior's, not that of a random start.
    const further = await run({
      folder,
      output: newPlace('prior'),
      from: options.output,
      objective: 'both',
      batch: 4,
      steps: 3,
      temperature: 0,
    });
    assert.is(further.error, undefined);
    const began = stepsOf(further.records)[0]?.loss ?? Number.NaN;
    expectBelow(Math.abs(began - lossOf(steps.slice(-20))), 0.6, 'first loss from the prior');
    assert.ok(began < (steps[0]?.loss ?? Number.NaN) - 0.3, `${began} at the start`);
    await refused(options, 'BAD_OPTION', 'output', options.output, '--resume');
  });

  test('stop and go on: the same to the bit as without a stop, on one thread', async () => {
    const [whole, stopped] = [tiny({ steps: 12 }), tiny({ steps: 12 })];
    await inOneThread(whole);
    await inOneThread(stopped, 5);
    const between = await readCheckpoint(stopped.output, assert.unreachable);
    assert.ok(between.state.step >= 5 && between.state.step < 12, `stopped at ${between.state.step}`);
    await inOneThread({ folder, output: stopped.output, resume: true });
    const [a, b] = await Promise.all(
      [whole, stopped].map(({ output }) => readCheckpoint(output, assert.unreachable)),
    );
    assert.equal([a?.state.step, b?.state.step], [12, 12]);
    assert.equal(b?.arrays, a?.arrays);
    assert.equal(b?.snapshot, a?.snapshot);
    assert.equal((await loadPrior(stopped.output)).weights, (await loadPrior(whole.output)).weights);
  });

  test('aborted: a checkpoint, the reason, no thread left; then it goes on, and refuses what it may not change', async () => {
    const stopping = new AbortController();
    const reason = new Error('enough');
    const options = tiny({ steps: 100_000, signal: stopping.signal });
    const { records, error } = await run(options, ({ kind, step }) => {
      if (kind === 'step' && step === 3) stopping.abort(reason);
    });
    assert.is(error, reason);
    assert.is(records.at(-1)?.kind, 'checkpoint');
    assert.equal(await handles(), []);
    const { step } = (await readCheckpoint(options.output, assert.unreachable)).state;
    assert.ok(step >= 3 && step < 100_000, `step ${step}`);
    await loadPrior(options.output);

    const { output } = options;
    await refused({ folder, output, resume: true, rate: 1e-4 }, 'BAD_OPTION', 'rate', 'resume');
    const others = await pictureFolder(7, 50);
    await refused({ folder: others, output, resume: true, steps: step + 2 }, 'BAD_OPTION', others, '--from');
    const rest = await run({ folder, output, resume: true, steps: step + 2 });
    assert.is(rest.error, undefined);
    assert.equal(
      stepsOf(rest.records).map((record) => record.step),
      [step + 1, step + 2],
    );
  });

  test('aborted while pictures are looked through: the reason, and nothing is written', async () => {
    const options = tiny({ steps: 100_000 });
    const reason = new Error('at once');
    const stopping = new AbortController();
    const running = run({ ...options, signal: stopping.signal });
    setImmediate(() => stopping.abort(reason));
    const { records, error } = await running;
    assert.equal([stepsOf(records), error], [[], reason]);
    assert.not.ok(existsSync(options.output));
    assert.equal(await handles(), []);
  });

  test('a loop that is left: a checkpoint, and no thread left', async () => {
    const options = tiny({ steps: 100_000 });
    for await (const record of train(options)) if (record.step === 2) break;
    assert.equal(await handles(), []);
    assert.ok((await readCheckpoint(options.output, assert.unreachable)).state.step >= 2);
  });

  test('a loop that is left where nothing can be written: it is told', async () => {
    const options = tiny({ steps: 100_000, output: '/dev/null/prior' });
    let error: unknown;
    try {
      for await (const record of train(options)) if (record.step === 2) break;
    } catch (reason) {
      error = reason;
    }
    assert.is(error instanceof FlowDenoiseError && error.code, 'WRITE_FAILED');
    assert.equal(await handles(), []);
  });

  test('minutes: it ends by itself with a prior', async () => {
    const options = tiny({ minutes: 0.03 });
    const began = performance.now();
    const { records, error } = await run(options);
    assert.is(error, undefined);
    const steps = stepsOf(records);
    assert.ok(steps.length > 0 && performance.now() - began > 1800);
    assert.ok(steps.every(({ secondsLeft = Number.NaN }) => secondsLeft >= 0 && secondsLeft <= 1.8));
    assert.ok((steps.at(-1)?.rate ?? 1) < (steps.at(-1)?.step ?? 0) * 2e-6, 'the rate ends low');
    await loadPrior(options.output);
  });
}

/** Trains in a process with one thread for arithmetic, since sums depend on how they are divided. */
function inOneThread(options: TrainOptions, stopAfter = 0): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      fileURLToPath(new URL('./train-child.ts', import.meta.url)),
      JSON.stringify(options),
      String(stopAfter),
    ],
    {
      env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1', OMP_NUM_THREADS: '1' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}: ${told}`))));
  });
}

doors.run();
test.after(removePlaces);
test.run();
