// Small patches of a picture reduced to two numbers: how bright, and how much noise. For fit-noise.ts.
// The noise is read where pictures have least of their own: in the highest frequencies of both directions (a last
// part of the DCT), and in colour pictures from the differences between channels only.
import { setImmediate } from 'node:timers/promises';

/** A picture as src/tile's `Picture` has it; alpha, if any, is not looked at. */
export interface NoisyPicture {
  /** Interleaved, [height, width, channels]: 0-255, 0-65535 or, Float32, about [0, 1]. */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
  readonly channels: number;
}

export interface PatchResiduals {
  /** Mean of each patch, over its channels, 8-bit units. */
  readonly means: Float64Array;
  /** Variance of the noise and of what texture there is, 8-bit units squared. */
  readonly variances: Float64Array;
  /** Each variance is the mean square of this many coefficients: chi squared, were there only noise. */
  readonly degrees: number;
  /** No patch has a larger part of its samples clipped than this. */
  readonly clipped: number;
}

/** Side of a patch, how many of its DCT's frequencies are read each way, and from patch to patch. */
interface Kind {
  readonly side: number;
  readonly high: number;
  readonly stride: number;
}
const COLOUR: Kind = { side: 8, high: 4, stride: 8 };
/** Grey texture reaches higher than that of the differences between channels. */
const GREY: Kind = { side: 16, high: 6, stride: 8 };

/** Patches at most, evenly spread: a larger picture costs no more. */
const MOST = 3072;
/** Patches between two turns of the event loop. */
const CHUNK = 512;
/** A patch with more than this part of its samples at black or white is left out: clipped noise is weaker. */
const CLIPPED = 0.02;
/** Unless fewer patches than this are left: then the least clipped are taken, up to a part that tells nothing. */
const WANTED = 300;
const MOST_CLIPPED = 0.2;

/** 8-bit units squared. */
const LEAST_VARIANCE = 1e-9;

/** Samples that are looked at to tell whether a picture is clipped. */
const LOOKED_AT = 1 << 18;

/** The last rows of the orthonormal DCT-II, [high, side]. */
function highRows({ side, high }: Kind): Float64Array {
  return Float64Array.from({ length: high * side }, (_, i) => {
    const frequency = side - high + Math.floor(i / side);
    return Math.sqrt(2 / side) * Math.cos((Math.PI * frequency * (2 * (i % side) + 1)) / (2 * side));
  });
}

/** A reader of the [high, high] highest coefficients, written at `to` of `out`, of the [side, side] at `from`. */
function highest(kind: Kind) {
  const { side, high } = kind;
  const basis = highRows(kind);
  const rows = new Float64Array(high * side);
  return (patch: Float64Array, from: number, out: Float64Array, to: number): void => {
    for (let f = 0; f < high; f++)
      for (let x = 0; x < side; x++) {
        let sum = 0;
        for (let y = 0; y < side; y++)
          sum += (basis[f * side + y] as number) * (patch[from + y * side + x] as number);
        rows[f * side + x] = sum;
      }
    for (let f = 0; f < high; f++)
      for (let g = 0; g < high; g++) {
        let sum = 0;
        for (let x = 0; x < side; x++)
          sum += (rows[f * side + x] as number) * (basis[g * side + x] as number);
        out[to + f * high + g] = sum;
      }
  };
}

/** Mean square of what the channels do not have in common; of a single channel, of itself. */
function variance(coefficients: Float64Array, colours: number): number {
  const count = coefficients.length / colours;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let common = 0;
    for (let c = 0; c < colours; c++) {
      const value = coefficients[c * count + i] as number;
      common += value;
      sum += value * value;
    }
    if (colours > 1) sum -= (common * common) / colours;
  }
  return sum / (count * Math.max(1, colours - 1));
}

/** Top left corners of patches, all or `MOST` of them, spread evenly; always the same. */
function places(
  width: number,
  height: number,
  { side, stride }: Kind,
): { readonly x: number; readonly y: number }[] {
  const along = (length: number) => Math.max(0, Math.floor((length - side) / stride) + 1);
  const [columns, rows] = [along(width), along(height)];
  const count = Math.min(MOST, columns * rows);
  return Array.from({ length: count }, (_, i) => {
    const index = Math.floor(((i + 0.5) * columns * rows) / count);
    return { x: (index % columns) * stride, y: Math.floor(index / columns) * stride };
  });
}

/**
 * The sample values that stand for everything beyond them. None where samples go beyond 0 or white. Zeros are no
 * sign of clipping where the next larger sample is far off: that is a count of photons.
 */
function clippingLevels(data: NoisyPicture['data'], white: number): { black: number; white: number } {
  let [below, above, least] = [false, false, Number.POSITIVE_INFINITY];
  const stride = Math.max(1, Math.floor(data.length / LOOKED_AT));
  for (let i = 0; i < data.length; i += stride) {
    const value = data[i] as number;
    if (value < 0) below = true;
    else if (value > white) above = true;
    else if (value > 0 && value < least) least = value;
  }
  return { black: below || least > (1.5 / 255) * white ? Number.NaN : 0, white: above ? Number.NaN : white };
}

/** Mean and noise variance of patches of a picture. Turns the event loop every few milliseconds. */
export async function patchResiduals({
  data,
  width,
  height,
  channels,
}: NoisyPicture): Promise<PatchResiduals> {
  const colours = channels <= 2 ? 1 : 3;
  const scale = data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65535 : 1;
  const { black, white } = clippingLevels(data, scale);
  const kind = colours === 1 ? GREY : COLOUR;
  const { side, high } = kind;
  const read = highest(kind);
  const size = side * side;
  const samples = new Float64Array(colours * size);
  const coefficients = new Float64Array(colours * high * high);
  const patches: { mean: number; variance: number; clipped: number }[] = [];
  for (const [index, { x, y }] of places(width, height, kind).entries()) {
    if (index % CHUNK === 0) await setImmediate();
    let [sum, clipped] = [0, 0];
    for (let i = 0; i < size; i++) {
      const dx = i % side;
      const pixel = ((y + (i - dx) / side) * width + x + dx) * channels;
      for (let c = 0; c < colours; c++) {
        const value = data[pixel + c] as number;
        if (value === black || value === white) clipped++;
        samples[c * size + i] = value * (255 / scale);
        sum += value;
      }
    }
    for (let c = 0; c < colours; c++) read(samples, c * size, coefficients, c * high * high);
    const count = colours * size;
    const mean = (sum * 255) / scale / count;
    patches.push({ mean, variance: variance(coefficients, colours), clipped: clipped / count });
  }
  const sorted = Float64Array.from(patches, (patch) => patch.clipped).sort();
  const clipped = Math.min(MOST_CLIPPED, Math.max(CLIPPED, sorted[WANTED] ?? 1));
  // A variance of 0 is that of a flat patch without noise: drawn, or wholly clipped. It has no logarithm.
  const used = patches.filter((patch) => patch.clipped <= clipped && patch.variance > LEAST_VARIANCE);
  return {
    means: Float64Array.from(used, (patch) => patch.mean),
    variances: Float64Array.from(used, (patch) => patch.variance),
    degrees: high * high * Math.max(1, colours - 1),
    clipped: clipped <= CLIPPED ? 0 : clipped,
  };
}
