// Loading a prior: whatever is wrong with it is one line that names the file and says what.
import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { copyOfFixture, type LooseModel, refuses, removeFolders, type StoredTensor } from './prior-folder.js';

test.after(removeFolders);

test('a folder that is not there, or holds no weights', async () => {
  const { folder, modelFile, weightsFile } = await copyOfFixture();
  await refuses(path.join(folder, 'none'), path.join(folder, 'none', 'model.json'), /cannot be read.*ENOENT/);
  await rm(weightsFile);
  await refuses(folder, weightsFile, /cannot be read/);
  await rm(modelFile);
  await refuses(folder, modelFile, /cannot be read/);
});

test('model.json that is not JSON, or is not an object', async () => {
  const { folder, modelFile } = await copyOfFixture();
  for (const text of ['', '{', 'format: flow-denoise-prior', '\u0000']) {
    await writeFile(modelFile, text);
    await refuses(folder, modelFile, /is not JSON/);
  }
  for (const text of ['null', '[]', '3', '"flow-denoise-prior"']) {
    await writeFile(modelFile, text);
    await refuses(folder, modelFile, /expected object/);
  }
});

/** What is wrong, what it makes of model.json, what the message says. */
const WRONG_MODELS: readonly [string, (model: LooseModel) => unknown, RegExp][] = [
  ['another format', (m) => ({ ...m, format: 'glow' }), /format: .*expected "flow-denoise-prior"/],
  ['a later version', (m) => ({ ...m, version: 2 }), /version: expected 1.*update/],
  ['no version', (m) => ({ ...m, version: undefined }), /version/],
  ['grey channels', (m) => ({ ...m, channels: 1 }), /channels/],
  ['no levels', (m) => ({ ...m, levels: [] }), /levels/],
  ['a middle convolution of 5x5', (m) => withLevel(m, 0, { kernel: 5 }), /levels\.0\.kernel/],
  ['half a step', (m) => withLevel(m, 0, { steps: 1.5 }), /levels\.0\.steps/],
  ['width 0', (m) => withLevel(m, 1, { width: 0 }), /levels\.1\.width/],
  ['no steps on the last level', (m) => withLevel(m, 1, { steps: 0 }), /levels: .*last level/],
  ['no width for a split', (m) => withLevel(m, 0, { splitWidth: undefined }), /levels: .*splitWidth/],
  [
    'conditioning of another kind',
    (m) => ({ ...m, conditioning: { kind: 'text', features: 32 } }),
    /conditioning/,
  ],
  ['nothing said about conditioning', (m) => ({ ...m, conditioning: undefined }), /conditioning/],
  ['noise levels in the wrong order', (m) => ({ ...m, sigmaRange: [0.3, 0.01] }), /sigmaRange: .*ascending/],
  ['scaleCap 0', (m) => ({ ...m, scaleCap: 0 }), /scaleCap/],
  ['weights in another folder', (m) => withWeights(m, { file: '../weights.safetensors' }), /weights\.file/],
  ['a checksum that is none', (m) => withWeights(m, { sha256: 'abc' }), /weights\.sha256/],
  ['a billion steps', (m) => withLevel(m, 0, { steps: 1e9 }), /levels\.0\.steps: .*256/],
  ['width a billion', (m) => withLevel(m, 0, { width: 1e9 }), /levels\.0\.width: .*2048/],
  ['splitWidth a billion', (m) => withLevel(m, 0, { splitWidth: 1e9 }), /levels\.0\.splitWidth: .*2048/],
  ['nine levels', (m) => ({ ...m, levels: Array(9).fill((m.levels as object[])[0]) }), /levels: .*8/],
  [
    'a billion features',
    (m) => ({ ...m, conditioning: { kind: 'log-sigma', features: 1e9 } }),
    /conditioning\.features: .*1024/,
  ],
  [
    'more parameters than any prior has, each side alone allowed',
    (m) => ({
      ...m,
      levels: Array(8).fill({ steps: 256, width: 2048, splitWidth: 2048, kernel: 3 }),
    }),
    /levels: more than 500000000 parameters/,
  ],
  [
    'a climb of a billion steps',
    (m) => ({
      ...m,
      calibration: {
        betaMap: { steps: 1e9, rate: 1, polish: true, table: [{ sigma255: 10, beta: 1 }] },
      },
    }),
    /calibration\.betaMap\.steps: .*10000/,
  ],
  ['a megabyte of provenance', (m) => ({ ...m, provenance: { data: 'x'.repeat(1e6) } }), /at most 1000000/],
  [
    'an empty calibration',
    (m) => ({ ...m, calibration: { betaMap: { steps: 5, rate: 1, polish: true, table: [] } } }),
    /calibration\.betaMap\.table/,
  ],
];

function withLevel(model: LooseModel, index: number, change: object): LooseModel {
  const levels = model.levels as object[];
  return { ...model, levels: levels.map((level, i) => (i === index ? { ...level, ...change } : level)) };
}

function withWeights(model: LooseModel, change: object): LooseModel {
  return { ...model, weights: { ...model.weights, ...change } };
}

for (const [name, change, message] of WRONG_MODELS)
  test(`model.json with ${name}`, async () => {
    const { folder, modelFile, readModel, writeModel } = await copyOfFixture();
    await writeModel(change(await readModel()));
    await refuses(folder, modelFile, message);
  });

/** What is wrong, what it makes of the tensors, what the message says. */
type Tensors = Map<string, StoredTensor>;
const ODD = 'levels.0.steps.1.actnorm.bias';
const WRONG_TENSORS: readonly [string, (tensors: Tensors) => unknown, RegExp][] = [
  ['a missing tensor', (t) => t.delete(ODD), /tensor levels\.0\.steps\.1\.actnorm\.bias is missing/],
  [
    'an extra tensor',
    (t) => t.set('levels.0.steps.2.actnorm.bias', scalars(12)),
    /steps\.2\.actnorm\.bias is not part/,
  ],
  ['a misshapen tensor', (t) => t.set(ODD, scalars(11)), /actnorm\.bias has shape \[11\].*\[12\]/],
  [
    'a matrix for a vector',
    (t) => t.set(ODD, { ...scalars(12), shape: [3, 4] }),
    /has shape \[3,4\].*\[12\]/,
  ],
  ['NaN in a tensor', (t) => t.set(ODD, scalars(12, Number.NaN)), /actnorm\.bias.*not finite/],
  ['infinity in a tensor', (t) => t.set(ODD, scalars(12, Number.NEGATIVE_INFINITY)), /not finite/],
];

/** A vector of zeros but for its last number. */
function scalars(count: number, last = 0): StoredTensor {
  return { shape: [count], data: new Float32Array(count).fill(last, count - 1) };
}

for (const [name, change, message] of WRONG_TENSORS)
  test(`weights with ${name}`, async () => {
    const { folder, weightsFile, writeTensors } = await copyOfFixture();
    const tensors = new Map((await loadPrior(folder)).weights);
    await writeTensors(tensors);
    await loadPrior(folder);
    change(tensors);
    await writeTensors(tensors);
    await refuses(folder, weightsFile, message);
  });

test('weights that are a device, a folder, or far larger than the flow: not read', async () => {
  const { folder, weightsFile } = await copyOfFixture();
  await rm(weightsFile);
  await writeFile(weightsFile, '');
  await truncate(weightsFile, 3e9);
  await refuses(folder, weightsFile, /found 3000000000 bytes, expected at most/);
  await rm(weightsFile);
  await mkdir(weightsFile);
  await refuses(folder, weightsFile, /found a folder, expected a file/);
  await rm(weightsFile, { recursive: true });
  if (process.platform === 'win32') return console.log('SKIP devices: Windows has none in folders');
  await symlink('/dev/zero', weightsFile);
  await refuses(folder, weightsFile, /found a device, expected a file/);
});

test('a damaged or truncated weights file: the checksum differs', async () => {
  const { folder, weightsFile } = await copyOfFixture();
  const bytes = await readFile(weightsFile);
  for (const position of [0, 100, Math.floor(bytes.length / 2), bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[position] = (damaged[position] ?? 0) ^ 1;
    await writeFile(weightsFile, damaged);
    await refuses(folder, weightsFile, /checksum [0-9a-f]{12}\.\.\. differs.*fetch it again/);
  }
  await writeFile(weightsFile, bytes);
  await loadPrior(folder);
  for (const length of [bytes.length - 1, 8, 0]) {
    await truncate(weightsFile, length);
    await refuses(folder, weightsFile, /checksum/);
  }
});

test('bytes that are no safetensors file, although the checksum is theirs', async () => {
  const { folder, weightsFile, writeWeights } = await copyOfFixture();
  const bytes = await readFile(weightsFile);
  const header = (text: string) => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const cases: readonly [Uint8Array, RegExp][] = [
    [bytes.subarray(0, 5), /shorter than a safetensors header/],
    [bytes.subarray(0, 200), /header is longer than the file/],
    [bytes.subarray(0, bytes.length - 4), /does not fit/],
    [header('not JSON'), /header is not a JSON object/],
    [header('{"top.bias":3}'), /top\.bias is malformed/],
    [
      header('{"top.bias":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'),
      /BF16, expected F16, F32 or F64/,
    ],
    [header('{"top.bias":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'), /malformed/],
  ];
  for (const [content, message] of cases) {
    await writeWeights(content);
    await refuses(folder, weightsFile, message);
  }
});

test('one bit flipped anywhere in model.json: refused, or confined to what no checksum covers', async () => {
  const { folder, modelFile } = await copyOfFixture();
  const original = await loadPrior(folder);
  const bytes = await readFile(modelFile);
  let refused = 0;
  for (let position = 0; position < bytes.length; position++) {
    const flipped = Buffer.from(bytes);
    flipped[position] = (flipped[position] ?? 0) ^ 1;
    await writeFile(modelFile, flipped);
    try {
      const { model, weights } = await loadPrior(folder);
      // Shapes of tensors guard the architecture; the weights' checksum guards the weights.
      const { levels, conditioning, channels, weights: file } = original.model;
      assert.equal(
        {
          levels: model.levels,
          conditioning: model.conditioning,
          channels: model.channels,
          file: model.weights,
        },
        { levels, conditioning, channels, file },
        `position ${position}`,
      );
      assert.equal([...weights.keys()], [...original.weights.keys()]);
    } catch (error) {
      if (!(error instanceof FlowDenoiseError)) throw error;
      assert.is(error.code, 'BAD_PRIOR');
      assert.ok(error.message.includes(folder) && !error.message.includes('\n'), error.message);
      refused += 1;
    }
  }
  assert.ok(refused > bytes.length / 2, `${refused} of ${bytes.length} refused`);
  await writeFile(modelFile, bytes);
  assert.equal((await loadPrior(folder)).model, original.model);
});

test.run();
