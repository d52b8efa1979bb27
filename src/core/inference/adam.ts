// Adam (Kingma and Ba 2015) over one array, with bias correction and a cosine decay of the rate.

export interface AdamOptions {
  /** Steps over which the rate falls to zero along a half cosine. */
  readonly steps: number;
  /** The first step's rate, in the units of the array. */
  readonly rate: number;
  readonly epsilon: number;
  readonly betas: readonly [number, number];
}

export interface Adam {
  /** Moves `x` against `gradient`, in place, and returns the root mean square of the move. */
  step(x: Float32Array, gradient: Float32Array): number;
}

/** The state (both moments, the step count) for an array of `length` numbers. */
export function adam(length: number, { steps, rate, epsilon, betas: [b1, b2] }: AdamOptions): Adam {
  const m = new Float32Array(length);
  const v = new Float32Array(length);
  let count = 0;
  return {
    step(x, gradient) {
      const decayed = rate * 0.5 * (1 + Math.cos((Math.PI * count) / steps));
      count += 1;
      const first = decayed / (1 - b1 ** count);
      const second = 1 / (1 - b2 ** count);
      let squares = 0;
      for (let i = 0; i < length; i++) {
        const g = gradient[i] as number;
        const mi = b1 * (m[i] as number) + (1 - b1) * g;
        const vi = b2 * (v[i] as number) + (1 - b2) * g * g;
        m[i] = mi;
        v[i] = vi;
        const move = (first * mi) / (Math.sqrt(vi * second) + epsilon);
        x[i] = (x[i] as number) - move;
        squares += move * move;
      }
      return Math.sqrt(squares / length);
    },
  };
}
