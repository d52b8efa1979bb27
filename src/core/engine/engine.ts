// Where programs run: the one interface of all engines, and the part of it that lives in a worker thread.
import type { Climb, ClimbRequest } from '../inference/climb.js';
import type { Density, DensityRequest } from '../inference/estimation.js';
import type { TileShape } from '../ops/tensor-ops.js';

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
  readonly shape: TileShape;
}

/** One tile from which beta-MAP climbs. */
export interface ClimbPoint extends TilePoint {
  readonly climb: ClimbRequest;
}

/** What computes. */
export interface Device {
  /** Library and version, for the user. */
  readonly library: string;
  /** 'CPU', or the GPU by its own name. */
  readonly device: string;
  readonly kind: 'cpu' | 'gpu' | 'software-gpu';
  /** Of the device itself, where it tells; undefined for the CPU, which has the machine's. */
  readonly memoryBytes?: number | undefined;
}

/** An engine in the calling thread: computes at once and blocks. Owns sessions or tensors until closed. */
export interface LocalEngine {
  readonly device: Device;
  /**
   * Tiles that keep it busy. More than one: it takes them at the same time and makes its own batches of them; one: it
   * must be asked one after the other.
   */
  readonly lanes: number;
  evaluate(tile: TilePoint): Promise<Density>;
  /** Where tiles can stay on the device from step to step. */
  readonly climb?: ((tile: ClimbPoint) => Promise<Climb>) | undefined;
  close(): Promise<void>;
}

/** An engine as the rest of the program sees it: evaluations leave the event loop free. */
export interface Engine {
  readonly name: EngineName;
  /** Why this engine, in words. */
  readonly why: string;
  readonly device: Device;
  /** Worker threads of ours. */
  readonly threads: number;
  /** Tiles to keep in flight at once so that no core idles. */
  readonly lanes: number;
  /** The tile's `y` is handed over: its buffer is empty afterwards. */
  evaluate(tile: TilePoint): Promise<Density>;
  /** beta-MAP's climb as one request, its samples handed over; undefined where the caller takes the steps. */
  readonly climb?: ((tile: ClimbPoint) => Promise<Climb>) | undefined;
  close(): Promise<void>;
}
