// Brightness and noise of patches of a grey picture. They are larger than those of a colour picture and read in higher
// frequencies: grey texture reaches higher than that of the differences between channels. For patch-residuals.ts.
import { setImmediate } from 'node:timers/promises';
import { type NoisyPicture, scaleOf } from '../../noisy-picture.js';

/** All patches of a picture. */
export interface Patches {
  readonly means: Float64Array;
  readonly variances: Float64Array;
  readonly degrees: number;
  /** By patch: the part of its samples that are clipped. */
  readonly clipped: Float64Array;
}

const SIDE = 16;
const HALF = SIDE / 2;
const AREA = SIDE * SIDE;
/** So many of the highest frequencies each way are read. */
const HIGH = 6;
const STRIDE = 8;
/** Patches at most, evenly spread: a larger picture costs no more. */
const MOST = 3072;
/** Patches between two turns of the event loop. */
const CHUNK = 512;
/** Samples that are looked at to tell whether a picture is clipped. */
const LOOKED_AT = 1 << 18;

/** The first halves of the last rows of the orthonormal DCT-II, [HIGH, HALF]; even rows are even, odd ones odd. */
const BASIS = Float64Array.from({ length: HIGH * HALF }, (_, i) => {
  const frequency = SIDE - HIGH + Math.floor(i / HALF);
  return Math.sqrt(2 / SIDE) * Math.cos((Math.PI * frequency * (2 * (i % HALF) + 1)) / (2 * SIDE));
});

const sums = new Float64Array(HALF);
const differences = new Float64Array(HALF);

/** The highest coefficients of the 16 numbers at `from`, `step` apart, to `to`, `outStep` apart. */
function highest(
  input: Float64Array,
  from: number,
  step: number,
  output: Float64Array,
  to: number,
  outStep: number,
): void {
  for (let i = 0; i < HALF; i++) {
    const a = input[from + i * step] as number;
    const b = input[from + (SIDE - 1 - i) * step] as number;
    sums[i] = a + b;
    differences[i] = a - b;
  }
  for (let f = 0; f < HIGH; f++) {
    const half = f % 2 === 0 ? sums : differences;
    let sum = 0;
    for (let i = 0; i < HALF; i++) sum += (BASIS[f * HALF + i] as number) * (half[i] as number);
    output[to + f * outStep] = sum;
  }
}

const columns = new Float64Array(HIGH * SIDE);
const coefficients = new Float64Array(HIGH * HIGH);

/** Mean square of the [HIGH, HIGH] highest coefficients. */
function variance(patch: Float64Array): number {
  for (let x = 0; x < SIDE; x++) highest(patch, x, SIDE, columns, x, SIDE);
  for (let f = 0; f < HIGH; f++) highest(columns, f * SIDE, 1, coefficients, f * HIGH, 1);
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum += (coefficients[i] as number) ** 2;
  return sum / coefficients.length;
}

/**
 * The sample values that stand for everything beyond them. None where samples go beyond 0 or white. Zeros are no
 * sign of clipping where the next larger sample is far off: that is a count of photons.
 */
function clippingLevels({ data, channels }: NoisyPicture, white: number): { black: number; white: number } {
  let below = false;
  let above = false;
  let least = Number.POSITIVE_INFINITY;
  const stride = channels * Math.max(1, Math.floor(data.length / channels / LOOKED_AT));
  for (let i = 0; i < data.length; i += stride) {
    const value = data[i] as number;
    if (value < 0) below = true;
    else if (value > white) above = true;
    else if (value > 0 && value < least) least = value;
  }
  return { black: below || least > (1.5 / 255) * white ? Number.NaN : 0, white: above ? Number.NaN : white };
}

/** Patches of a grey picture, all or 3072 of them, spread evenly; always the same. */
export async function greyResiduals(picture: NoisyPicture): Promise<Patches> {
  const { data, width, height, channels } = picture;
  const scale = scaleOf(picture);
  const { black, white } = clippingLevels(picture, 255 / scale);
  const along = (length: number) => Math.max(0, Math.floor((length - SIDE) / STRIDE) + 1);
  const across = along(width);
  const all = across * along(height);
  const count = Math.min(MOST, all);
  const patches: Patches = {
    means: new Float64Array(count),
    variances: new Float64Array(count),
    degrees: HIGH * HIGH,
    clipped: new Float64Array(count),
  };
  const samples = new Float64Array(AREA);

  function addPatch(n: number): void {
    const place = Math.floor(((n + 0.5) * all) / count);
    const x = (place % across) * STRIDE;
    const y = Math.floor(place / across) * STRIDE;
    let sum = 0;
    let clipped = 0;
    for (let i = 0; i < AREA; i++) {
      const value = data[((y + (i >> 4)) * width + x + (i & 15)) * channels] as number;
      if (value === black || value === white) clipped++;
      samples[i] = value * scale;
      sum += value;
    }
    patches.means[n] = (sum * scale) / AREA;
    patches.variances[n] = variance(samples);
    patches.clipped[n] = clipped / AREA;
  }

  for (let n = 0; n < count; n++) {
    if (n % CHUNK === 0) await setImmediate();
    addPatch(n);
  }
  return patches;
}
