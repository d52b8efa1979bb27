// Runs one estimation against an engine, one evaluation after the other. The tiles of pictures share an engine in
// src/tile/schedule.ts.
import type { Answer, DensityRequest, Estimate, Estimation } from '../inference/estimation.js';
import type { TileShape } from '../ops/tensor-ops.js';
import type { Engine } from './engine.js';

/**
 * @param shape    of the tile: channels of the prior, height and width multiples of its squeeze factor
 * @param mayGoOn  called after every evaluation; throws to end the estimation there
 * @throws         FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function runEstimation<E extends Estimate>(
  engine: Pick<Engine, 'evaluate' | 'climb'>,
  shape: TileShape,
  estimation: Estimation<E>,
  mayGoOn: () => void = () => {},
): Promise<E> {
  let next = estimation.next();
  while (!next.done) {
    const answer = await answerTo(next.value, engine, shape);
    mayGoOn();
    next = estimation.next(answer);
  }
  return next.value;
}

function answerTo(
  { climb, ...point }: DensityRequest,
  engine: Pick<Engine, 'evaluate' | 'climb'>,
  shape: TileShape,
): Promise<Answer> {
  // Copies: the engine takes the buffers away.
  const tile = { ...point, shape, y: point.y.slice() };
  if (!climb || !engine.climb) return engine.evaluate(tile);
  return engine.climb({ ...tile, climb: { ...climb, noisy: climb.noisy.slice() } });
}
