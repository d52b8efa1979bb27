// beta-MAP's climb under Gaussian noise as data: engines whose tiles stay on a device take it in one request. What
// it means stands in core/inference/beta-map.ts, which makes the requests; nothing is computed here.
import type { PictureShape } from '../ops/tensor-ops.js';

/**
 * Adam on -sigma^2 J from `start`, J(C) = -beta/2 sum precision (noisy - C)^2 + ln p_s(C) at s = priorSigma, for one
 * tile.
 */
export interface AscentRequest {
  readonly shape: Omit<PictureShape, 'batch'>;
  /** Planar [C, H, W]. */
  readonly start: Float32Array;
  readonly noisy: Float32Array;
  /** 1 / sigma^2 of the likelihood: [1] for the tile, [H * W] or [C * H * W]. */
  readonly precision: Float32Array;
  readonly beta: number;
  readonly priorSigma: number;
  /** The unit of the gradient: see above. */
  readonly sigma: number;
  /** Adam's, in the units of the samples. */
  readonly adam: {
    readonly steps: number;
    readonly rate: number;
    readonly epsilon: number;
    readonly betas: readonly [number, number];
  };
  /** Converged when a step's root mean square is below this. */
  readonly tolerance: number;
  /** A score beyond this, or one that is not finite, ends the climb: the flow broke down. */
  readonly mostScore: number;
  /** Whether priorSigma^2 times its score is added to the best iterate. */
  readonly polish: boolean;
}

export interface Ascent {
  /** The iterate with the best J, polished if asked for; undefined where the flow broke down at the start. */
  readonly estimate: Float32Array | undefined;
  /** J of the iterate before the polish, nats. */
  readonly objective: number;
  readonly steps: number;
  readonly isConverged: boolean;
}
