// Models of the noise: the likelihood p(noisy | clean) of one tile and its gradient. Laplacian noise is an example of your own.
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

/** Of the sample at `place`: `error` is y - C, `clean` is C. */
type OfSample = (error: number, clean: number, place: number) => number;

/**
 * Noise whose samples are independent: log p(y | C) = -sum cost / over.
 *
 * @param slope  the derivative of -cost / over with respect to C
 * @param run    tiles have a multiple of so many samples
 */
export function independentNoise(
  name: string,
  { cost, over, slope, run = 1 }: { cost: OfSample; over: number; slope: OfSample; run?: number },
): NoiseModel {
  function check(...tiles: readonly Float32Array[]): void {
    const lengths = tiles.map((tile) => tile.length);
    if (new Set(lengths).size > 1 || (lengths[0] as number) % run !== 0)
      throw badOption(
        `Expected tiles of one shape${run > 1 ? ` for ${run} sigmas` : ''} but received ${lengths.join(', ')} samples`,
      );
  }
  return {
    name,
    logLikelihood(estimate, noisy) {
      check(estimate, noisy);
      let sum = 0;
      for (let i = 0; i < noisy.length; i++) {
        const clean = estimate[i] as number;
        sum += cost((noisy[i] as number) - clean, clean, i);
      }
      return -sum / over;
    },
    gradient(estimate, noisy, out) {
      check(estimate, noisy, out);
      for (let i = 0; i < noisy.length; i++) {
        const clean = estimate[i] as number;
        out[i] = slope((noisy[i] as number) - clean, clean, i);
      }
      return out;
    },
  };
}

/**
 * log p(y | C) = -sum (y - C)^2 / (2 sigma^2), without the normalisation.
 *
 * @param sigma  standard deviation, above 0, in the units of the samples ([0, 1], not 0-255): one number for the tile,
 *               one per pixel, [H * W], for all channels, or one per sample, [C * H * W]. Copied.
 * @throws       FlowDenoiseError BAD_OPTION if a sigma is not a finite number above 0
 */
export function gaussianNoise(sigma: number | Float32Array): NoiseModel {
  const sigmas = Float64Array.from(typeof sigma === 'number' ? [sigma] : sigma);
  const bad = sigmas.find((value) => !(value > 0 && Number.isFinite(value)));
  if (bad !== undefined || sigmas.length === 0)
    throw badOption(`Expected finite numbers above 0 for sigma but received ${bad ?? 'none'}`);
  const precision = sigmas.map((value) => 1 / (value * value));
  const run = precision.length;
  const at = (place: number) => precision[place % run] as number;
  const model = independentNoise('gaussian', {
    cost: (error, _, place) => error * error * at(place),
    over: 2,
    slope: (error, _, place) => error * at(place),
    run,
  });
  return { ...model, precision: Float32Array.from(precision) };
}

/** e / b: rounds |d| off near 0, so that the gradient is continuous. */
const ROUNDING = 0.1;

/**
 * log p(y | C) = -sum (sqrt((y - C)^2 + e^2) - e) / b: Laplacian noise of scale b, smoothed over e = b / 10.
 *
 * @param sigma  standard deviation of the noise, above 0, [0, 1] units; b = sigma / sqrt(2)
 * @throws       FlowDenoiseError BAD_OPTION
 */
export function laplacianNoise(sigma: number): NoiseModel {
  if (!(sigma > 0 && Number.isFinite(sigma)))
    throw badOption(`Expected a finite number above 0 for sigma but received ${sigma}`);
  const scale = sigma / Math.SQRT2;
  const rounding = ROUNDING * scale;
  return independentNoise('laplacian', {
    cost: (error) => Math.hypot(error, rounding) - rounding,
    over: scale,
    slope: (error) => error / (scale * Math.hypot(error, rounding)),
  });
}
