// How far a picture is from another.
export { mse, psnr } from './psnr.js';
export { type SsimShape, ssim } from './ssim.js';
