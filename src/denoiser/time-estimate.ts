// How long pictures will take, from a measurement on this machine.
import type { Engine } from '../core/engine/engine.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import type { PriorModel } from '../core/model/model-json.js';
import { planTiles } from '../tile/plan.js';

/** Side of the tile that is measured: large enough to be typical, small enough to take a moment. */
const PROBE_SIDE = 128;

/** Seconds per evaluation and pixel with every lane of the engine busy. Takes a second or two. */
export async function measureSecondsPerPixel(engine: Engine, model: PriorModel): Promise<number> {
  const factor = squeezeFactor(model);
  const side = Math.ceil(PROBE_SIDE / factor) * factor;
  const shape = { channels: model.channels, height: side, width: side };
  const probe = () =>
    Promise.all(
      Array.from({ length: engine.lanes }, () =>
        engine.evaluate({
          shape,
          y: new Float32Array(3 * side * side).fill(0.5),
          sigma: Math.sqrt(model.sigmaRange[0] * model.sigmaRange[1]),
        }),
      ),
    );
  // The first evaluation records the graph.
  await probe();
  const started = performance.now();
  await probe();
  return (performance.now() - started) / 1000 / (engine.lanes * side * side);
}

export interface TileCount {
  readonly tiles: number;
  /** Pixels of all tiles, overlaps counted as often as they are computed. */
  readonly pixels: number;
}

export function countTiles(
  sizes: readonly { readonly width: number; readonly height: number }[],
  options: { readonly tileSize: number; readonly overlap: number; readonly multiple: number },
): TileCount {
  return sizes.reduce<TileCount>(
    (sum, { width, height }) => {
      const plan = planTiles({ width, height, ...options });
      const tiles = sum.tiles + plan.tiles.length;
      return { tiles, pixels: sum.pixels + plan.tiles.length * plan.tileWidth * plan.tileHeight };
    },
    { tiles: 0, pixels: 0 },
  );
}
