// Where programs run: the one interface of all engines, and the part of it that lives in a worker thread.
import type { PictureShape } from '../ops/tensor-ops.js';
import type { Ascent, AscentRequest } from './ascent.js';

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

/** A batch of points at which the prior is evaluated. */
export interface Batch {
  readonly shape: PictureShape;
  /** [B, C, H, W] */
  readonly y: Float32Array;
  /** [B], [0, 1] units. */
  readonly sigma: Float32Array;
  /** Whether these noise levels are not likely to come again. */
  readonly varies?: boolean | undefined;
}

export interface BatchResult {
  /** [B], nats. */
  readonly logDensity: Float32Array;
  /** [B, C, H, W] */
  readonly score: Float32Array;
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
   * Requests that keep it busy. More than one: it takes them at the same time and makes its own batches of them; one:
   * it must be asked one after the other.
   */
  readonly lanes: number;
  evaluate(batch: Batch): Promise<BatchResult>;
  /** Where tiles can stay on the device from step to step. */
  readonly ascend?: ((request: AscentRequest) => Promise<Ascent>) | undefined;
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
  /** Evaluations to keep in flight at once so that no core idles. */
  readonly lanes: number;
  /** Tiles in one evaluation; engines with lanes for a batch of their own take one. */
  readonly batchSize: number;
  /** The batch's `y` is handed over: its buffer is empty afterwards. */
  evaluate(batch: Batch): Promise<BatchResult>;
  /** beta-MAP's climb as one request, its buffers handed over; undefined where the caller takes the steps. */
  readonly ascend?: ((request: AscentRequest) => Promise<Ascent>) | undefined;
  close(): Promise<void>;
}
