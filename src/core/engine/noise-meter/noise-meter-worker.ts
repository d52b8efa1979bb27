// The inside of the noise meter's thread: runs the noise network in ONNX Runtime, or in TensorFlow.js if that does not load.
import { messageOf } from '../../errors.js';
import { parametersFrom, type Weights } from '../../flow/parameters.js';
import { loadNoiseNetwork } from '../../model/load-prior.js';
import { CELL, FEATURES, LEVELS, noiseNetwork } from '../../noise/estimate/noise-network.js';
import { type PictureLevels, poolCells } from '../../noise/estimate/picture-head.js';
import { createOnnxGraph } from '../../ops/onnx-graph.js';
import { onnxOps } from '../../ops/onnx-ops.js';
import type { Size } from '../../picture.js';
import { loadOnnxRuntime } from '../onnx/onnx-runtime.js';
import { answerRequests } from '../request-thread.js';

/** The tile is [3, H, W]. */
type TileTask = Size & { readonly tile: Float32Array };

/** A tile is answered with its readings, cells, [count, CELL_INPUTS], with `PictureLevels`. */
export type MeterTask = TileTask | { readonly cells: Float32Array };

type Measure = (task: TileTask) => Promise<Float32Array>;

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
  const { pictureOf, planar } = await import('../tfjs/tfjs-climbs.js');
  const { tfjsOps } = await import('../../ops/tfjs-ops.js');
  await openBackend('wasm');
  const parameters = parametersFrom(tfjsOps, weights);
  return async ({ tile, height, width }) => {
    const readings = tf.tidy(() =>
      planar(noiseNetwork(tfjsOps, parameters, pictureOf(tile, { channels: 3, height, width }))),
    );
    const data = (await readings.data()) as Float32Array;
    readings.dispose();
    return data;
  };
}

const weights = await loadNoiseNetwork();
const measure = await openOnnx(weights).catch((onnx) =>
  openTfjs(weights).catch((tfjs) => {
    throw new Error(`ONNX Runtime: ${messageOf(onnx)}; TensorFlow.js: ${messageOf(tfjs)}`);
  }),
);

async function answer(task: MeterTask): Promise<Float32Array | PictureLevels> {
  if ('cells' in task) return poolCells(weights, task.cells);
  const readings = await measure(task);
  if (readings.length !== ((2 * LEVELS + FEATURES) * task.height * task.width) / CELL ** 2)
    throw new Error(`the noise network gave ${readings.length} numbers`);
  return readings;
}

answerRequests(answer, true);
