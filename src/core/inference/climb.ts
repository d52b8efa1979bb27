// beta-MAP's climb: its request, its result, Adam's step (Kingma and Ba 2015; bias correction, and a rate that decays along a
// cosine), and the decisions after each step. The host (beta-map.ts) and devices (core/engine/tfjs/tfjs-climbs.ts) share it.
import type { ElementwiseOps } from '../ops/tensor-ops.js';

export interface AdamOptions {
  /** Steps over which the rate falls to zero along a half cosine. */
  readonly steps: number;
  /** The first step's rate, in the units of the samples. */
  readonly rate: number;
  readonly epsilon: number;
  readonly betas: readonly [number, number];
}

/** Adam on -sigma^2 J for one tile, J(C) = -beta/2 sum precision (noisy - C)^2 + ln p_s(C). */
export interface ClimbRequest {
  /** Planar [C, H, W]. */
  readonly noisy: Float32Array;
  /** 1 / sigma^2 of the likelihood: [1] for the tile, [H * W] or [C * H * W]. */
  readonly precision: Float32Array;
  readonly beta: number;
  /** Scales the gradient, see above. */
  readonly sigma: number;
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

/** Change with every step: the decayed rate and 1, each divided by the bias of its moment. */
interface AdamFactors<T> {
  readonly rate: T;
  readonly correction: T;
  readonly epsilon: T;
}

/** The means of the gradients and of their squares. */
interface Moments<T> {
  readonly first: T;
  readonly second: T;
}

/** The new moments, and the move to subtract. The factors are vectors, so each tile can have its own. */
export function adamStep<T>(
  ops: ElementwiseOps<T>,
  before: Moments<T>,
  gradient: T,
  { rate, correction, epsilon }: AdamFactors<T>,
  [b1, b2]: AdamOptions['betas'],
): Moments<T> & { readonly move: T } {
  const first = ops.add(ops.affine(before.first, b1, 0), ops.affine(gradient, 1 - b1, 0));
  const second = ops.add(
    ops.affine(before.second, b2, 0),
    ops.mul(ops.affine(gradient, 1 - b2, 0), gradient),
  );
  const root = ops.sqrt(ops.mulVector(second, correction));
  return { first, second, move: ops.div(ops.mulVector(first, rate), ops.addVector(root, epsilon)) };
}

/** The state of one tile's climb, without its samples. */
export type ClimbCourse = ReturnType<typeof climbCourse>;

export function climbCourse({ steps: most, rate, epsilon, betas: [b1, b2] }: AdamOptions, tolerance: number) {
  const course = {
    objective: Number.NEGATIVE_INFINITY,
    steps: 0,
    isConverged: false,
    /** Judges an evaluation: whether its iterate is the best so far, and whether the climb ends there. */
    judge(objective: number, isSound: boolean) {
      const isBest = isSound && (course.steps === 0 || !(course.objective >= objective));
      if (isBest) course.objective = objective;
      return { isBest, isOver: !isSound || course.isConverged || course.steps === most };
    },
    /** Adam's factors for the next step. */
    factors(): AdamFactors<number> {
      const decayed = rate * 0.5 * (1 + Math.cos((Math.PI * course.steps) / most));
      const [bias1, bias2] = [1 - b1 ** (course.steps + 1), 1 - b2 ** (course.steps + 1)];
      return { rate: decayed / bias1, correction: 1 / bias2, epsilon };
    },
    /** @param move  the root mean square of the step */
    moved(move: number) {
      course.steps += 1;
      course.isConverged = move < tolerance;
    },
  };
  return course;
}
