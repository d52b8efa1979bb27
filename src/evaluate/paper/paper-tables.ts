// The cells of Tables 1 to 3 in "Image Denoising with a Normalizing-Flow Prior": mean and spread over the last 32 pictures of
// CelebA at 64 x 64, with a Glow of 4 blocks of 32 steps. NaN where it prints a dash.
import type { MeasureName } from '../measure/results.js';

const DASH = Number.NaN;

interface PaperTable {
  /** [sigma][beta] */
  readonly mean: readonly (readonly number[])[];
  readonly spread: readonly (readonly number[])[];
  /** [sigma] */
  readonly noisy: readonly number[];
  readonly noisySpread: readonly number[];
}

/** As the paper states them, in [0, 1] units. */
export const PAPER_SIGMAS = [0.025, 0.05, 0.1, 0.2] as const;
export const PAPER_BETAS = [1, 2, 4, 8] as const;

/** The noise with the paper's noisy PSNR, 8-bit units. The paper's noisy MSE is 0.447 sigma^2 at every level: 0.669 sigma. */
export const PAPER_SIGMAS_AT_EQUAL_PSNR = [4.28, 8.5, 17, 34] as const;

/** MSE for samples in [0, 1] (printed times 100), PSNR in dB. */
export const PAPER_TABLES: Readonly<Record<MeasureName, PaperTable>> = {
  ssim: {
    mean: [
      [0.964, 0.981, 0.976, 0.963],
      [0.899, 0.932, 0.943, 0.881],
      [0.689, DASH, 0.841, DASH],
      [0.657, DASH, 0.557, DASH],
    ],
    spread: [
      [0.01, 0.01, 0.01, 0.01],
      [0.03, 0.03, 0.03, 0.03],
      [0.06, DASH, 0.06, DASH],
      [0.07, DASH, 0.07, DASH],
    ],
    noisy: [0.966, 0.894, 0.723, 0.453],
    noisySpread: [0.02, 0.04, 0.06, 0.07],
  },
  psnr: {
    mean: [
      [37.4, 39.4, 38.2, 36.8],
      [32.2, 34.2, 34.0, 30.7],
      [25.2, DASH, 29.1, DASH],
      [22.9, DASH, 20.6, DASH],
    ],
    spread: [
      [0.67, 0.58, 0.47, 0.23],
      [0.44, 0.46, 0.73, 0.16],
      [0.39, DASH, 1.01, DASH],
      [1.15, DASH, 0.48, DASH],
    ],
    noisy: [35.5, 29.5, 23.5, 17.5],
    noisySpread: [0.08, 0.09, 0.12, 0.09],
  },
  mse: {
    mean: [
      [0.00018, 0.00012, 0.00015, 0.00021],
      [0.00061, 0.00039, 0.00041, 0.00085],
      [0.00303, DASH, 0.00128, DASH],
      [0.00528, DASH, 0.00868, DASH],
    ],
    spread: [
      [0, 0, 0, 0],
      [0.0001, 0, 0.0001, 0],
      [0.0003, DASH, 0.0003, DASH],
      [0.0016, DASH, 0.001, DASH],
    ],
    noisy: [0.00028, 0.00112, 0.00447, 0.01784],
    noisySpread: [0, 0, 0.0001, 0.0004],
  },
};

export function paperBestPsnr(level: number): number {
  return Math.max(...(PAPER_TABLES.psnr.mean[level] ?? []).filter(Number.isFinite));
}
