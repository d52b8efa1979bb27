// How far a picture is from another.
export { mean, sum } from './mean.js';
export { mse, psnr } from './psnr.js';
export { ssim } from './ssim.js';
