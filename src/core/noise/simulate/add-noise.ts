// Makes noisy pictures for experiments and tests.
import { FlowDenoiseError } from '../../errors.js';
import { gaussianGenerator } from '../random.js';

/**
 * data + sigma n, with n independent samples of N(0, 1) in the order of the array. Not clipped.
 *
 * @param data   samples in [0, 1], any layout; not modified
 * @param sigma  standard deviation in the same units (25 / 255, not 25), at least 0
 * @param seed   an integer from 0 to 2^32 - 1
 * @throws       FlowDenoiseError BAD_OPTION
 */
export function addGaussianNoise(data: Float32Array, sigma: number, seed: number): Float32Array {
  if (!(sigma >= 0 && Number.isFinite(sigma))) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a finite number of at least 0 for sigma but received ${sigma}`,
    );
  }
  const normal = gaussianGenerator(seed);
  return data.map((value) => value + sigma * normal());
}
