// The loop of training, long or in trouble: no tensor more after hundreds of steps, and a storm of bad steps ends it with
// the last good prior.
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { readCheckpoint } from '#src/train/loop/checkpoint.js';
import { openTensorflow, usePlainBackend, withoutLeak } from './training-backends.js';
import { removePlaces, runTiny, stepsOf, tinySettings } from './training-run.js';

test.before(async () => {
  if (!(await openTensorflow('the loop on TensorFlow; on plain JavaScript instead'))) await usePlainBackend();
});
test.after(removePlaces);

test('500 steps: as many tensors as after the third, and none when it is over', async () => {
  const settings = tinySettings({ steps: 500, checkpointEvery: 200, validateEvery: 200, temperature: 0.7 });
  const counts = new Set<number>();
  const { records, error } = await withoutLeak(() =>
    runTiny(settings, undefined, ({ step }) => {
      if (step >= 3) counts.add(tf.memory().numTensors);
      return false;
    }),
  );
  assert.is(error, undefined);
  assert.is(stepsOf(records).length, 500);
  assert.equal([...counts].length, 1, `${[...counts]} tensors`);
});

test('a loop that is left by its consumer leaves no tensor', () =>
  withoutLeak(async () => {
    const { error } = await runTiny(tinySettings({}), undefined, ({ step }) => {
      if (step === 2) throw new Error('no more');
      return false;
    });
    assert.is(error instanceof Error && error.message, 'no more');
  }));

test('a storm of bad steps, from the start: it ends, says so, and there is no prior', async () => {
  const settings = tinySettings({ steps: 5000, rate: 1000, checkpointEvery: 5000 });
  const { records, error } = await withoutLeak(() => runTiny(settings));
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a failure but got ${error}`);
  assert.is(error.code, 'TRAINING_FAILED');
  assert.match(error.message, /diverged at step \d+ .*no good prior.*lower --rate than 1000/);
  assert.is(stepsOf(records).filter(({ restored }) => restored).length, 5);
  assert.ok(stepsOf(records).some(({ skipped }) => skipped !== undefined));
  const missing = await loadPrior(settings.output).catch((reason: unknown) => reason);
  assert.is(missing instanceof FlowDenoiseError && missing.code, 'BAD_PRIOR');
});

test('a storm after good steps: the last good prior and checkpoint stay, and the message says how to go on', async () => {
  const settings = tinySettings({ steps: 4, checkpointEvery: 100_000 });
  assert.is((await runTiny(settings)).error, undefined);
  const good = await loadPrior(settings.output);
  const checkpoint = await readCheckpoint(settings.output, assert.unreachable);
  const { error } = await withoutLeak(() => runTiny({ ...settings, steps: 5000, rate: 1000 }, checkpoint));
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a failure but got ${error}`);
  assert.is(error.code, 'TRAINING_FAILED');
  assert.ok(error.message.includes(`--from ${settings.output}`), error.message);
  assert.equal((await loadPrior(settings.output)).weights, good.weights);
  assert.is((await readCheckpoint(settings.output, assert.unreachable)).state.step, 4);
});

test('a storm after a snapshot that no checkpoint has: its weights are the prior', async () => {
  const settings = tinySettings({ steps: 110, checkpointEvery: 100_000 });
  const { error } = await runTiny(settings, undefined, ({ step }) => step === 105);
  assert.is(error, undefined);
  const checkpoint = await readCheckpoint(settings.output, assert.unreachable);
  assert.is(checkpoint.state.snapshotCounts.updates, 100);
  // As if the last checkpoint had been written at step 50.
  const { counts } = checkpoint.state;
  const earlier = { ...checkpoint, state: { ...checkpoint.state, counts: { ...counts, updates: 50 } } };
  const storm = await runTiny({ ...settings, steps: 5000, rate: 1000 }, earlier);
  assert.is(storm.error instanceof FlowDenoiseError && storm.error.code, 'TRAINING_FAILED');
  const prior = await loadPrior(settings.output);
  assert.is(prior.model.provenance?.steps, 100);
});

test.run();
