// The noise: models of it, estimates of it, and simulated noise for tests.

export type { Shape as PlanarShape } from '../picture.js';
export { estimateSigma, type SigmaEstimate } from './estimate/white/estimate-sigma.js';
export { fitNoise, type NoiseFit } from './estimate/white/fit-noise.js';
export { exactUnbiasedInverse, generalizedAnscombe } from './likelihood/anscombe.js';
export {
  type BinFactor,
  bin,
  binnedNoise,
  binnedShape,
  unbin,
} from './likelihood/binning.js';
export { combine, combinedNoise, weightForSigma } from './likelihood/combination.js';
export { gaussianNoise } from './likelihood/gaussian.js';
export { laplacianNoise } from './likelihood/laplacian.js';
export type { NoiseModel, Stabiliser } from './likelihood/noise-model.js';
export {
  type PoissonGaussianParameters,
  poissonGaussianLikelihood,
  poissonGaussianNoise,
} from './likelihood/poisson-gaussian.js';
export type { NoisyPicture } from './noisy-picture.js';
export { gaussianGenerator } from './random.js';
export { addGaussianNoise, addPoissonGaussianNoise } from './simulate/add-noise.js';
