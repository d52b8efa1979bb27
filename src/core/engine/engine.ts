// Where programs run: the one interface of all engines, and the part of it that lives in a worker thread.
import type { PictureShape } from '../ops/tensor-ops.js';

export type EngineName = 'onnx' | 'tensorflow' | 'wasm';

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

/** An engine in the calling thread: computes at once and blocks. Owns sessions or tensors until closed. */
export interface LocalEngine {
  /** Library and version, for the user. */
  readonly description: string;
  evaluate(batch: Batch): Promise<BatchResult>;
  close(): Promise<void>;
}

/** An engine as the rest of the program sees it: evaluations leave the event loop free. */
export interface Engine {
  readonly name: EngineName;
  /** Why this engine, in words. */
  readonly why: string;
  /** Evaluations to keep in flight at once so that no core idles. */
  readonly lanes: number;
  /** Tiles in one evaluation. */
  readonly batchSize: number;
  evaluate(batch: Batch): Promise<BatchResult>;
  close(): Promise<void>;
}
