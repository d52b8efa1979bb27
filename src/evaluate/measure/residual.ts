// Measures the residual N - C_hat in units of the noise's standard deviation. A perfect one is as strong as the noise
// everywhere (rms 1 in every block) and as white (no correlation of neighbours).
import { mean, mse, psnr, ssim } from '../../core/metrics/index.js';
import { clamped, type Shape } from '../../core/picture.js';
import { deviationAt, type NoiseLevel } from '../noise-level.js';
import type { CleanPicture } from '../pictures.js';
import type { Measures, ResidualMeasures } from './results.js';

/** Side of a block, pixels. */
export const BLOCK = 8;

/**
 * (noisy - estimate) / sigma, sample by sample, interleaved like them. For a camera's noise, whose sigma per sample is
 * unknown, sigma is its RMS over the picture.
 */
export function standardisedResidual(
  noisy: Float32Array,
  estimate: Float32Array,
  clean: Float32Array,
  level: NoiseLevel,
): Float32Array {
  const taken = noisy.map((value, i) => value - (estimate[i] as number));
  if (level.model !== 'camera')
    return taken.map((value, i) => value / deviationAt(level, clean[i] as number));
  const squares = noisy.reduce((sum, value, i) => sum + (value - (clean[i] as number)) ** 2, 0);
  const rms = Math.sqrt(squares / noisy.length);
  return rms > 0 ? taken.map((value) => value / rms) : taken;
}

export function measureResidual(residual: Float32Array, shape: Shape): ResidualMeasures {
  const blocks = [...blockRms(residual, shape).values];
  const middle = mean(blocks);
  const power = residual.reduce((sum, value) => sum + value * value, 0) / residual.length;
  return {
    rms: Math.sqrt(power),
    unevenness: Math.sqrt(mean(blocks.map((value) => (value - middle) ** 2))),
    correlation: neighbourCorrelation(residual, shape),
  };
}

export type BlockMap = ReturnType<typeof blockRms>;

/** The rms of every complete block of 8 x 8 pixels, over all channels, row by row. */
export function blockRms(residual: Float32Array, { width, height, channels }: Shape) {
  const [columns, rows] = [Math.floor(width / BLOCK), Math.floor(height / BLOCK)];
  const values = new Float64Array(columns * rows);
  const length = BLOCK * channels;
  for (let y = 0; y < rows * BLOCK; y++)
    for (let column = 0; column < columns; column++) {
      const from = (y * width + column * BLOCK) * channels;
      const at = Math.floor(y / BLOCK) * columns + column;
      for (let i = from; i < from + length; i++)
        values[at] = (values[at] as number) + (residual[i] as number) ** 2 / (BLOCK * length);
    }
  return { columns, rows, values: values.map(Math.sqrt) };
}

/** Over all pairs of horizontal and vertical neighbours in a channel, relative to the channel's mean. */
function neighbourCorrelation(residual: Float32Array, { width, height, channels }: Shape): number {
  const means = new Float64Array(channels);
  for (let i = 0; i < residual.length; i++)
    means[i % channels] = (means[i % channels] as number) + (residual[i] as number) / (width * height);
  const at = (i: number) => (residual[i] as number) - (means[i % channels] as number);
  let [covariance, pairs, power] = [0, 0, 0];
  for (let i = 0; i < residual.length; i++) {
    power += at(i) ** 2 / residual.length;
    const x = Math.floor(i / channels) % width;
    for (const next of [x + 1 < width ? i + channels : -1, i + width * channels]) {
      if (next < 0 || next >= residual.length) continue;
      covariance += at(i) * at(next);
      pairs += 1;
    }
  }
  return pairs === 0 || power === 0 ? 0 : covariance / pairs / power;
}

/** Measures the noisy picture; its residual is the noise. */
export function measureNoisy(clean: CleanPicture, noisy: Float32Array, level: NoiseLevel): Measures {
  return measure(clean, noisy, standardisedResidual(noisy, clean.data, clean.data, level));
}

/** Measures an estimate, clipped to black and white as in a file. The residual is measured before clipping. */
export function measureRestored(
  clean: CleanPicture,
  noisy: Float32Array,
  estimate: Float32Array,
  level: NoiseLevel,
): Measures {
  return measure(clean, clamped(estimate), standardisedResidual(noisy, estimate, clean.data, level));
}

function measure(clean: CleanPicture, seen: Float32Array, residual: Float32Array): Measures {
  return {
    mse: mse(clean.data, seen),
    psnr: psnr(clean.data, seen),
    ssim: ssim(clean.data, seen, clean),
    residual: measureResidual(residual, clean),
  };
}
