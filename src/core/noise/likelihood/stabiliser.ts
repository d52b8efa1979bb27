// What lets a prior that knows Gaussian noise denoise a picture with another kind: a map to samples whose noise is
// Gaussian of one sigma, and the way back. Poisson-Gaussian noise has one in poisson-gaussian.ts.

export interface Stabiliser {
  /** Standard deviation of the noise after `stabilise`, in units of its result (8-bit units: times 255). */
  readonly sigma: number;

  /**
   * Noisy samples to the domain of Gaussian noise. A clean signal in [0, 1] lands on [0, 1], as a prior expects.
   *
   * @param noisy  samples in [0, 1], not clipped, any layout; not modified
   * @returns      as many samples
   */
  stabilise(noisy: Float32Array): Float32Array;

  /**
   * A denoised picture back to [0, 1]; unbiased, where simply undoing `stabilise` would not be.
   *
   * @param estimate  an estimate of the mean of `stabilise`'s result; not modified
   * @returns         the clean samples, not clipped at 1
   */
  destabilise(estimate: Float32Array): Float32Array;
}
