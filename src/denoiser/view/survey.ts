// A quick look at a picture's samples, to find range and odd pixels. noise-plan.ts estimates the noise properly.
import { colourChannels, type Picture } from '../../core/picture.js';

/** The most places looked at; a large picture costs no more. */
const MOST_PLACES = 1 << 15;

export interface Survey {
  /** Medians of 3 x 3 samples of one channel, sorted, in the picture's own numbers. Empty if nothing is visible. */
  readonly levels: Float64Array;
  /** Robust standard deviation of the noise, in the picture's own numbers. */
  readonly noise: number;
}

/** A pixel is visible unless its alpha is 0. */
export function isVisible({ data, channels }: Picture, pixel: number): boolean {
  return channels % 2 === 1 || data[pixel * channels + channels - 1] !== 0;
}

/** For a Gaussian: the median of |n| divided by its standard deviation. */
export const MEDIAN_OF_ABSOLUTE = 0.6745;
/** Immerkaer's mask, the difference of two Laplacians: a plane gives 0, white noise 6 sigma. */
const MASK = [1, -2, 1, -2, 4, -2, 1, -2, 1] as const;
const MASK_NORM = 6;

/**
 * Looks at an even grid of places. Ignores hidden pixels (alpha 0) and their neighbours.
 *
 * @see Immerkaer 1996, Fast Noise Variance Estimation; here with the median, which edges and outliers do not affect
 */
export function surveyOf(picture: Picture): Survey {
  const { data, width, height, channels } = picture;
  const colours = colourChannels(channels);
  const [across, down] = [width - 2, height - 2];
  if (across < 1 || down < 1) return { levels: new Float64Array(0), noise: 0 };
  const step = Math.max(1, Math.sqrt((across * down * colours) / MOST_PLACES));
  const [columns, rows] = [Math.ceil(across / step), Math.ceil(down / step)];
  const levels: number[] = [];
  const residuals: number[] = [];
  const window = new Float64Array(9);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const corner = Math.floor(row * step) * width + Math.floor(column * step);
      if (!isWindowVisible(picture, corner)) continue;
      for (let c = 0; c < colours; c++) {
        let residual = 0;
        for (let k = 0; k < 9; k++) {
          const pixel = corner + Math.floor(k / 3) * width + (k % 3);
          const value = data[pixel * channels + c] as number;
          window[k] = value;
          residual += (MASK[k] as number) * value;
        }
        levels.push(window.sort()[4] as number);
        residuals.push(Math.abs(residual) / MASK_NORM);
      }
    }
  const sorted = Float64Array.from(residuals).sort();
  return {
    levels: Float64Array.from(levels).sort(),
    noise: (sorted[sorted.length >> 1] ?? 0) / MEDIAN_OF_ABSOLUTE,
  };
}

function isWindowVisible(picture: Picture, corner: number): boolean {
  for (let k = 0; k < 9; k++)
    if (!isVisible(picture, corner + Math.floor(k / 3) * picture.width + (k % 3))) return false;
  return true;
}
