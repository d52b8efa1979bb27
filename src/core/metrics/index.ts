// How far a picture is from another.
export { mean, sum } from './mean.js';
export { mse, psnr } from './psnr.js';
export { type SsimShape, ssim } from './ssim.js';
