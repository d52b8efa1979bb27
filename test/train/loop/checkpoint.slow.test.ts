// Checkpoints on a real disk: whole or not at all, damaged ones noticed, and a training that goes on from one as if it had
// never stopped, or goes on without one where the disk is full.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import {
  type Checkpoint,
  checkpointFile,
  readCheckpoint,
  trainingFolder,
} from '#src/train/loop/checkpoint.js';
import { usePlainBackend, withoutLeak } from './training-backends.js';
import { removePlaces, runTiny, stepsOf, tinySettings } from './training-run.js';

test.before(usePlainBackend);
test.after(removePlaces);

const previousFile = (output: string) => join(trainingFolder(output), 'checkpoint.previous.safetensors');
const filesOf = async (output: string) => (await readdir(output, { recursive: true })).sort();

/** Reads it and lists the warnings. */
async function read(output: string): Promise<{ checkpoint: Checkpoint; warnings: string[] }> {
  const warnings: string[] = [];
  return { checkpoint: await readCheckpoint(output, (message) => warnings.push(message)), warnings };
}

async function refusal(output: string): Promise<FlowDenoiseError> {
  const error = await readCheckpoint(output, () => {}).catch((reason: unknown) => reason);
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a refusal but got ${error}`);
  return error;
}

/** All numbers of a checkpoint. */
const numbersOf = ({ arrays, snapshot }: Checkpoint) =>
  [arrays, snapshot].flatMap((group) => Object.values(group).map((data) => Buffer.from(data.buffer)));

test('ten steps, and five with a stop and five more: the same to the bit', async () => {
  const whole = tinySettings({});
  const stopped = tinySettings({});
  const expected = await withoutLeak(() => runTiny(whole));
  assert.is(expected.error, undefined);
  const first = await withoutLeak(() =>
    runTiny(stopped, undefined, ({ kind, step }) => kind === 'step' && step === 4),
  );
  assert.equal(
    first.records.map(({ kind, step }) => `${kind} ${step}`),
    ['step 1', 'step 2', 'step 3', 'step 4', 'checkpoint 4'],
  );
  const { checkpoint, warnings } = await read(stopped.output);
  assert.equal(warnings, []);
  assert.equal([checkpoint.state.step, checkpoint.state.counts.updates], [4, 4]);
  assert.equal(checkpoint.state.settings, JSON.parse(JSON.stringify(stopped)));
  const second = await withoutLeak(() => runTiny(stopped, checkpoint));
  const told = (records: typeof first.records) =>
    stepsOf(records).map(({ step, loss, gradientNorm, rate }) => ({ step, loss, gradientNorm, rate }));
  assert.equal([...told(first.records), ...told(second.records)], told(expected.records));
  const [a, b] = [await read(whole.output), await read(stopped.output)];
  assert.equal(b.checkpoint.state.counts, a.checkpoint.state.counts);
  assert.equal(numbersOf(b.checkpoint), numbersOf(a.checkpoint));
  assert.equal((await loadPrior(stopped.output)).weights, (await loadPrior(whole.output)).weights);
});

/** A training with two checkpoints, of steps 2 and 4. */
async function twice(): Promise<string> {
  const settings = tinySettings({ steps: 4, checkpointEvery: 2 });
  assert.is((await runTiny(settings)).error, undefined);
  // The last step's is written a second time when all is done.
  await runTiny({ ...settings, steps: 6 }, (await read(settings.output)).checkpoint);
  return settings.output;
}

test('any byte that changes is noticed, and the checkpoint before goes on', async () => {
  const output = await twice();
  const file = checkpointFile(output);
  const good = await readFile(file);
  const header = Number(good.readBigUInt64LE(0));
  const text = good.toString('latin1', 8, 8 + header);
  const places = [
    0,
    7,
    8,
    // A digit in the state, which would change the step; one in a tensor's place.
    8 + text.indexOf('step\\":') + 7,
    8 + text.indexOf('data_offsets') + 16,
    8 + text.indexOf('sha256') + 10,
    8 + header,
    ...Array.from({ length: 40 }, (_, i) => 8 + header + Math.floor(((good.length - header - 9) * i) / 39)),
    ...Array.from({ length: 40 }, (_, i) => 8 + Math.floor((text.trimEnd().length - 1) * (i / 39))),
  ];
  for (const place of places) {
    const bad = Buffer.from(good);
    bad.writeUInt8((bad.readUInt8(place) ^ 1) & 0xff, place);
    await writeFile(file, bad);
    const { checkpoint, warnings } = await read(output);
    assert.is(checkpoint.file, previousFile(output), `byte ${place}`);
    assert.is(warnings.length, 1);
    assert.ok(warnings[0]?.includes(file) && warnings[0].includes(previousFile(output)), warnings[0]);
  }
  await writeFile(file, good);
  assert.is((await read(output)).checkpoint.file, file);
});

test('truncated, empty, absent, something else: the checkpoint before; without one, a refusal', async () => {
  const output = await twice();
  const file = checkpointFile(output);
  const good = await readFile(file);
  const damages = [
    good.subarray(0, good.length - 1),
    good.subarray(0, 100),
    Buffer.alloc(0),
    Buffer.from('{"format":"flow-denoise-prior"}'),
    Buffer.alloc(good.length),
  ];
  for (const bytes of damages) {
    await writeFile(file, bytes);
    assert.is((await read(output)).checkpoint.file, previousFile(output), `${bytes.length} bytes`);
  }
  await rm(file);
  const { checkpoint } = await read(output);
  assert.is(checkpoint.file, previousFile(output));
  const run = await runTiny({ ...checkpoint.state.settings, steps: 8 }, checkpoint);
  assert.is(run.error, undefined);
  assert.is((await read(output)).checkpoint.state.step, 8);

  for (const path of [file, previousFile(output)]) await writeFile(path, good.subarray(0, 1000));
  const error = await refusal(output);
  assert.is(error.code, 'BAD_CHECKPOINT');
  for (const part of [file, previousFile(output), '--resume', '--from'])
    assert.ok(error.message.includes(part), `${part}: ${error.message}`);
  assert.is((await refusal(join(output, 'nothing'))).code, 'BAD_CHECKPOINT');
});

test('a write that was interrupted leaves the checkpoint good, and the next write is not in its way', async () => {
  const output = await twice();
  const before = await readFile(checkpointFile(output));
  await writeFile(join(trainingFolder(output), 'checkpoint.next.safetensors'), before.subarray(0, 500));
  await writeFile(join(trainingFolder(output), '.flow-denoise-left.tmp'), before.subarray(0, 500));
  const { checkpoint, warnings } = await read(output);
  assert.equal([checkpoint.file, warnings], [checkpointFile(output), []]);
  const run = await runTiny({ ...checkpoint.state.settings, steps: 8 }, checkpoint);
  assert.is(run.error, undefined);
  assert.is((await read(output)).checkpoint.state.step, 8);
  await loadPrior(output);
});

/** Training whose checkpoint and prior of step 2 are written, and none after. */
async function withoutRoom(output: string, fill: () => Promise<void>, free: () => Promise<void>) {
  const settings = tinySettings({ output, steps: 8, checkpointEvery: 2 });
  const seen: string[] = [];
  const run = await withoutLeak(() =>
    runTiny(settings, undefined, async ({ kind, step }) => {
      if (kind === 'checkpoint' && step === 2) {
        seen.push(...(await filesOf(output)));
        await fill();
      }
      return false;
    }),
  );
  const told = run.records
    .filter(({ kind }) => kind !== 'validation')
    .map(({ kind, step }) => `${kind} ${step}`);
  const bad = (step: number) => [`step ${step - 1}`, `step ${step}`, `warning ${step}`];
  assert.equal(told, ['step 1', 'step 2', 'checkpoint 2', ...bad(4), ...bad(6), ...bad(8)]);
  const warning = run.records.find((record) => record.kind === 'warning');
  assert.match(
    warning?.kind === 'warning' ? warning.message : '',
    /could not be written .*Training goes on\.$/,
  );
  if (!(run.error instanceof FlowDenoiseError)) throw new Error(`expected a failure but got ${run.error}`);
  assert.is(run.error.code, 'WRITE_FAILED');
  assert.ok(run.error.message.includes(output), run.error.message);

  await free();
  assert.equal(await filesOf(output), seen, 'nothing is left, nothing is gone');
  const { checkpoint, warnings } = await read(output);
  assert.equal([checkpoint.state.step, warnings], [2, []]);
  assert.is((await loadPrior(output)).model.provenance?.steps, 2);
  const rest = await runTiny(settings, checkpoint);
  assert.is(rest.error, undefined);
  assert.is((await loadPrior(output)).model.provenance?.steps, 8);
}

test('a full disk: training goes on with warnings, what was written stays, the last write fails', async () => {
  const { output } = tinySettings({});
  await mkdir(output, { recursive: true });
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', output]).status !== 0) {
    console.log('\nSKIP a full disk: no file system may be mounted here');
    return;
  }
  try {
    const ballast = join(output, 'ballast');
    const fill = () =>
      writeFile(ballast, Buffer.alloc(4e6)).then(
        () => assert.unreachable('the disk is not full'),
        (error: NodeJS.ErrnoException) => assert.is(error.code, 'ENOSPC'),
      );
    await withoutRoom(output, fill, () => rm(ballast));
  } finally {
    spawnSync('umount', [output]);
  }
});

test('a checkpoint that cannot be put in its place: the same', async () => {
  const { output } = tinySettings({});
  const inTheWay = join(trainingFolder(output), 'checkpoint.next.safetensors');
  await withoutRoom(
    output,
    () => mkdir(inTheWay).then(() => undefined),
    () => rm(inTheWay, { recursive: true }),
  );
});

test.run();
