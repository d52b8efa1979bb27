// What is measured of one picture.
import { mse, psnr, ssim } from '../../core/metrics/index.js';
import { clamped, type NoiseLevel } from '../noise-level.js';
import type { CleanPicture } from '../pictures.js';
import { measureResidual, standardisedResidual } from './residual.js';
import type { Measures } from './results.js';

/** The noisy picture as it is; what would have to be taken off is the noise. */
export function measureNoisy(clean: CleanPicture, noisy: Float32Array, level: NoiseLevel): Measures {
  return measure(clean, noisy, noisy, clean.data, level);
}

/** An estimate, cut off at black and white as it would be in a file; what was taken off is measured before that. */
export function measureRestored(
  clean: CleanPicture,
  noisy: Float32Array,
  estimate: Float32Array,
  level: NoiseLevel,
): Measures {
  return measure(clean, clamped(estimate), noisy, estimate, level);
}

function measure(
  clean: CleanPicture,
  seen: Float32Array,
  noisy: Float32Array,
  left: Float32Array,
  level: NoiseLevel,
): Measures {
  return {
    mse: mse(clean.data, seen),
    psnr: psnr(clean.data, seen),
    ssim: ssim(clean.data, seen, clean),
    residual: measureResidual(standardisedResidual(noisy, left, clean.data, level), clean),
  };
}
