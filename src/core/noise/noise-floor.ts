// The variance of white noise under a signal that fills only some directions: eigenvalues of the covariance of
// patches, the largest dropped until the rest look like noise alone. After Chen, Zhu and Heng 2015, whose test is
// that mean = median of the rest; with a few hundred patches the eigenvalues of noise itself are skewed, so the
// test here is the edge that random matrix theory gives them (Marchenko and Pastur 1967).
import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

/** Fewer patches than this many times their dimension do not show the directions of a signal. */
const LEAST_RATIO = 2;

export interface NoiseFloor {
  readonly variance: number;
  /** Patches' coefficients that the variance was averaged over: its relative standard error is sqrt(2 / samples). */
  readonly samples: number;
}

/**
 * @param vectors      [n, size], n vectors of zero mean, one after another
 * @param chosen       indices of the vectors to use
 * @param independent  the number of independent vectors that the chosen ones are worth
 */
export function noiseFloor(
  vectors: Float32Array,
  size: number,
  chosen: ArrayLike<number>,
  independent: number,
): NoiseFloor {
  const covariance = new Float64Array(size * size);
  const vector = new Float64Array(size);
  for (let n = 0; n < chosen.length; n++) {
    const at = chosen[n] as number;
    for (let i = 0; i < size; i++) {
      const value = vectors[at * size + i] as number;
      vector[i] = value;
      for (let j = 0; j <= i; j++)
        covariance[i * size + j] = (covariance[i * size + j] as number) + value * (vector[j] as number);
    }
  }
  for (let i = 0; i < covariance.length; i++) covariance[i] = (covariance[i] as number) / chosen.length;
  let trace = 0;
  for (let i = 0; i < size; i++) trace += covariance[i * size + i] as number;
  if (independent < LEAST_RATIO * size) return { variance: trace / size, samples: independent * size };

  const eigenvalues = symmetricEigenvalues(covariance, size);
  let left = size;
  let sum = trace;
  for (; left > 1; left--) {
    const largest = eigenvalues[left - 1] as number;
    if (largest <= (sum / left) * (1 + Math.sqrt(left / independent)) ** 2) break;
    sum -= largest;
  }
  // A dropped direction takes with it its share of the noise of the others (Kritchman and Nadler 2008).
  const dropped = size - left;
  return { variance: (sum / left) * (1 + dropped / independent), samples: left * independent };
}
