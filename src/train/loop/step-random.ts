// The random numbers of a step (noise, noise levels, dequantization), as a function of seed and step, so that training can
// resume.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import { gaussianGenerator } from '../../core/noise/random.js';

interface StepRandom {
  /** `count` samples of N(0, 1). */
  normal(count: number): Float32Array;
  /** `count` samples of U(0, 1). */
  uniform(count: number): Float32Array;
  /** `count` noise levels, log-uniform over the range and stratified: one in each of `count` equal parts, shuffled. */
  sigmas(count: number, range: readonly [number, number]): Float32Array;
}

/** Separates these draws from others with the same seed. */
const SALT = 0x9e3779b9;

/** @param seed an integer from 0 to 2^32 - 1 */
export function stepRandom(seed: number, step: number): StepRandom {
  const own = (seed + Math.imul(step + 1, SALT)) >>> 0;
  const generator = mersenne(own);
  const gaussian = gaussianGenerator((own ^ SALT) >>> 0);
  const uniform = () => uniformFloat64(generator);
  return {
    normal: (count) => new Float32Array(count).map(gaussian),
    uniform: (count) => new Float32Array(count).map(uniform),
    sigmas(count, [low, high]) {
      const levels = Float32Array.from({ length: count }, (_, i) => {
        const t = (i + uniform()) / count;
        return low * (high / low) ** t;
      });
      for (let i = count - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [levels[i], levels[j]] = [levels[j] as number, levels[i] as number];
      }
      return levels;
    },
  };
}
