// The interface of all engines, the part of it that lives in a worker thread, and how an engine runs an estimation.
import type { Climb, ClimbRequest } from '../inference/climb.js';
import type { Density, DensityRequest, Estimate, Estimation } from '../inference/estimation.js';
import type { Shape } from '../picture.js';

/** Every engine by name; `onnx:<provider>` are ONNX Runtime's own GPU providers. */
export const ENGINE_NAMES = [
  'tensorflow',
  'webgpu',
  'onnx',
  'wasm',
  'onnx:cuda',
  'onnx:dml',
  'onnx:coreml',
  'onnx:webgpu',
] as const;

export type EngineName = (typeof ENGINE_NAMES)[number];

/** One tile at which the prior is evaluated. */
export interface TilePoint extends Omit<DensityRequest, 'climb'> {
  readonly shape: Shape;
}

/** One tile at which beta-MAP's climb starts. */
export interface ClimbPoint extends TilePoint {
  readonly climb: ClimbRequest;
}

export interface Device {
  /** Library and version, as shown to the user. */
  readonly library: string;
  /** 'CPU', or the GPU's own name. */
  readonly device: string;
  readonly kind: 'cpu' | 'gpu' | 'software-gpu';
  /** The device's own memory, if known; undefined for the CPU, which uses the machine's. */
  readonly memoryBytes?: number | undefined;
}

/** An engine in the calling thread; it blocks while it computes. Owns sessions or tensors until closed. */
export interface LocalEngine {
  readonly device: Device;
  /** Tiles that keep it busy. A local engine with more than one makes its own batches; one with 1 takes a tile at a time. */
  readonly lanes: number;
  /** Takes over the tile's `y`: its buffer may be empty afterwards. */
  evaluate(tile: TilePoint): Promise<Density>;
  /** Runs beta-MAP's whole climb and takes over its samples. If undefined, the caller takes the steps. */
  readonly climb?: ((tile: ClimbPoint) => Promise<Climb>) | undefined;
  close(): Promise<void>;
}

/** An engine as the rest of the program sees it. Evaluations leave the event loop free. */
export interface Engine extends LocalEngine {
  readonly name: EngineName;
  /** Why this engine was chosen, as shown to the user. */
  readonly why: string;
  /** Our worker threads. */
  readonly threads: number;
}

/** Evaluates a tile on every lane at once, twice, and returns the seconds of each. The first also prepares the engine. */
export async function timeLanes(engine: Pick<Engine, 'lanes' | 'evaluate'>, tile: TilePoint) {
  const all = async () => {
    const started = performance.now();
    const copies = Array.from({ length: engine.lanes }, () => ({ ...tile, y: tile.y.slice() }));
    await Promise.all(copies.map((copy) => engine.evaluate(copy)));
    return (performance.now() - started) / 1000;
  };
  return { first: await all(), second: await all() };
}

/**
 * Runs one estimation, one evaluation at a time. src/tile/schedule.ts shares an engine among tiles.
 *
 * @param shape    the tile's: channels of the prior, height and width multiples of its squeeze factor
 * @param mayGoOn  called after every evaluation; throws to stop the estimation
 * @throws         FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function runEstimation<E extends Estimate>(
  engine: Pick<Engine, 'evaluate' | 'climb'>,
  shape: Shape,
  estimation: Estimation<E>,
  mayGoOn: () => void = () => {},
): Promise<E> {
  let next = estimation.next();
  while (!next.done) {
    const { climb, ...point } = next.value;
    // The engine takes over the buffers, so it gets copies.
    const tile = { ...point, shape, y: point.y.slice() };
    const answer =
      climb && engine.climb
        ? await engine.climb({ ...tile, climb: { ...climb, noisy: climb.noisy.slice() } })
        : await engine.evaluate(tile);
    mayGoOn();
    next = estimation.next(answer);
  }
  return next.value;
}
