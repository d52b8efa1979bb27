// Runs one estimation on an engine, one evaluation at a time. src/tile/schedule.ts shares an engine among tiles.
import type { Answer, DensityRequest, Estimate, Estimation } from '../inference/estimation.js';
import type { TileShape } from '../ops/tensor-ops.js';
import type { Engine } from './engine.js';

/**
 * @param shape    the tile's: channels of the prior, height and width multiples of its squeeze factor
 * @param mayGoOn  called after every evaluation; throws to stop the estimation
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
  // The engine takes over the buffers, so it gets copies.
  const tile = { ...point, shape, y: point.y.slice() };
  if (!climb || !engine.climb) return engine.evaluate(tile);
  return engine.climb({ ...tile, climb: { ...climb, noisy: climb.noisy.slice() } });
}
