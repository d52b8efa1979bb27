// The noise network: the same numbers on every carrier and by definition, weights that are checked, a thread that
// answers and ends, and profiles from what it says.
import '@tensorflow/tfjs-backend-cpu';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { loadOnnxRuntime } from '#src/core/engine/onnx/onnx-runtime.js';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { FlowDenoiseError } from '#src/core/errors.js';
import { parametersFrom, type WeightArray, type Weights } from '#src/core/flow/parameters.js';
import { loadNoiseNetwork } from '#src/core/model/load-prior.js';
import { readSafetensors, writeSafetensors } from '#src/core/model/safetensors.js';
import {
  FEATURES,
  FLOOR_255,
  LEVELS,
  logLevel,
  noiseNetwork,
  noiseNetworkShapes,
  UNCERTAINTY,
  uncertaintyOf,
} from '#src/core/noise/estimate/noise-network.js';
import { pictureHeadShapes } from '#src/core/noise/estimate/picture-head.js';
import { createOnnxGraph } from '#src/core/ops/onnx-graph.js';
import { onnxOps } from '#src/core/ops/onnx-ops.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { expectBelow, largestDifference } from '../../flow/differences.js';
import { float64Ops, tensor64 } from '../../flow/float64-ops.js';
import { randomNumbers } from '../../flow/random-weights.js';
import { photo, planar } from '../../photo.js';

const [HEIGHT, WIDTH] = [16, 32];
const OUTPUTS = 2 * LEVELS + FEATURES;
await openBackend('cpu');
const ort = await loadOnnxRuntime();
const picture = planar(
  (await photo('chelsea.png', { left: 150, top: 60, width: WIDTH, height: HEIGHT })).data,
);

function weightsOf(numbers: (name: string, shape: readonly number[], size: number) => Float32Array): Weights {
  return new Map(
    Object.entries(noiseNetworkShapes()).map(([name, shape]): [string, WeightArray] => {
      const size = shape.reduce((product, side) => product * side, 1);
      return [name, { shape, data: numbers(name, shape, size) }];
    }),
  );
}

const random = weightsOf((name, shape, size) => {
  const scale = shape.length === 1 ? 0.1 : Math.sqrt((2 * (shape[0] as number)) / size);
  return Float32Array.from(randomNumbers(size, scale, name.length + size));
});

function inTfjs(weights: Weights): Float32Array {
  return tf.tidy(() => {
    const input = tf.transpose(tf.tensor4d(picture, [1, 3, HEIGHT, WIDTH]), [0, 2, 3, 1]);
    const out = noiseNetwork(tfjsOps, parametersFrom(tfjsOps, weights), input);
    return tf.transpose(out, [0, 3, 1, 2]).dataSync() as Float32Array;
  });
}

async function inOnnx(weights: Weights): Promise<Float32Array> {
  const graph = createOnnxGraph('noise-network');
  const ops = onnxOps(graph);
  graph.output(
    'readings',
    noiseNetwork(ops, parametersFrom(ops, weights), graph.input('picture', [1, 3, HEIGHT, WIDTH])),
  );
  const session = await ort.InferenceSession.create(graph.serialize(), { logSeverityLevel: 3 });
  const { readings } = await session.run({
    picture: new ort.Tensor('float32', picture, [1, 3, HEIGHT, WIDTH]),
  });
  const data = readings?.data as Float32Array;
  await session.release();
  return data;
}

test('random weights: TensorFlow.js and ONNX Runtime against float64', async () => {
  const { shape, data } = noiseNetwork(
    float64Ops,
    parametersFrom(float64Ops, random),
    tensor64(picture, [1, 3, HEIGHT, WIDTH]),
  );
  assert.equal(shape, [1, OUTPUTS, HEIGHT / 16, WIDTH / 16]);
  const most = data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  assert.ok(most > 0.5, `outputs are ${most} at most: weights too small to tell anything`);
  for (const [name, found] of [
    ['TensorFlow.js', inTfjs(random)],
    ['ONNX Runtime', await inOnnx(random)],
  ] as const)
    expectBelow(largestDifference(found, data) / most, 1e-4, name);
});

test('TensorFlow.js leaves no tensors', () => {
  const before = tf.memory().numTensors;
  inTfjs(random);
  assert.is(tf.memory().numTensors, before);
});

/** Weights that carry input `feature` of the first layer at a quarter of the size, at each cell's top left, to output 0. */
function passing(feature: number): Weights {
  return weightsOf((name, shape, size) => {
    const data = new Float32Array(size);
    const isOnTheWay = /^(quarter|toEighth|eighth|toSixteenth|sixteenth|out)/.test(name);
    const [, inputs = 0, kernel = 1] = shape;
    if (!isOnTheWay || shape.length === 1) return data;
    const input = name.startsWith('quarter1') ? feature : 0;
    // Output 0 from the input's middle tap.
    data[(input % inputs) * kernel * kernel + (kernel * kernel - 1) / 2] = 1;
    return data;
  });
}

/** Luma of the picture, (R + G + B) / sqrt 3. */
const luma = (x: number, y: number) =>
  [0, 1, 2].reduce((sum, c) => sum + (picture[(c * HEIGHT + y) * WIDTH + x] as number), 0) / Math.sqrt(3);

/** Mean and the first (left minus right) detail of the Haar transform of 2 x 2 values. */
const haar = (of: (x: number, y: number) => number, x: number, y: number) => {
  const [a, b, c, d] = [
    of(2 * x, 2 * y),
    of(2 * x + 1, 2 * y),
    of(2 * x, 2 * y + 1),
    of(2 * x + 1, 2 * y + 1),
  ];
  return { mean: (a + b + c + d) / 2, detail: (a - b + c - d) / 2 };
};

test('the features are what they are said to be: logarithms of the local power of Haar details', async () => {
  const at = (found: Float32Array, column: number, row: number) =>
    found[row * (WIDTH / 16) + column] as number;
  const lifted = (power: number) => Math.max(0, 0.3 * Math.log(power + 1e-6) + 2.8);
  const [fine, coarse] = [await inOnnx(passing(0)), inTfjs(passing(9))];
  for (let row = 0; row < HEIGHT / 16; row++)
    for (let column = 0; column < WIDTH / 16; column++) {
      const [x, y] = [4 * column, 4 * row];
      const halves = [0, 1].flatMap((dy) => [0, 1].map((dx) => haar(luma, 2 * x + dx, 2 * y + dy).detail));
      const power = halves.reduce((sum, value) => sum + value ** 2, 0) / 4;
      expectBelow(Math.abs(at(fine, column, row) - lifted(power)), 1e-4, `fine, ${column}, ${row}`);
      let around = 0;
      const half = (u: number, v: number) => haar(luma, u, v).mean;
      // 3 x 3 places, nothing beyond the borders.
      for (let v = y - 1; v <= y + 1; v++)
        for (let u = x - 1; u <= x + 1; u++) if (u >= 0 && v >= 0) around += haar(half, u, v).detail ** 2 / 9;
      expectBelow(Math.abs(at(coarse, column, row) - lifted(around)), 1e-4, `coarse, ${column}, ${row}`);
    }
});

test('levels are logarithms over a floor, uncertainties stay within their reach', () => {
  expectBelow(Math.abs(logLevel(0) - Math.log(FLOOR_255)), 1e-12, 'no noise');
  expectBelow(Math.abs(logLevel((20 / 255) ** 2) - Math.log(20)), 2e-4, 'sigma 20');
  const { centre, reach } = UNCERTAINTY;
  expectBelow(Math.abs(uncertaintyOf(0) - Math.exp(centre / 2)), 1e-12, 'the centre');
  expectBelow(uncertaintyOf(1000), Math.exp((centre + reach) / 2) + 1e-12, 'the most');
  assert.ok(uncertaintyOf(-1000) >= Math.exp((centre - reach) / 2) - 1e-12);
  assert.ok(uncertaintyOf(1) > uncertaintyOf(0.9));
});

test('the shipped network loads; one that is damaged is refused', async () => {
  const shipped = await loadNoiseNetwork();
  assert.equal(
    [...shipped.keys()].sort(),
    Object.keys({ ...noiseNetworkShapes(), ...pictureHeadShapes() }).sort(),
  );
  const root = new URL('../../../../models/noise-network/', import.meta.url);
  const bytes = await readFile(new URL('weights.safetensors', root));
  const card = JSON.parse(await readFile(new URL('network.json', root), 'utf8')) as Record<string, unknown>;
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-network-'));
  const refusal = async (weights: Uint8Array, changed: object = {}) => {
    const sha256 = createHash('sha256').update(weights).digest('hex');
    const honest = { ...card, weights: { file: 'weights.safetensors', sha256 }, ...changed };
    await writeFile(join(folder, 'weights.safetensors'), weights);
    await writeFile(join(folder, 'network.json'), JSON.stringify(honest));
    const error = await loadNoiseNetwork(folder).catch((reason: unknown) => reason);
    if (!(error instanceof FlowDenoiseError)) return 'none';
    assert.is(error.code, 'BAD_PRIOR');
    assert.ok(error.message.includes(folder), error.message);
    return error.message;
  };
  const changed = (
    change: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void,
  ) => {
    const tensors = new Map(
      [...readSafetensors(bytes)].map(([name, { shape, data }]) => [
        name,
        { shape, data: Float32Array.from(data) },
      ]),
    );
    change(tensors);
    return writeSafetensors(tensors);
  };
  try {
    assert.is(await refusal(bytes), 'none');
    const tampered = Buffer.from(bytes);
    tampered[tampered.length - 1] = (tampered.at(-1) ?? 0) ^ 1;
    assert.match(await refusal(tampered, { weights: card.weights }), /checksum/);
    assert.match(await refusal(changed((tensors) => tensors.delete('raw.bias'))), /raw\.bias is missing/);
    const reshaped = changed((tensors) => tensors.set('out.bias', { shape: [2], data: new Float32Array(2) }));
    assert.match(await refusal(reshaped), /out\.bias/);
    const spoiled = changed((tensors) => {
      (tensors.get('raw.weight') as { data: Float32Array }).data[3] = Number.NaN;
    });
    assert.match(await refusal(spoiled), /raw\.weight .*not finite/);
    assert.match(await refusal(bytes, { version: 2 }), /version/);
    assert.match(await refusal(bytes.subarray(0, 100)), /weights\.safetensors/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const resources = () => process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name));

test('the meter answers as the network does, tile for tile, and is closed without a trace', async () => {
  const before = resources();
  const meter = openNoiseMeter();
  assert.equal(resources(), before, 'no thread before the first tile');
  const expected = inTfjs(await loadNoiseNetwork());
  const most = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const size = { height: HEIGHT, width: WIDTH };
  const answers = await Promise.all([1, 2, 3].map(() => meter.measure(picture.slice(), size)));
  for (const found of answers) expectBelow(largestDifference(found, expected) / most, 1e-4, 'readings');
  // More shapes than sessions are kept for, and the first one again.
  for (const side of [16, 32, 48, 64, 80])
    assert.is(
      (await meter.measure(new Float32Array(3 * side * 16), { height: side, width: 16 })).length,
      (OUTPUTS * side) / 16,
    );
  assert.equal(await meter.measure(picture.slice(), size), answers[0]);
  await meter.close();
  await meter.close();
  assert.equal(resources(), before);
});

test('the meter: a tile that fits no cells fails alone; close refuses what waits and what comes', async () => {
  const meter = openNoiseMeter();
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: unknown) => (error instanceof FlowDenoiseError ? error.code : error),
    );
  const odd = codeOf(meter.measure(new Float32Array(3 * 20 * 20), { height: 20, width: 20 }));
  const good = codeOf(meter.measure(picture.slice(), { height: HEIGHT, width: WIDTH }));
  assert.equal(await Promise.all([odd, good]), ['ENGINE_FAILED', 'none']);
  const waiting = codeOf(meter.measure(picture.slice(), { height: HEIGHT, width: WIDTH }));
  await meter.close();
  assert.is(await waiting, 'CLOSED');
  assert.is(
    await codeOf(
      Promise.resolve().then(() => meter.measure(picture.slice(), { height: HEIGHT, width: WIDTH })),
    ),
    'CLOSED',
  );
});

test('an idle meter that nobody closed lets the process end', async () => {
  const program = `
    import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
    const readings = await openNoiseMeter().measure(new Float32Array(3 * 256), { height: 16, width: 16 });
    console.log(readings.length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    cwd: new URL('../../../../', import.meta.url),
    timeout: 120_000,
  });
  assert.is(stdout.trim(), String(OUTPUTS));
});

test.run();
