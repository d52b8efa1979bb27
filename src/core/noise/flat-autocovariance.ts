// The autocovariance of the noise, from the blocks of a picture that have least in them but noise. For correlation.ts.
import { setImmediate } from 'node:timers/promises';
import { autocovarianceFit, LAGS, transform } from './block-dct.js';
import { type Blocks, CHUNK, indices, order } from './block-powers.js';
import { AREA, type NoisyPicture, readBlock, scaleOf, toOpponents } from './noisy-picture.js';
import { median } from './variance-line.js';

/** The flattest part of the blocks, and at least so many. */
const FLAT_SHARE = 0.1;
const FLAT_BLOCKS = 256;
/** The median of a squared standard normal number. */
const MEDIAN_OF_SQUARE = 0.454936;

/** What the fit looks at: not the lowest frequencies, where pictures are never flat. */
const FITTED = indices.filter((k) => order(k) >= 3);
let fit: ReturnType<typeof autocovarianceFit> | undefined;

/**
 * Autocovariance of the flattest of a picture's blocks, [4, 4], summed over the channels; 8-bit units squared.
 *
 * @param kept  those of the blocks to choose from
 */
export async function flatAutocovariance(
  picture: NoisyPicture,
  { x, y, low, mid }: Blocks,
  kept: Uint32Array,
): Promise<number[]> {
  fit ??= autocovarianceFit(FITTED);
  const colours = mid.length;
  const count = Math.min(kept.length, Math.max(FLAT_BLOCKS, Math.round(FLAT_SHARE * kept.length)));
  const flattest = kept
    .slice()
    .sort((a, b) => (low[a] as number) - (low[b] as number))
    .subarray(0, count);
  const scale = scaleOf(picture);
  const block = new Float64Array(colours * AREA);
  const squares = Array.from({ length: colours * AREA }, () => new Float64Array(count));
  for (let n = 0; n < count; n++) {
    if (n % CHUNK === 0) await setImmediate();
    const at = flattest[n] as number;
    readBlock(picture, scale, x[at] as number, y[at] as number, block);
    if (colours === 3) toOpponents(block);
    for (let channel = 0; channel < colours; channel++) transform(block, channel * AREA);
    for (const [k, values] of squares.entries()) values[n] = (block[k] as number) ** 2;
  }
  const sum = new Array<number>(LAGS * LAGS).fill(0);
  for (let channel = 0; channel < colours; channel++) {
    // Medians: a few blocks with an edge in them do not count.
    const powers = squares
      .slice(channel * AREA, (channel + 1) * AREA)
      .map((values) => median(values) / MEDIAN_OF_SQUARE);
    fit(powers).forEach((value, k) => {
      sum[k] = (sum[k] as number) + value;
    });
  }
  return sum;
}
