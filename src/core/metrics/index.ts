// How much two pictures differ.
export { mean, median, sum } from './mean.js';
export { mse, psnr } from './psnr.js';
export { gaussianKernel, ssim } from './ssim.js';
