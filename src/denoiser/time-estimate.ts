// Estimates how long pictures will take, from a measurement on this machine.
import { type Engine, timeLanes } from '../core/engine/engine.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import { sum } from '../core/metrics/index.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Size } from '../core/picture.js';
import { planTiles, type TileSize } from '../tile/plan.js';

/** Side of the measured tile: large enough to be typical, small enough to be quick. */
const PROBE_SIDE = 128;

/** An engine's speed on this machine. */
export interface Pace {
  /** Per evaluation and pixel, with every lane busy. */
  readonly secondsPerPixel: number;
  /** How much longer the first evaluation of a tile shape takes. */
  readonly preparation: number;
}

/** Pixels that take about a second to evaluate: measuring would take longer. */
const FEW_PIXELS = 4e5;

/** Two typical cores, used if the work is too short to measure. */
const TYPICAL: Pace = { secondsPerPixel: 3.5e-6, preparation: 0.5 };

/** The pace of an engine, measured when it is first needed for more than a few pixels. */
export function paceOf(engine: Engine, model: PriorModel): (pixels: number) => Promise<Pace> {
  let measured: Promise<Pace> | undefined;
  return async (pixels) => {
    if (measured === undefined && pixels < FEW_PIXELS) return TYPICAL;
    measured ??= measurePace(engine, model);
    return measured;
  };
}

/** Takes a second or two. */
async function measurePace(engine: Engine, model: PriorModel): Promise<Pace> {
  const factor = squeezeFactor(model);
  const side = Math.ceil(PROBE_SIDE / factor) * factor;
  const shape = { channels: model.channels, height: side, width: side };
  const y = new Float32Array(3 * side * side).fill(0.5);
  const sigma = Math.sqrt(model.sigmaRange[0] * model.sigmaRange[1]);
  const { first, second } = await timeLanes(engine, { shape, y, sigma });
  return {
    secondsPerPixel: second / (engine.lanes * side * side),
    preparation: Math.max(0, first - second),
  };
}

/** The tiles of pictures, all their pixels (overlaps count as often as they are computed), and how many shapes they have. */
export function countTiles(
  sizes: readonly Size[],
  options: { readonly tileSize: TileSize; readonly overlap: number; readonly multiple: number },
) {
  const plans = sizes.map(({ width, height }) => planTiles({ width, height, ...options }));
  return {
    tiles: sum(plans.map(({ tiles }) => tiles.length)),
    pixels: sum(plans.map(({ tiles, tileWidth, tileHeight }) => tiles.length * tileWidth * tileHeight)),
    shapes: new Set(plans.map(({ tileWidth, tileHeight }) => `${tileWidth} ${tileHeight}`)).size,
  };
}
