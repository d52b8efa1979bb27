// The noise profile of a camera from pictures that show its noise: a noisy and a clean picture of one scene, or a patch
// that is flat. Measures; tells no noise from texture.
import { badImage, badOption } from '../../errors.js';
import { sum } from '../../metrics/index.js';
import { colourChannels, type Picture, type PlanarTile, type Region, whiteLevel } from '../../picture.js';
import { bandPowers, DETAIL_POWERS, MEASURED, splitIntoBands } from '../model/bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum } from '../model/noise-profile.js';
import { brightnessOf, toOpponents } from '../model/opponents.js';

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

function planesOf(picture: Picture, { left, top, width, height }: Region): PlanarTile {
  const channels = colourChannels(picture.channels);
  const scale = 255 / whiteLevel(picture.data) / 255;
  const data = new Float32Array(channels * width * height);
  for (let c = 0, to = 0; c < channels; c++)
    for (let y = top; y < top + height; y++)
      for (let x = left; x < left + width; x++, to++)
        data[to] = (picture.data[(y * picture.width + x) * picture.channels + c] as number) * scale;
  return { data, channels, width, height };
}

/**
 * The profile of the noise that one picture has and another of the same scene has not.
 *
 * @param noisy  any depth; alpha is not looked at
 * @param clean  the same scene and size, for instance the mean of many shots
 * @param odd    1 for pixels that do not count
 * @returns      levels at up to 6 brightnesses; a constant or a slow difference of both pictures is not counted
 * @throws       FlowDenoiseError BAD_IMAGE when sizes or channels differ
 */
export function profileFromPair(noisy: Picture, clean: Picture, odd?: Uint8Array): NoiseProfile {
  const { width, height } = clean;
  const isAlike = colourChannels(noisy.channels) === colourChannels(clean.channels);
  if (noisy.width !== width || noisy.height !== height || !isAlike)
    throw badImage(
      `Expected two pictures of one size and kind but received ${noisy.width} x ${noisy.height} with ` +
        `${noisy.channels} channels and ${width} x ${height} with ${clean.channels}`,
    );
  const whole = { left: 0, top: 0, width, height };
  const [seen, truth] = [planesOf(noisy, whole), planesOf(clean, whole)];
  const noise = seen.data.map((value, i) => value - (truth.data[i] as number));
  const kept = unclippedPixels(seen, truth, noise);
  return profileOf({ ...seen, data: noise }, brightnessOf(truth), withoutOdd(noise, kept, odd));
}

/**
 * The profile from a flat patch (a wall, the sky out of focus, a grey card): what a plane of second order leaves of it.
 * The patch has one brightness, so the profile has one level per channel.
 *
 * @param region  in pixels, inside the picture, at least 32 x 32
 * @param odd     1 for pixels of the picture that do not count
 * @throws        FlowDenoiseError BAD_OPTION when the region is smaller, not inside the picture, or mostly of odd pixels
 */
export function profileFromRegion(picture: Picture, region: Region, odd?: Uint8Array): NoiseProfile {
  const { left, top, width, height } = region;
  const isInside = left >= 0 && top >= 0 && left + width <= picture.width && top + height <= picture.height;
  if (!isInside || width < LEAST_SIDE || height < LEAST_SIDE)
    throw badOption(
      `Expected a region of at least ${LEAST_SIDE} x ${LEAST_SIDE} pixels inside ${picture.width} x ${picture.height} ` +
        `but received ${width} x ${height} at ${left}, ${top}`,
    );
  const patch = planesOf(picture, region);
  const brightness = brightnessOf(patch);
  const plane = width * height;
  for (let c = 0; c < patch.channels; c++)
    takeOffSurface(patch.data.subarray(c * plane, (c + 1) * plane), width, height);
  const middle = brightness.reduce((total, value) => total + value, 0) / plane;
  const oddHere = odd && planesOf({ ...picture, data: odd, channels: 1 }, region).data;
  const kept = withoutOdd(patch.data, new Uint8Array(plane).fill(1), oddHere);
  if (2 * kept.reduce((total, value) => total + value, 0) < plane)
    throw badOption(
      `Expected a region whose pixels are mostly seen but more than half of ${width} x ${height} at ${left}, ${top} are hidden or odd`,
    );
  return profileOf(patch, brightness.fill(middle), kept);
}

/** `kept` without odd pixels, whose noise becomes 0: they were filled. Changes both. */
function withoutOdd(noise: Float32Array, kept: Uint8Array, odd: ArrayLike<number> | undefined): Uint8Array {
  if (odd === undefined) return kept;
  for (let i = 0; i < noise.length; i++) if (odd[i % odd.length]) noise[i] = 0;
  return kept.map((isKept, i) => (odd[i] ? 0 : isKept));
}

/** 1 where no channel's noise can be clipped; everywhere where nothing is clipped, or hardly a pixel is far from it. */
function unclippedPixels(noisy: PlanarTile, clean: PlanarTile, noise: Float32Array): Uint8Array {
  const plane = clean.width * clean.height;
  const kept = new Uint8Array(plane).fill(1);
  if (!noisy.data.some((value) => value === 0 || value === 1)) return kept;
  const margin = CLIPPED * Math.sqrt(noise.reduce((total, value) => total + value * value, 0) / noise.length);
  for (const [i, value] of clean.data.entries())
    if (value < margin || value > 1 - margin) kept[i % plane] = 0;
  const count = kept.reduce((total, value) => total + value, 0);
  return count >= PIXELS_PER_KNOT ? kept : kept.fill(1);
}

/** Overwrites `noise`. By pixel: its brightness, and 1 if it counts. */
function profileOf(noise: PlanarTile, brightness: Float32Array, kept: Uint8Array): NoiseProfile {
  const { data, width, height } = noise;
  const plane = width * height;
  toOpponents(data, plane);
  const bins = binsOf(brightness, kept);
  const channels = Array.from({ length: noise.channels }, (_, c): NoiseChannel => {
    const part = data.subarray(c * plane, (c + 1) * plane);
    const details = splitIntoBands(part, width, height, MEASURED).slice(0, MEASURED);
    const one = { brightness: [0], of: kept };
    const powers = details.map((detail, m) => squaresPerBin([detail], one)[0] / (DETAIL_POWERS[m] as number));
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
  let first = 0;
  for (let b = 0; b < most; b++) {
    let end = Math.floor(((b + 1) * values.length) / most);
    // Pixels of one brightness are in one bin.
    while (end < values.length && values[end] === values[end - 1]) end++;
    if (end <= first) continue;
    const middle = values.subarray(first, end).reduce((total, value) => total + value, 0) / (end - first);
    const isNear = middle - (knots.at(-1) ?? Number.NEGATIVE_INFINITY) < NEAREST_KNOTS;
    if (isNear) ends.pop();
    else knots.push(middle);
    ends.push(values[end - 1] as number);
    first = end;
  }
  const of = new Uint8Array(brightness.length);
  for (let i = 0; i < of.length; i++) {
    const bin = ends.findIndex((end) => (brightness[i] as number) <= end);
    if (kept[i]) of[i] = 1 + (bin === -1 ? ends.length - 1 : bin);
  }
  return { brightness: knots, of };
}

/** The mean squares of the sum of the details: over all bins, then in each. */
function squaresPerBin(details: readonly Float32Array[], { brightness, of }: Bins): [number, ...number[]] {
  const sums = brightness.map(() => 0);
  const counts = brightness.map(() => 0);
  for (let i = 0; i < of.length; i++) {
    const bin = (of[i] as number) - 1;
    if (bin < 0) continue;
    let value = 0;
    for (const detail of details) value += detail[i] as number;
    sums[bin] = (sums[bin] as number) + value * value;
    counts[bin] = (counts[bin] as number) + 1;
  }
  const perBin = sums.map((square, bin) => square / Math.max(1, counts[bin] as number));
  return [sum(sums) / Math.max(1, sum(counts)), ...perBin];
}

/** Takes the least-squares polynomial of second order off a plane, in place. */
function takeOffSurface(plane: Float32Array, width: number, height: number): void {
  // On a grid, products of Legendre-like polynomials that are orthogonal over each axis are orthogonal over both.
  const [across, down] = [orthogonalPolynomials(width), orthogonalPolynomials(height)];
  for (const [i, row] of across.entries())
    for (const column of down.slice(0, 3 - i)) {
      const times = (value: number, k: number) =>
        value * (row[k % width] as number) * (column[Math.floor(k / width)] as number);
      const product = plane.reduce((total, value, k) => total + times(value, k), 0);
      for (let k = 0; k < plane.length; k++) plane[k] = (plane[k] as number) - times(product, k);
    }
}

/** 1, t, t^2 - mean on 0 .. length - 1, of unit norm and orthogonal. */
function orthogonalPolynomials(length: number): Float64Array[] {
  const t = Float64Array.from({ length }, (_, i) => i - (length - 1) / 2);
  const squares = (values: Float64Array) => values.reduce((total, value) => total + value * value, 0);
  const mean = squares(t) / length;
  return [t.map(() => 1), t, t.map((value) => value * value - mean)].map((values) => {
    const norm = Math.sqrt(squares(values));
    return values.map((value) => value / norm);
  });
}
