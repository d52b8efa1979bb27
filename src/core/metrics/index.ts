// How far a picture is from another.
export { mse } from './mse.js';
export { psnr } from './psnr.js';
export { type SsimShape, ssim } from './ssim.js';
