// Finds pixels that are not part of the photograph: hidden (alpha 0), single outliers (hot and dead pixels, dust), samples
// far outside the range. The prior never sees them and they do not change.
import { setImmediate } from 'node:timers/promises';
import { colourChannels, type Picture } from '../../core/picture.js';
import type { SampleRange } from './sample-range.js';
import { isVisible, MEDIAN_OF_ABSOLUTE } from './survey.js';

/** A single outlier differs from its neighbours by this many sigma of the noise, and by this share of the range. */
const OUTLIER_SIGMAS = 6;
const LEAST_OUTLIER = 0.2;
/**
 * It is also this many times farther from the median of the 7 x 7 samples around it than half of them are. `alone` is for a
 * single channel, as of a hot pixel; `together` for a whole pixel, which may be a detail. Measured: docs/noise.md.
 */
const SPREADS = { alone: 4, together: 8 } as const;
/** The most of its eight neighbours that may be outliers too. */
const MOST_ALIKE = 2;
/** Far outside the range: beyond [0, 1] by more than this and this many sigma of noise. */
const BEYOND = 0.1;
const BEYOND_SIGMAS = 6;
const RADIUS = 3;
const FEWEST_AROUND = 8;
/** Pixels between two yields to the event loop. */
const CHUNK = 1 << 18;

/**
 * @param noise  the approximate standard deviation of the noise, in the picture's own numbers
 * @returns      1 for every odd pixel, row by row; undefined if there are none
 */
export async function findOddPixels(
  picture: Picture,
  range: SampleRange,
  noise: number,
): Promise<Uint8Array | undefined> {
  const { data, width, height, channels } = picture;
  const colours = colourChannels(channels);
  const span = range.white - range.black;
  const slack = BEYOND * span + BEYOND_SIGMAS * noise;
  // Integers in their container's full range cannot lie outside it.
  const [least, most] = [range.black - slack, range.white + slack];
  const jump = Math.max(LEAST_OUTLIER * span, OUTLIER_SIGMAS * noise);
  const mask = new Uint8Array(width * height);
  const rowsAtOnce = Math.max(1, Math.floor(CHUNK / width));
  for (let y = 0; y < height; y++) {
    if (y % rowsAtOnce === 0) await setImmediate();
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      let isOdd = !isVisible(picture, pixel);
      for (let c = 0; c < colours && !isOdd; c++) {
        const value = data[pixel * channels + c] as number;
        isOdd =
          value < least ||
          value > most ||
          (standsOut(picture, x, y, c, jump) && isOutlier(picture, x, y, c, noise));
      }
      if (isOdd) mask[pixel] = 1;
    }
  }
  return mask.includes(1) ? mask : undefined;
}

/** Whether a sample is above all but a few of its neighbours by `jump`, or below them. */
function standsOut(picture: Picture, x: number, y: number, c: number, jump: number): boolean {
  const { data, width, height, channels } = picture;
  const at = (y * width + x) * channels + c;
  const value = data[at] as number;
  let [above, below] = [0, 0];
  for (let dy = -1; dy <= 1; dy++) {
    if (y + dy < 0 || y + dy >= height) continue;
    for (let dx = -1; dx <= 1; dx++) {
      if ((dx === 0 && dy === 0) || x + dx < 0 || x + dx >= width) continue;
      const other = data[at + (dy * width + dx) * channels] as number;
      if (value - other < jump) above += 1;
      if (other - value < jump) below += 1;
      if (above > MOST_ALIKE && below > MOST_ALIKE) return false;
    }
  }
  return true;
}

/** Whether it is far from its surroundings, measured by their spread; a texture's spread is wide. */
function isOutlier(picture: Picture, x: number, y: number, c: number, noise: number): boolean {
  const own = deviation(picture, x, y, c);
  const isFar = (spreads: number) => Math.abs(own.distance) > spreads * Math.max(own.spread, noise);
  if (!isFar(SPREADS.alone)) return false;
  if (isFar(SPREADS.together)) return true;
  const others = [0, 1, 2].filter((other) => other !== c && other < colourChannels(picture.channels));
  return (
    others.length > 0 &&
    others.every((other) => {
      const { distance } = deviation(picture, x, y, other);
      return 2 * Math.abs(distance) < Math.abs(own.distance);
    })
  );
}

const scratch = new Float64Array((2 * RADIUS + 1) ** 2);

/** A sample's distance from the median of the visible samples of its channel around it, and their robust spread. */
function deviation(picture: Picture, x: number, y: number, c: number) {
  const { data, width, height, channels } = picture;
  let count = 0;
  for (let v = Math.max(0, y - RADIUS); v <= Math.min(height - 1, y + RADIUS); v++)
    for (let u = Math.max(0, x - RADIUS); u <= Math.min(width - 1, x + RADIUS); u++) {
      const pixel = v * width + u;
      if ((u !== x || v !== y) && isVisible(picture, pixel))
        scratch[count++] = data[pixel * channels + c] as number;
    }
  if (count < FEWEST_AROUND) return { distance: 0, spread: 0 };
  const around = scratch.subarray(0, count).sort();
  const middle = around[count >> 1] as number;
  for (let i = 0; i < count; i++) around[i] = Math.abs((around[i] as number) - middle);
  const spread = (around.sort()[count >> 1] as number) / MEDIAN_OF_ABSOLUTE;
  return { distance: (data[(y * width + x) * channels + c] as number) - middle, spread };
}
