// Runs one estimation against an engine, one evaluation after the other. Pictures of many tiles go through
// src/tile/schedule.ts instead.
import type { Engine } from '../engine/engine.js';
import type { PictureShape } from '../ops/tensor-ops.js';
import type { Estimate, Estimation } from './estimation.js';

/**
 * @param shape of the tile: channels of the prior, height and width multiples of its squeeze factor
 * @throws FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function runEstimation<E extends Estimate>(
  engine: Pick<Engine, 'evaluate'>,
  shape: Omit<PictureShape, 'batch'>,
  estimation: Estimation<E>,
): Promise<E> {
  let next = estimation.next();
  while (!next.done) {
    const { y, sigma } = next.value;
    // A copy: the engine takes the buffer away.
    const batch = { shape: { batch: 1, ...shape }, y: y.slice(), sigma: Float32Array.of(sigma) };
    const { logDensity, score } = await engine.evaluate(batch);
    next = estimation.next({ logDensity: logDensity[0] ?? Number.NaN, score });
  }
  return next.value;
}
