// Records a prior's density and score as an ONNX model, for one tile shape or for all, then collects garbage: a recorded
// model is tens of MB outside V8's heap, where V8 does not see it and would keep several for minutes.
import v8 from 'node:v8';
import vm from 'node:vm';
import { densityAndScore } from '../../flow/log-density.js';
import { parametersFrom } from '../../flow/parameters.js';
import type { Prior } from '../../model/load-prior.js';
import { createOnnxGraph, type OnnxGraphOptions } from '../../ops/onnx-graph.js';
import { type OnnxOpsOptions, onnxOps } from '../../ops/onnx-ops.js';
import type { PictureShape } from '../../ops/tensor-ops.js';

/**
 * An ONNX model, as bytes, with inputs y [B, C, H, W] and sigma [B, 1] and outputs logDensity [B] and score (like y).
 *
 * @param sigma  if given, it is fixed and the model has no input for it
 */
export function recordDensityAndScore(
  prior: Pick<Prior, 'model' | 'weights'>,
  shape: PictureShape,
  sigma?: number,
  { isAnySize, ...options }: OnnxOpsOptions & OnnxGraphOptions = {},
): Uint8Array {
  const { batch, channels, height, width } = shape;
  const graph = createOnnxGraph(prior.model.name, { isAnySize });
  const ops = onnxOps(graph, options);
  const evaluate = densityAndScore(ops, prior.model, parametersFrom(ops, prior.weights));
  const { logDensity, score } = evaluate(
    graph.input('y', [batch, channels, height, width]),
    sigma === undefined
      ? graph.input('sigma', [batch, 1])
      : graph.constant(new Float32Array(batch).fill(sigma), [batch, 1]),
  );
  graph.output('logDensity', logDensity);
  graph.output('score', score);
  return graph.serialize();
}

let collect: (() => void) | undefined;

/** Collects this thread's garbage now, in some milliseconds. Does nothing if V8 does not offer it. */
export function collectGarbage(): void {
  if (!collect) {
    v8.setFlagsFromString('--expose-gc');
    const gc: unknown = vm.runInNewContext('globalThis.gc');
    collect = typeof gc === 'function' ? () => gc() : () => {};
  }
  collect();
}
