// An engine of our own interface whose answers are a simple function of the point, which notes what it is asked
// and answers when it is told to, or soon. And tiles that know which they are.
import { setImmediate } from 'node:timers/promises';
import type { Engine } from '#src/core/engine/engine.js';
import { densityAt, type Estimation } from '#src/core/inference/estimation.js';
import type { Shape } from '#src/core/picture.js';

export const SMALL: Shape = { channels: 3, height: 2, width: 2 };
export const TALL: Shape = { channels: 3, height: 4, width: 2 };

/** A tile by its number, and its shape. */
export interface Asked {
  readonly tile: number;
  readonly shape: Shape;
}

export interface RecordingEngine extends Pick<Engine, 'lanes' | 'evaluate'> {
  readonly asked: readonly Asked[];
  /** The most evaluations that were in flight at once. */
  readonly mostInFlight: number;
}

const density = (tile: number, sigma: number) => 10 * tile + sigma;
const slope = (tile: number, sigma: number) => Math.fround(tile / 8 + sigma);

/** @param before awaited in every evaluation, with what it was asked; throws to make it fail */
export function recordingEngine(
  lanes: number,
  before: (asked: Asked, index: number) => Promise<unknown> = () => setImmediate(),
): RecordingEngine {
  const asked: Asked[] = [];
  let [inFlight, most] = [0, 0];
  return {
    lanes,
    asked,
    get mostInFlight() {
      return most;
    },
    async evaluate({ shape, y, sigma }) {
      const tile = y[0] as number;
      const index = asked.push({ tile, shape }) - 1;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await before({ tile, shape }, index);
      inFlight -= 1;
      return { logDensity: density(tile, sigma), score: y.map((value) => slope(value, sigma)) };
    },
  };
}

/** Tile number `tile`, done after `evaluations`; its estimate sums up all that it was told. */
export function* tileEstimation(
  tile: number,
  { channels, height, width }: Shape,
  evaluations: number,
  onStart: () => void = () => {},
): Estimation {
  onStart();
  const y = new Float32Array(channels * height * width).fill(tile);
  const estimate = new Float32Array(y.length);
  for (let k = 0; k < evaluations; k++) {
    const { logDensity, score } = yield* densityAt({ y, sigma: (k + 1) / 16 });
    for (let i = 0; i < y.length; i++)
      estimate[i] = (estimate[i] as number) + logDensity + (score[i] as number);
  }
  return { estimate, evaluations };
}

/** What that estimate is, whoever else was in work. */
export function expectedEstimate(tile: number, { channels, height, width }: Shape, evaluations: number) {
  let sum = 0;
  for (let k = 1; k <= evaluations; k++) sum += density(tile, k / 16) + slope(tile, k / 16);
  return new Float32Array(channels * height * width).fill(sum);
}
