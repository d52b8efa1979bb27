// A model of the noise, for inference: the likelihood p(noisy | clean) of one tile and its gradient.
import { badOption } from '../../errors.js';

export interface NoiseModel {
  readonly name: string;

  /**
   * For Gaussian noise: 1 / sigma^2, one number, one per pixel [H * W] or one per sample [C * H * W]. Engines that keep
   * tiles on a GPU compute the likelihood there.
   */
  readonly precision?: Float32Array | undefined;

  /**
   * log p(noisy | estimate), up to a constant that depends on neither.
   *
   * @param estimate  a clean tile, planar [C, H, W], in [0, 1]
   * @param noisy     the observed tile, same shape and units, not clipped
   * @returns         one number for the tile, in nats
   * @throws          FlowDenoiseError BAD_OPTION when the shapes do not agree
   */
  logLikelihood(estimate: Float32Array, noisy: Float32Array): number;

  /**
   * The gradient of `logLikelihood` with respect to the estimate.
   *
   * @param out  where to write it, same shape; may be `estimate` or `noisy` itself
   * @returns    `out`
   * @throws     FlowDenoiseError BAD_OPTION when the shapes do not agree
   */
  gradient(estimate: Float32Array, noisy: Float32Array, out: Float32Array): Float32Array;
}

/** @throws FlowDenoiseError BAD_OPTION if tiles differ in their number of samples */
export function checkSameSize(...tiles: readonly Float32Array[]): void {
  const lengths = tiles.map((tile) => tile.length);
  if (new Set(lengths).size > 1)
    throw badOption(`Expected tiles of one shape but received ${lengths.join(', ')} samples`);
}

/** A map to samples with Gaussian noise of one sigma, and its inverse, so that a prior for Gaussian noise can be used. */
export interface Stabiliser {
  /** Standard deviation of the noise after `stabilise`, in units of its result (8-bit units: times 255). */
  readonly sigma: number;

  /**
   * Maps noisy samples to the domain of Gaussian noise. A clean signal in [0, 1] stays in [0, 1], as a prior expects.
   *
   * @param noisy  samples in [0, 1], not clipped, any layout; not modified
   * @returns      as many samples
   */
  stabilise(noisy: Float32Array): Float32Array;

  /**
   * Maps a denoised picture back to [0, 1]. It is unbiased, unlike the plain inverse of `stabilise`.
   *
   * @param estimate  an estimate of the mean of `stabilise`'s result; not modified
   * @returns         the clean samples, not clipped at 1
   */
  destabilise(estimate: Float32Array): Float32Array;
}
