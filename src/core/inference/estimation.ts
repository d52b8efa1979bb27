// What an estimator is: a generator that asks for the prior's density and score at a point and is resumed with
// them. Estimators know nothing of engines, batches or threads, so a tile's result cannot depend on its
// neighbours, and a batch can mix tiles in any phase.

/** One evaluation of the prior: the point, planar [C, H, W], and the noise level, [0, 1] units. */
export interface DensityRequest {
  readonly y: Float32Array;
  readonly sigma: number;
}

export interface Density {
  /** ln p_sigma(y), nats. */
  readonly logDensity: number;
  /** d logDensity / dy, planar like y. */
  readonly score: Float32Array;
}

export interface Estimate {
  /** The clean picture, planar [C, H, W], not clipped. */
  readonly estimate: Float32Array;
  /** Evaluations of the prior that it took. */
  readonly evaluations: number;
  /**
   * What the estimate is instead, where the flow overflowed float32 (a picture unlike any that the prior knows):
   * beta-MAP's start, or the noisy tile as it was. Undefined in the normal case.
   */
  readonly fallback?: 'posterior-mean' | 'noisy' | undefined;
}

/** Whether an evaluation overflowed: the density or a score is not a finite number. */
export function hasOverflowed({ logDensity, score }: Density): boolean {
  let sum = logDensity;
  for (let i = 0; i < score.length; i++) sum += score[i] as number;
  return !Number.isFinite(sum);
}

export type Estimation<E extends Estimate = Estimate> = Generator<DensityRequest, E, Density>;
