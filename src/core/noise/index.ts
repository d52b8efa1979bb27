// Models of the noise, and noise to test them with.
export { addGaussianNoise } from './add-noise.js';
export { gaussianNoise } from './gaussian.js';
export type { NoiseModel } from './noise-model.js';
export { gaussianGenerator } from './random.js';
