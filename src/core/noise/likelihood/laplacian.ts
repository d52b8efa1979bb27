// Laplacian noise, as an example of your own noise model. Its rare large errors pull an estimate less than Gaussian ones.
import { badOption } from '../../errors.js';
import { checkSameSize, type NoiseModel } from './noise-model.js';

/** |d| is rounded off near 0, up to this share of the scale, so that the gradient is continuous. */
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

  return {
    name: 'laplacian',

    logLikelihood(estimate, noisy) {
      checkSameSize(estimate, noisy);
      let sum = 0;
      for (let i = 0; i < noisy.length; i++)
        sum += Math.hypot((noisy[i] as number) - (estimate[i] as number), rounding) - rounding;
      return -sum / scale;
    },

    gradient(estimate, noisy, out) {
      checkSameSize(estimate, noisy, out);
      for (let i = 0; i < noisy.length; i++) {
        const difference = (noisy[i] as number) - (estimate[i] as number);
        out[i] = difference / (scale * Math.hypot(difference, rounding));
      }
      return out;
    },
  };
}
