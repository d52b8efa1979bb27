// beta-MAP's climb: its request, its result, and what is decided after each step. The same on the host (beta-map.ts)
// and on a device (core/engine/tfjs/tfjs-climbs.ts).
import type { ElementwiseOps } from '../ops/tensor-ops.js';
import { type AdamFactors, type AdamOptions, adamFactors } from './adam.js';

/**
 * Adam on -sigma^2 J from a point, J(C) = -beta/2 sum precision (noisy - C)^2 + ln p_s(C), for one tile. The point and s
 * are those of the request that carries it.
 */
export interface ClimbRequest {
  /** Planar [C, H, W]. */
  readonly noisy: Float32Array;
  /** 1 / sigma^2 of the likelihood: [1] for the tile, [H * W] or [C * H * W]. */
  readonly precision: Float32Array;
  readonly beta: number;
  /** The unit of the gradient: see above. */
  readonly sigma: number;
  /** In the units of the samples. */
  readonly adam: AdamOptions;
  /** Converged when a step's root mean square is below this. */
  readonly tolerance: number;
  /** A score beyond this, or one that is not finite, ends the climb: the flow broke down. */
  readonly mostScore: number;
  /** Whether s^2 times its score is added to the best iterate. */
  readonly polish: boolean;
}

export interface Climb {
  /** The iterate with the best J, polished if asked for; undefined where the flow broke down at the start. */
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

/** How far one tile's climb has come: numbers only, its samples lie elsewhere. */
export interface ClimbCourse extends Omit<Climb, 'estimate'> {
  /** What an evaluation says: whether its iterate is the best so far, and whether the climb ends there. */
  judge(objective: number, isSound: boolean): { readonly isBest: boolean; readonly isOver: boolean };
  /** Adam's numbers for the next step. */
  factors(): AdamFactors;
  /** @param move  the root mean square of the step that was made */
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
