// The noise: models of it, estimates of it, and simulated noise for tests.
export type { Picture as NoisyPicture, Shape as PlanarShape } from '../picture.js';
export { estimateSigma, type SigmaEstimate } from './estimate/white/estimate-sigma.js';
export { fitNoise, type NoiseFit } from './estimate/white/fit-noise.js';
export { exactUnbiasedInverse, generalizedAnscombe } from './likelihood/anscombe.js';
export {
  type BinFactor,
  bin,
  binnedNoise,
  binnedShape,
  combine,
  combinedNoise,
  unbin,
  weightForSigma,
} from './likelihood/few-counts.js';
export { gaussianNoise, laplacianNoise, type NoiseModel } from './likelihood/noise-model.js';
export {
  type PoissonGaussianParameters,
  poissonGaussianLikelihood,
  poissonGaussianNoise,
  type Stabiliser,
} from './likelihood/poisson-gaussian.js';
export { gaussianGenerator } from './random.js';
export { addGaussianNoise, addPoissonGaussianNoise } from './simulate/add-noise.js';
