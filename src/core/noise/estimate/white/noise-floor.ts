// The variance of white noise under a signal that fills only some directions: the largest eigenvalues of the patches'
// covariance are dropped until the rest look like noise alone. After Chen, Zhu and Heng 2015, with another test: the edge that
// random matrix theory gives the eigenvalues of noise (Marchenko and Pastur 1967).
import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

/** Fewer patches than this many times their dimension do not show the directions of a signal. */
const LEAST_RATIO = 2;

export interface NoiseFloor {
  readonly variance: number;
  /** Patches' coefficients that the variance was averaged over: its relative standard error is sqrt(2 / samples). */
  readonly samples: number;
}

/**
 * @param vectors      [n, size], n vectors of zero mean, one after another; `size` is even
 * @param chosen       indices of the vectors to use
 * @param independent  the number of independent vectors that the chosen ones are worth
 */
export function noiseFloor(
  vectors: Float32Array,
  size: number,
  chosen: Uint32Array,
  independent: number,
): NoiseFloor {
  const covariance = lowerCovariance(byCoefficient(vectors, size, chosen), size, chosen.length);
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

/** [size, chosen]: the chosen vectors, one coefficient after another. */
function byCoefficient(vectors: Float32Array, size: number, chosen: Uint32Array): Float64Array {
  const count = chosen.length;
  const rows = new Float64Array(size * count);
  for (let n = 0; n < count; n++) {
    const at = (chosen[n] as number) * size;
    for (let i = 0, to = n; i < size; i++, to += count) rows[to] = vectors[at + i] as number;
  }
  return rows;
}

/** The lower triangle of rows times rows transposed, over `count`; two rows by two, which reads each half as often. */
function lowerCovariance(rows: Float64Array, size: number, count: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i += 2)
    for (let j = 0; j <= i; j += 2) {
      let [ij, iJ, Ij, IJ] = [0, 0, 0, 0];
      for (let a = i * count, b = j * count; a < (i + 1) * count; a++, b++) {
        const low = rows[a] as number;
        const high = rows[a + count] as number;
        const otherLow = rows[b] as number;
        const otherHigh = rows[b + count] as number;
        ij += low * otherLow;
        iJ += low * otherHigh;
        Ij += high * otherLow;
        IJ += high * otherHigh;
      }
      out[i * size + j] = ij / count;
      out[i * size + j + 1] = iJ / count;
      out[(i + 1) * size + j] = Ij / count;
      out[(i + 1) * size + j + 1] = IJ / count;
    }
  return out;
}
