// The inside of the noise meter's thread: runs the noise network in ONNX Runtime, or in TensorFlow.js if that does not load.
// Opens it at the first tile.
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../errors.js';
import { parametersFrom, type Weights } from '../../flow/parameters.js';
import { loadNoiseNetwork } from '../../model/load-noise-network.js';
import { CELL, FEATURES, LEVELS, noiseNetwork } from '../../noise/estimate/noise-network.js';
import { type PictureLevels, poolCells } from '../../noise/estimate/picture-head.js';
import { createOnnxGraph } from '../../ops/onnx-graph.js';
import { onnxOps } from '../../ops/onnx-ops.js';
import { loadOnnxRuntime } from '../onnx/onnx-runtime.js';

export interface TileTask {
  readonly kind: 'tile';
  /** [3, H, W] */
  readonly tile: Float32Array;
  readonly height: number;
  readonly width: number;
}

export interface PoolTask {
  readonly kind: 'pool';
  /** [count, CELL_INPUTS] */
  readonly cells: Float32Array;
}

export interface MeterRequest {
  readonly id: number;
  readonly task: TileTask | PoolTask;
}

export type MeterReply =
  | { readonly id: number; readonly result: Float32Array | PictureLevels }
  | { readonly id: number; readonly reason: string };

type Measure = (task: TileTask) => Promise<Float32Array>;

interface OpenMeter {
  readonly measure: Measure;
  readonly weights: Weights;
}

async function openOnnx(weights: Weights): Promise<Measure> {
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(recorded(weights), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  return async ({ tile, height, width }) => {
    const { readings } = await session.run({
      picture: new ort.Tensor('float32', tile, [1, 3, height, width]),
    });
    return readings?.data as Float32Array;
  };
}

/** The network as an ONNX model, for tiles of any size. */
function recorded(weights: Weights): Uint8Array {
  const graph = createOnnxGraph('noise-network', { isAnySize: true });
  const ops = onnxOps(graph);
  const picture = graph.input('picture', [1, 3, 2 * CELL, 2 * CELL]);
  graph.output('readings', noiseNetwork(ops, parametersFrom(ops, weights), picture));
  return graph.serialize();
}

async function openTfjs(weights: Weights): Promise<Measure> {
  const tf = await import('@tensorflow/tfjs-core');
  const { openBackend } = await import('../tfjs/tfjs-backend.js');
  const { tfjsOps } = await import('../../ops/tfjs-ops.js');
  await openBackend('wasm');
  const parameters = parametersFrom(tfjsOps, weights);
  return async ({ tile, height, width }) => {
    const readings = tf.tidy(() => {
      const picture = tf.transpose(tf.tensor4d(tile, [1, 3, height, width]), [0, 2, 3, 1]);
      return tf.transpose(noiseNetwork(tfjsOps, parameters, picture), [0, 3, 1, 2]);
    });
    const data = (await readings.data()) as Float32Array;
    readings.dispose();
    return data;
  };
}

async function open(): Promise<OpenMeter> {
  const weights = await loadNoiseNetwork();
  return { weights, measure: await openOnnx(weights).catch(() => openTfjs(weights)) };
}

const port = parentPort;
if (!port) throw new Error('noise-meter-worker runs in a worker thread only');
let opened: Promise<OpenMeter> | undefined;
let previous: Promise<unknown> = Promise.resolve();

async function measured(measure: Measure, task: TileTask): Promise<Float32Array> {
  const readings = Float32Array.from(await measure(task));
  if (readings.length !== ((2 * LEVELS + FEATURES) * task.height * task.width) / CELL ** 2)
    throw new Error(`the noise network gave ${readings.length} numbers`);
  return readings;
}

async function answer({ id, task }: MeterRequest): Promise<void> {
  try {
    opened ??= open();
    const { measure, weights } = await opened;
    if (task.kind === 'pool') {
      port?.postMessage({ id, result: poolCells(weights, task.cells) } satisfies MeterReply);
    } else {
      const result = await measured(measure, task);
      port?.postMessage({ id, result } satisfies MeterReply, [result.buffer as ArrayBuffer]);
    }
  } catch (error) {
    port?.postMessage({ id, reason: messageOf(error) } satisfies MeterReply);
  }
}

port.on('message', (request: MeterRequest | 'close') => {
  if (request === 'close') previous = previous.finally(() => port.close());
  else previous = previous.then(() => answer(request));
});
