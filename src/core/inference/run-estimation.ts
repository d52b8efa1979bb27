// Runs one estimation against an engine, one evaluation after the other. Pictures of many tiles go through
// src/tile/schedule.ts instead.
import type { Ascent } from '../engine/ascent.js';
import type { Engine } from '../engine/engine.js';
import type { PictureShape } from '../ops/tensor-ops.js';
import {
  type Answer,
  type ClimbRequest,
  type Estimate,
  type Estimation,
  type EstimationRequest,
  isClimb,
} from './estimation.js';

/**
 * @param shape of the tile: channels of the prior, height and width multiples of its squeeze factor
 * @throws FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function runEstimation<E extends Estimate>(
  engine: Pick<Engine, 'evaluate' | 'ascend'>,
  shape: Omit<PictureShape, 'batch'>,
  estimation: Estimation<E>,
): Promise<E> {
  let next = estimation.next();
  while (!next.done) next = estimation.next(await answerTo(next.value, engine, shape));
  return next.value;
}

async function answerTo(
  request: EstimationRequest,
  engine: Pick<Engine, 'evaluate' | 'ascend'>,
  shape: Omit<PictureShape, 'batch'>,
): Promise<Answer> {
  if (isClimb(request)) return climb(request, engine);
  const { y, sigma } = request;
  // A copy: the engine takes the buffer away.
  const batch = { shape: { batch: 1, ...shape }, y: y.slice(), sigma: Float32Array.of(sigma) };
  const { logDensity, score } = await engine.evaluate(batch);
  return { logDensity: logDensity[0] ?? Number.NaN, score };
}

/** @throws  TypeError when the estimation was not made for this engine */
export function climb({ ascent }: ClimbRequest, engine: Pick<Engine, 'ascend'>): Promise<Ascent> {
  if (!engine.ascend) throw new TypeError('this engine takes no climbs');
  return engine.ascend(ascent);
}
