// Models of the noise, estimates of it, and noise to test them with.
export { addGaussianNoise } from './add-noise.js';
export { addPoissonGaussianNoise } from './add-poisson-gaussian-noise.js';
export { exactUnbiasedInverse, generalizedAnscombe } from './anscombe.js';
export { type BinFactor, bin, binnedNoise, binnedShape, type PlanarShape, unbin } from './binning.js';
export { combine, combinedNoise, weightForSigma } from './combination.js';
export { estimateSigma, type SigmaEstimate } from './estimate-sigma.js';
export { fitNoise, type NoiseFit } from './fit-noise.js';
export { gaussianNoise } from './gaussian.js';
export { laplacianNoise } from './laplacian.js';
export type { NoiseModel } from './noise-model.js';
export type { NoisyPicture } from './noisy-picture.js';
export {
  type PoissonGaussianParameters,
  poissonGaussianLikelihood,
  poissonGaussianNoise,
} from './poisson-gaussian.js';
export { gaussianGenerator } from './random.js';
export type { Stabiliser } from './stabiliser.js';
