// beta-MAP's climb: its request, its result, and the decisions after each step. The host (beta-map.ts) and devices
// (core/engine/tfjs/tfjs-climbs.ts) share it.
import type { ElementwiseOps } from '../ops/tensor-ops.js';
import { type AdamFactors, type AdamOptions, adamFactors } from './adam.js';

/**
 * Adam on -sigma^2 J, for one tile: J(C) = -beta/2 sum precision (noisy - C)^2 + ln p_s(C). The request that carries it
 * holds the start and s.
 */
export interface ClimbRequest {
  /** Planar [C, H, W]. */
  readonly noisy: Float32Array;
  /** 1 / sigma^2 of the likelihood: [1] for the tile, [H * W] or [C * H * W]. */
  readonly precision: Float32Array;
  readonly beta: number;
  /** Scales the gradient, see above. */
  readonly sigma: number;
  /** In the units of the samples. */
  readonly adam: AdamOptions;
  /** The climb has converged when a step's root mean square is below this. */
  readonly tolerance: number;
  /** A larger score, or one that is not finite, ends the climb: the flow broke down. */
  readonly mostScore: number;
  /** Whether to add s^2 times its score to the best iterate. */
  readonly polish: boolean;
}

export interface Climb {
  /** The iterate with the best J, polished if asked for; undefined if the flow broke down at the start. */
  readonly estimate: Float32Array | undefined;
  /** J of the iterate before the polish, nats. */
  readonly objective: number;
  readonly steps: number;
  readonly isConverged: boolean;
}

/** -sigma^2 dJ/dC: `pull` is the gradient of ln p(noisy | C), `score` that of ln p_s(C), `scale` is -sigma^2. */
export function descent<T>(
  ops: ElementwiseOps<T>,
  pull: T,
  score: T,
  { beta, scale }: { readonly beta: T; readonly scale: T },
): T {
  return ops.mulVector(ops.add(ops.mulVector(pull, beta), score), scale);
}

/** The state of one tile's climb, without its samples. */
export interface ClimbCourse extends Omit<Climb, 'estimate'> {
  /** Judges an evaluation: whether its iterate is the best so far, and whether the climb ends there. */
  judge(objective: number, isSound: boolean): { readonly isBest: boolean; readonly isOver: boolean };
  /** Adam's factors for the next step. */
  factors(): AdamFactors;
  /** @param move  the root mean square of the step */
  moved(move: number): void;
}

export function climbCourse(adam: AdamOptions, tolerance: number): ClimbCourse {
  let best: number | undefined;
  let steps = 0;
  let isConverged = false;
  return {
    get objective() {
      return best ?? Number.NEGATIVE_INFINITY;
    },
    get steps() {
      return steps;
    },
    get isConverged() {
      return isConverged;
    },
    judge(objective, isSound) {
      const isBest = isSound && (best === undefined || !(best >= objective));
      if (isBest) best = objective;
      return { isBest, isOver: !isSound || isConverged || steps === adam.steps };
    },
    factors: () => adamFactors(adam, steps),
    moved(move) {
      steps += 1;
      isConverged = move < tolerance;
    },
  };
}
