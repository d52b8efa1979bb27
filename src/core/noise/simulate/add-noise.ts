// Adds a sensor's noise to pictures, for experiments and tests.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import { badOption } from '../../errors.js';
import { checkPoissonGaussian, type PoissonGaussianParameters } from '../likelihood/poisson-gaussian.js';
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
    throw badOption(`Expected a finite number of at least 0 for sigma but received ${sigma}`);
  }
  const normal = gaussianGenerator(seed);
  return data.map((value) => value + sigma * normal());
}

/** Means from here on use rejection, smaller ones multiply uniform numbers. */
const MANY = 12;
/** Makes the photons' seed differ from the read noise's. */
const OTHER = 0x9e3779b9;

/** ln k!, exact sums to 16 and Stirling's series (1e-12) above. */
const FIRST_LOGS = Array.from({ length: 17 }, (_, k) => {
  let sum = 0;
  for (let i = 2; i <= k; i++) sum += Math.log(i);
  return sum;
});
function logFactorial(k: number): number {
  const n = k + 1;
  const inverse = 1 / n;
  return (
    FIRST_LOGS[k] ??
    (n - 0.5) * Math.log(n) -
      n +
      0.5 * Math.log(2 * Math.PI) +
      inverse * (1 / 12 - inverse * inverse * (1 / 360 - inverse * inverse * (1 / 1260)))
  );
}

/** Knuth: uniform numbers are multiplied until their product is below exp(-mean). Exact. */
function poissonByProduct(mean: number, uniform: () => number): number {
  const limit = Math.exp(-mean);
  let k = 0;
  for (let product = uniform(); product > limit; product *= uniform()) k++;
  return k;
}

/** Hormann 1993, The transformed rejection method for generating Poisson random variables (PTRS). Exact. */
function poissonByRejection(mean: number, uniform: () => number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const quick = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= quick) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (Math.log((v * inverseAlpha) / (a / (us * us) + b)) <= k * logMean - mean - logFactorial(k)) return k;
  }
}

/**
 * @param seed  an integer from 0 to 2^32 - 1
 * @returns     a function; every call draws the next Poisson number of the given mean (at least 0, counts)
 */
export function poissonGenerator(seed: number): (mean: number) => number {
  const generator = mersenne(seed);
  const uniform = () => uniformFloat64(generator);
  return (mean) => (mean < MANY ? poissonByProduct(mean, uniform) : poissonByRejection(mean, uniform));
}

/**
 * gain Poisson((x - offset) / gain) + offset + N(0, sigma^2), independently for every sample. Not clipped. Samples below
 * the offset get no photons.
 *
 * @param data  clean samples in [0, 1], any layout; not modified
 * @param seed  an integer from 0 to 2^32 - 1
 * @throws      FlowDenoiseError BAD_OPTION
 */
export function addPoissonGaussianNoise(
  data: Float32Array,
  parameters: PoissonGaussianParameters,
  seed: number,
): Float32Array {
  checkPoissonGaussian(parameters);
  const { gain, sigma, offset = 0 } = parameters;
  const normal = gaussianGenerator(seed);
  const poisson = poissonGenerator((seed ^ OTHER) >>> 0);
  return data.map((x) => gain * poisson(Math.max(0, (x - offset) / gain)) + offset + sigma * normal());
}
