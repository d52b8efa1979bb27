// How much two pictures differ.
export { mean, sum } from './mean.js';
export { mse, psnr } from './psnr.js';
export { gaussianKernel, ssim } from './ssim.js';
