// Adam (Kingma and Ba 2015) with bias correction and a cosine decay of the rate, written over ElementwiseOps: numbers on
// the host, pictures on a device.
import { type ElementwiseOps, numberOps } from '../ops/tensor-ops.js';

export interface AdamOptions {
  /** Steps over which the rate falls to zero along a half cosine. */
  readonly steps: number;
  /** The first step's rate, in the units of the array. */
  readonly rate: number;
  readonly epsilon: number;
  readonly betas: readonly [number, number];
}

/** Changes with every step: the decayed rate and 1, each divided by the bias of its moment. */
export interface AdamFactors<T = number> {
  readonly rate: T;
  readonly correction: T;
}

/** @param made  number of steps so far */
export function adamFactors({ steps, rate, betas: [b1, b2] }: AdamOptions, made: number): AdamFactors {
  const decayed = rate * 0.5 * (1 + Math.cos((Math.PI * made) / steps));
  return { rate: decayed / (1 - b1 ** (made + 1)), correction: 1 / (1 - b2 ** (made + 1)) };
}

/** The mean of the gradients. */
export function firstMoment<T>(ops: ElementwiseOps<T>, before: T, gradient: T, beta: number): T {
  return ops.add(ops.affine(before, beta, 0), ops.affine(gradient, 1 - beta, 0));
}

/** The mean of their squares. */
export function secondMoment<T>(ops: ElementwiseOps<T>, before: T, gradient: T, beta: number): T {
  return ops.add(ops.affine(before, beta, 0), ops.mul(ops.affine(gradient, 1 - beta, 0), gradient));
}

/** The move to subtract, from the new moments. The factors and epsilon are vectors, so each tile can have its own. */
export function adamMove<T>(
  ops: ElementwiseOps<T>,
  first: T,
  second: T,
  { rate, correction }: AdamFactors<T>,
  epsilon: T,
): T {
  const root = ops.sqrt(ops.mulVector(second, correction));
  return ops.div(ops.mulVector(first, rate), ops.addVector(root, epsilon));
}

export interface Adam {
  /** Moves `x` against `gradient`, in place, and returns the root mean square of the move. */
  step(x: Float32Array, gradient: Float32Array, factors: AdamFactors): number;
}

/** Adam on the host, for an array of `length` numbers. */
export function adam(
  length: number,
  { epsilon, betas: [b1, b2] }: Pick<AdamOptions, 'epsilon' | 'betas'>,
): Adam {
  const m = new Float32Array(length);
  const v = new Float32Array(length);
  return {
    step(x, gradient, factors) {
      let squares = 0;
      for (let i = 0; i < length; i++) {
        const g = gradient[i] as number;
        const first = firstMoment(numberOps, m[i] as number, g, b1);
        const second = secondMoment(numberOps, v[i] as number, g, b2);
        const move = adamMove(numberOps, first, second, factors, epsilon);
        m[i] = first;
        v[i] = second;
        x[i] = (x[i] as number) - move;
        squares += move * move;
      }
      return Math.sqrt(squares / length);
    },
  };
}
