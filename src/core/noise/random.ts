// Reproducible normal numbers: Marsaglia's polar method over the Mersenne Twister. Not for secrets.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
// The twister scrambles its seed over all of its state. With the package's xor-shift generators, neighbouring seeds begin
// with related numbers.
import { mersenne } from 'pure-rand/generator/mersenne';
import { badOption } from '../errors.js';

/**
 * @param seed  an integer from 0 to 2^32 - 1; the same seed gives the same numbers
 * @returns     a function; every call returns the next independent sample of N(0, 1)
 * @throws      FlowDenoiseError BAD_OPTION
 * @see         Marsaglia and Bray 1964, A convenient method for generating normal variables
 */
export function gaussianGenerator(seed: number): () => number {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw badOption(`Expected an integer from 0 to 2^32 - 1 for seed but received ${seed}`);
  const generator = mersenne(seed);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const u = 2 * uniformFloat64(generator) - 1;
      const v = 2 * uniformFloat64(generator) - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      spare = v * factor;
      return u * factor;
    }
  };
}
