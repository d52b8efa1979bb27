// The noise profile of a camera from pictures that show its noise: a noisy and a clean picture of one scene, or a patch
// that is flat. Measures; tells no noise from texture.
import { FlowDenoiseError } from '../../errors.js';
import { bandPowers, DETAIL_POWERS, MEASURED, splitIntoBands } from '../model/bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum } from '../model/noise-profile.js';
import { toOpponents } from '../model/opponents.js';
import { coloursOf, type NoisyPicture, scaleOf } from '../noisy-picture.js';

/** Brightnesses at which levels are told, where there are pixels enough. */
const KNOTS = 6;
/** Pixels that tell a level: to 2% where the noise is white, to about 5% where it is coarse. */
const PIXELS_PER_KNOT = 1500;
/** Knots that are nearer are one. */
const NEAREST_KNOTS = 0.02;
/** Pixels nearer to black or white than this many standard deviations have clipped noise. */
const CLIPPED = 2;
/** The least side of a flat patch, pixels: the coarsest detail that is measured spans it. */
const LEAST_SIDE = 32;

interface Planes {
  /** Planar [channels, pixels], [0, 1] units. */
  readonly data: Float32Array;
  readonly channels: 1 | 3;
  readonly width: number;
  readonly height: number;
}

function planesOf(
  picture: NoisyPicture,
  left = 0,
  top = 0,
  width = picture.width,
  height = picture.height,
): Planes {
  const channels = coloursOf(picture);
  const scale = scaleOf(picture) / 255;
  const plane = width * height;
  const data = new Float32Array(channels * plane);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) {
      let from = ((top + y) * picture.width + left) * picture.channels + c;
      for (let x = 0; x < width; x++, from += picture.channels)
        data[c * plane + y * width + x] = (picture.data[from] as number) * scale;
    }
  return { data, channels, width, height };
}

/**
 * The profile of the noise that one picture has and another of the same scene has not.
 *
 * @param noisy  any depth; alpha is not looked at
 * @param clean  the same scene and size, for instance the mean of many shots
 * @returns      levels at up to 6 brightnesses; a constant or a slow difference of both pictures is not counted
 * @throws       FlowDenoiseError BAD_IMAGE when sizes or channels differ
 */
export function profileFromPair(noisy: NoisyPicture, clean: NoisyPicture): NoiseProfile {
  const { width, height } = clean;
  if (noisy.width !== width || noisy.height !== height || coloursOf(noisy) !== coloursOf(clean))
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `Expected two pictures of one size and kind but received ${noisy.width} x ${noisy.height} with ` +
        `${noisy.channels} channels and ${width} x ${height} with ${clean.channels}`,
    );
  const truth = planesOf(clean);
  const seen = planesOf(noisy);
  const noise = seen.data.map((value, i) => value - (truth.data[i] as number));
  const brightness = meanOfPlanes(truth);
  const kept = unclippedPixels(seen, truth, noise);
  return profileOf({ ...seen, data: noise }, brightness, kept);
}

/**
 * The profile from a flat patch (a wall, the sky out of focus, a grey card): what a plane of second order leaves of it.
 * The patch has one brightness, so the profile has one level per channel.
 *
 * @param region  in pixels, inside the picture, at least 32 x 32
 * @throws        FlowDenoiseError BAD_OPTION when the region is smaller, or not inside the picture
 */
export function profileFromRegion(
  picture: NoisyPicture,
  region: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
): NoiseProfile {
  const { left, top, width, height } = region;
  const isInside = left >= 0 && top >= 0 && left + width <= picture.width && top + height <= picture.height;
  if (!isInside || width < LEAST_SIDE || height < LEAST_SIDE)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a region of at least ${LEAST_SIDE} x ${LEAST_SIDE} pixels inside ${picture.width} x ${picture.height} ` +
        `but received ${width} x ${height} at ${left}, ${top}`,
    );
  const patch = planesOf(picture, left, top, width, height);
  const brightness = meanOfPlanes(patch);
  const mean = brightness.reduce((sum, value) => sum + value, 0) / brightness.length;
  const plane = width * height;
  const noise = patch.data.slice();
  for (let c = 0; c < patch.channels; c++)
    takeOffSurface(noise.subarray(c * plane, (c + 1) * plane), width, height);
  const all = new Uint8Array(plane).fill(1);
  return profileOf({ ...patch, data: noise }, brightness.fill(mean), all);
}

function meanOfPlanes({ data, channels, width, height }: Planes): Float32Array {
  const plane = width * height;
  const mean = new Float32Array(plane);
  for (let i = 0; i < data.length; i++)
    mean[i % plane] = (mean[i % plane] as number) + (data[i] as number) / channels;
  return mean;
}

/** 1 where no channel's noise can be clipped; everywhere where nothing is clipped, or hardly a pixel is far from it. */
function unclippedPixels(noisy: Planes, clean: Planes, noise: Float32Array): Uint8Array {
  const plane = clean.width * clean.height;
  const kept = new Uint8Array(plane).fill(1);
  const isClipped = noisy.data.some((value) => value === 0 || value === 1);
  if (!isClipped) return kept;
  const margin = CLIPPED * Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
  for (let i = 0; i < clean.data.length; i++) {
    const value = clean.data[i] as number;
    if (value < margin || value > 1 - margin) kept[i % plane] = 0;
  }
  const count = kept.reduce((sum, value) => sum + value, 0);
  return count >= PIXELS_PER_KNOT ? kept : kept.fill(1);
}

/** @param noise  planar, overwritten */
function profileOf(noise: Planes, brightness: Float32Array, kept: Uint8Array): NoiseProfile {
  const { data, width, height } = noise;
  const plane = width * height;
  toOpponents(data, plane);
  const bins = binsOf(brightness, kept);
  const channels = Array.from({ length: noise.channels }, (_, c): NoiseChannel => {
    const part = data.subarray(c * plane, (c + 1) * plane);
    const details = splitIntoBands(part, width, height, MEASURED).slice(0, MEASURED);
    const powers = details.map((detail, m) => meanSquare(detail, kept) / (DETAIL_POWERS[m] as number));
    const { spectrum, power } = normalizeSpectrum(bandPowers(powers));
    const [whole, ...perBin] = squaresPerBin(details, bins);
    const level = perBin.map((square) => Math.sqrt(whole ? (power * square) / whole : 0));
    return { level, spectrum };
  });
  return { brightness: bins.brightness, channels };
}

interface Bins {
  readonly brightness: readonly number[];
  /** Per pixel: 1 + its bin, 0 for none. */
  readonly of: Uint8Array;
}

/** Bins of as many pixels each, as long as there are enough and they lie apart. */
function binsOf(brightness: Float32Array, kept: Uint8Array): Bins {
  const values = brightness.filter((_, i) => kept[i]).sort();
  const most = Math.max(1, Math.min(KNOTS, Math.floor(values.length / PIXELS_PER_KNOT)));
  const ends: number[] = [];
  const knots: number[] = [];
  for (let first = 0, b = 0; b < most; b++) {
    const end = Math.floor(((b + 1) * values.length) / most);
    const mean = values.subarray(first, end).reduce((sum, value) => sum + value, 0) / (end - first);
    const isFar = mean - (knots.at(-1) ?? Number.NEGATIVE_INFINITY) >= NEAREST_KNOTS;
    if (isFar) {
      knots.push(mean);
      ends.push(values[end - 1] as number);
    } else ends[ends.length - 1] = values[end - 1] as number;
    first = end;
  }
  const of = new Uint8Array(brightness.length);
  for (let i = 0; i < of.length; i++) {
    const bin = ends.findIndex((end) => (brightness[i] as number) <= end);
    if (kept[i]) of[i] = 1 + (bin === -1 ? ends.length - 1 : bin);
  }
  return { brightness: knots, of };
}

function meanSquare(plane: Float32Array, kept: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < plane.length; i++)
    if (kept[i]) {
      sum += (plane[i] as number) ** 2;
      count += 1;
    }
  return sum / Math.max(1, count);
}

/** The mean squares of the sum of the details: over all bins, then in each. */
function squaresPerBin(details: readonly Float32Array[], { brightness, of }: Bins): number[] {
  const sums = new Float64Array(brightness.length);
  const counts = new Float64Array(brightness.length);
  for (let i = 0; i < of.length; i++) {
    const bin = (of[i] as number) - 1;
    if (bin < 0) continue;
    let value = 0;
    for (const detail of details) value += detail[i] as number;
    sums[bin] = (sums[bin] as number) + value * value;
    counts[bin] = (counts[bin] as number) + 1;
  }
  const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
  const perBin = Array.from(sums, (sum, bin) => sum / Math.max(1, counts[bin] as number));
  return [total(sums) / Math.max(1, total(counts)), ...perBin];
}

/** Takes the least-squares polynomial of second order off a plane, in place. */
function takeOffSurface(plane: Float32Array, width: number, height: number): void {
  // On a grid, products of Legendre-like polynomials that are orthogonal over each axis are orthogonal over both.
  const across = orthogonalPolynomials(width);
  const down = orthogonalPolynomials(height);
  const orders = [0, 1, 2].flatMap((i) => [0, 1, 2].filter((j) => i + j <= 2).map((j) => [i, j] as const));
  for (const [i, j] of orders) {
    const [row, column] = [across[i] as Float64Array, down[j] as Float64Array];
    let product = 0;
    for (let at = 0; at < plane.length; at++)
      product +=
        (plane[at] as number) * (row[at % width] as number) * (column[Math.floor(at / width)] as number);
    for (let at = 0; at < plane.length; at++)
      plane[at] =
        (plane[at] as number) -
        product * (row[at % width] as number) * (column[Math.floor(at / width)] as number);
  }
}

/** 1, t, t^2 - mean on 0 .. length - 1, of unit norm and orthogonal. */
function orthogonalPolynomials(length: number): Float64Array[] {
  const t = Float64Array.from({ length }, (_, i) => i - (length - 1) / 2);
  const mean = t.reduce((sum, value) => sum + value * value, 0) / length;
  return [t.map(() => 1), t, t.map((value) => value * value - mean)].map((values) => {
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return values.map((value) => value / norm);
  });
}
