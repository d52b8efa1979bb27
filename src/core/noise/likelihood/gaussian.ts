// Additive Gaussian noise of known standard deviation, for the whole tile or per pixel.
import { badOption } from '../../errors.js';
import type { NoiseModel } from './noise-model.js';

/**
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
  if (bad !== undefined || sigmas.length === 0) {
    throw badOption(`Expected finite numbers above 0 for sigma but received ${bad ?? 'none'}`);
  }
  const precision = sigmas.map((value) => 1 / (value * value));
  const isPerPixel = typeof sigma !== 'number';

  /** The length over which `precision` repeats: [H * W] serves every channel. */
  const checkedRun = (...arrays: readonly Float32Array[]): number => {
    const length = arrays[0]?.length ?? 0;
    if (arrays.some((array) => array.length !== length) || (isPerPixel && length % precision.length !== 0)) {
      throw badOption(
        `Expected tiles of one shape${isPerPixel ? ` for ${precision.length} sigmas` : ''} ` +
          `but received ${arrays.map((array) => array.length).join(', ')} samples`,
      );
    }
    return isPerPixel ? precision.length : length;
  };

  return {
    name: 'gaussian',
    precision: Float32Array.from(precision),

    logLikelihood(estimate, noisy) {
      const run = checkedRun(estimate, noisy);
      let sum = 0;
      for (let start = 0; start < noisy.length; start += run) {
        for (let i = 0; i < run; i++) {
          const difference = (noisy[start + i] as number) - (estimate[start + i] as number);
          sum += difference * difference * (precision[isPerPixel ? i : 0] as number);
        }
      }
      return -sum / 2;
    },

    gradient(estimate, noisy, out) {
      const run = checkedRun(estimate, noisy, out);
      for (let start = 0; start < noisy.length; start += run) {
        for (let i = 0; i < run; i++) {
          const difference = (noisy[start + i] as number) - (estimate[start + i] as number);
          out[start + i] = difference * (precision[isPerPixel ? i : 0] as number);
        }
      }
      return out;
    },
  };
}
