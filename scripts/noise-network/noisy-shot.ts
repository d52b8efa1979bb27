// One example for the noise network: a picture with noise of a drawn kind, and how strong that noise is where. The kinds:
// none, white, coloured by a drawn profile, and a simulated camera; most of them through JPEG, some resized after it.
import sharp, { type JpegOptions } from 'sharp';
import { CELL, LEVELS, logLevel } from '#src/core/noise/estimate/noise-network.js';
import { BANDS, DETAIL_POWERS, MEASURED, splitIntoBands } from '#src/core/noise/model/bands.js';
import { type NoiseProfile, normalizeSpectrum, whiteProfile } from '#src/core/noise/model/noise-profile.js';
import { toOpponents } from '#src/core/noise/model/opponents.js';
import { type CameraSettings, takePictures } from '#src/core/noise/simulate/camera.js';
import { blurred } from '#src/core/noise/simulate/filters.js';
import { toPlanar } from '#src/core/picture.js';
import type { RgbPicture } from '#src/train/data/decoded-pictures.js';
import { type Draws, drawsFrom } from '../draws.js';
import { drawnGraphics } from './drawn-graphics.js';
import { noiseReducer } from './noise-reduction.js';
import { addProfileNoise } from './profile-noise.js';
import { resized } from './resizing.js';

/** Side of an example, pixels. */
export const SIDE = 256;
/** What is computed around it, so that borders and the phase of JPEG's blocks are as in a larger picture. */
const MARGIN = 16;
/** Cells on each side over which a band's power is averaged: coarse bands have few independent samples in one. */
const REACH = [0, 1, 2, 3] as const;

export interface NoisyShot {
  /** [SIDE, SIDE, 3], RGB in [0, 1]. */
  readonly picture: Float32Array;
  /** [rows, columns, LEVELS]: `logLevel` of the noise in each detail, for cells of CELL pixels. */
  readonly levels: Float32Array;
}

type Size = { readonly width: number; readonly height: number };
/** Planar [3, H, W]: one scene, taken twice. What differs is noise, whatever a camera does to it. */
type Pair = readonly [Float32Array, Float32Array];

/** A photograph, and whether it has no grain of its own, not even a little. */
export interface ScenePhoto extends RgbPicture {
  readonly isPristine?: boolean | undefined;
}

/**
 * A part of a photograph as a scene of `side` pixels: magnified where cameras' pictures are softer than web pictures, or shrunk.
 * Only pristine photographs are drawn larger, from half their size: grain would become coarse noise that is called clean.
 *
 * @param isAsFound  the photograph as it is, its JPEG blocks where a JPEG of the scene has its own
 */
function sceneOf(found: ScenePhoto, side: number, isAsFound: boolean, draws: Draws): Float32Array {
  const drawn = isAsFound || draws.chance(0.35) ? 1 : draws.logUniform(0.6, found.isPristine ? 2.5 : 1);
  const photo = drawn > 1 ? halved(found) : found;
  const most = Math.min(photo.width, photo.height);
  const zoom = Math.max(side / most, drawn);
  const cut = Math.min(most, Math.round(side / zoom));
  const step = isAsFound ? 8 : 1;
  const left = step * Math.floor(draws.uniform(0, photo.width - cut + 1) / step);
  const top = step * Math.floor(draws.uniform(0, photo.height - cut + 1) / step);
  const [mirror, flip, turn] = [draws.chance(0.5), draws.chance(0.5), draws.chance(0.5)];
  // Pictures are often darker or flatter than those of the set.
  const [gain, lift] =
    !isAsFound && draws.chance(0.4) ? [draws.logUniform(0.1, 1.1), draws.uniform(-0.05, 0.1)] : [1, 0];
  // Walls, skies and what is out of focus: smooth places are where noise is seen, and the set has few.
  const defocus = !isAsFound && draws.chance(0.2) ? draws.logUniform(2, 10) : 0;
  const scene = new Float32Array(3 * side * side);
  for (let c = 0; c < 3; c++) {
    const plane = new Float32Array(cut * cut);
    for (let y = 0; y < cut; y++)
      for (let x = 0; x < cut; x++) {
        const [u, v] = turn ? [y, x] : [x, y];
        const column = left + (mirror ? cut - 1 - u : u);
        const row = top + (flip ? cut - 1 - v : v);
        plane[y * cut + x] = (photo.data[(row * photo.width + column) * 3 + c] as number) / 255;
      }
    const inFocus =
      cut === side ? plane : resized(plane, { width: cut, height: cut }, { width: side, height: side });
    const scaled = blurred(inFocus, { width: side, height: side }, defocus);
    for (let i = 0; i < scaled.length; i++)
      scene[c * side * side + i] = Math.min(1, Math.max(0, gain * (scaled[i] as number) + lift));
  }
  return scene;
}

/** Means of 2 x 2 pixels. */
function halved({ data, width, height }: RgbPicture): RgbPicture {
  const half = { width: Math.floor(width / 2), height: Math.floor(height / 2) };
  const out = new Uint8Array(half.width * half.height * 3);
  for (let y = 0, to = 0; y < half.height; y++)
    for (let x = 0; x < half.width; x++)
      for (let c = 0; c < 3; c++, to++) {
        const from = (2 * y * width + 2 * x) * 3 + c;
        const right = from + 3;
        const [below, last] = [from + 3 * width, right + 3 * width];
        const sum = [from, right, below, last].reduce((total, i) => total + (data[i] as number), 0);
        out[to] = Math.round(sum / 4);
      }
  return { ...half, data: out };
}

function drawnCamera(draws: Draws): CameraSettings {
  // A developer without noise reduction, of light enough for hardly any noise: what demosaicing and sharpening make of fine
  // detail is no noise.
  const isPlain = draws.chance(0.15);
  return {
    electrons: isPlain ? draws.logUniform(1000, 1_000_000) : draws.logUniform(120, 100_000),
    readNoise: draws.logUniform(1, 12),
    exposure: draws.logUniform(0.3, 1),
    optics: draws.uniform(0.4, 1.1),
    // From blue sky to candles.
    whiteBalance: { red: draws.uniform(1, 2.8), blue: draws.uniform(1, 3.6) },
    demosaic: draws.chance(0.3) ? 'bilinear' : 'edge-aware',
    saturation: draws.uniform(0.2, 1.4),
    contrast: draws.uniform(0, 0.7),
    noiseReduction:
      !isPlain && draws.chance(0.65)
        ? noiseReducer({
            kind: draws.chance(0.5) ? 'guided' : 'garrote',
            luma: draws.chance(0.85) ? draws.logUniform(0.4, 4) : 0,
            // Cameras smooth chroma much more than luma: at high ISO what is left is noise in the luma alone.
            chroma: draws.chance(0.9) ? draws.logUniform(0.7, 8) : 0,
            reach: {
              luma: Math.round(draws.logUniform(0.6, 4.4)),
              chroma: Math.round(draws.logUniform(0.6, 9.4)),
            },
            strength: draws.uniform(0.4, 1),
          })
        : undefined,
    smoothing: {
      luma: !isPlain && draws.chance(0.5) ? draws.logUniform(0.35, 2) : 0,
      chroma: draws.chance(0.7) ? draws.logUniform(0.4, 5) : 0,
    },
    sharpening: {
      amount: draws.chance(0.6) ? draws.uniform(0.1, 1.5) : 0,
      radius: draws.uniform(0.5, 1.5),
    },
  };
}

/** Noise of any spectrum that changes smoothly from band to band, of any share of chroma, that depends on brightness. */
function drawnProfile(draws: Draws): NoiseProfile {
  const knots = [0, 0.25, 0.5, 0.75, 1];
  const sigma = draws.logUniform(0.8, 40) / 255;
  const slope = draws.chance(0.3) ? 0 : draws.uniform(-0.4, 1.3);
  const [low, high] = draws.chance(0.4) ? [1, 1] : [draws.uniform(0.3, 1.5), draws.uniform(0.3, 2)];
  const luma = { slope, share: 1 };
  const chroma = {
    slope: draws.chance(0.4) ? slope : draws.uniform(-0.4, 1.8),
    share: draws.chance(0.3) ? 1 : draws.logUniform(0.03, 2.5),
  };
  const level = (share: number) => knots.map((v) => sigma * share * Math.sqrt(low + (high - low) * v));
  const spectrum = ({ slope: rise }: { slope: number }) => {
    const powers = Array.from({ length: BANDS }, (_, b) =>
      Math.exp(2 * (rise * b + draws.uniform(-0.3, 0.3))),
    );
    // Now and then the finest octave is empty, as after strong smoothing or JPEG.
    if (draws.chance(0.2)) powers[0] = (powers[0] as number) * 0.02;
    return normalizeSpectrum(powers).spectrum;
  };
  const chromaSpectrum = spectrum(chroma);
  const chromaLevel = level(chroma.share);
  return {
    brightness: knots,
    channels: [
      { level: level(1), spectrum: spectrum(luma) },
      { level: chromaLevel, spectrum: chromaSpectrum },
      {
        level: chromaLevel.map((each) => each * draws.uniform(0.7, 1.4)),
        spectrum: chromaSpectrum,
      },
    ],
  };
}

function noisyPair(scene: Float32Array, size: Size, isAsFound: boolean, draws: Draws): Pair {
  if (draws.chance(isAsFound ? 0.5 : 0.3)) return [scene, scene];
  const kind = draws.uniform(0, 1);
  const seeds = [draws.seed(), draws.seed()] as const;
  if (kind >= 0.36)
    return takePictures(scene, size, drawnCamera(draws), seeds) as [Float32Array, Float32Array];
  const profile = kind < 0.18 ? whiteProfile(draws.logUniform(1, 60) / 255, 3) : drawnProfile(draws);
  const [first, second] = seeds.map((seed) => addProfileNoise(scene, size, profile, seed));
  return [first, second] as [Float32Array, Float32Array];
}

/** Planar [0, 1] -> interleaved bytes, clipped and rounded: what a file holds. */
function toBytes(planar: Float32Array): Uint8Array {
  const plane = planar.length / 3;
  const bytes = new Uint8Array(planar.length);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < plane; i++)
      bytes[3 * i + c] = Math.min(255, Math.max(0, Math.round(255 * (planar[c * plane + i] as number))));
  return bytes;
}

const fromBytes = (bytes: Uint8Array) => Float32Array.from(toPlanar(bytes, 3), (value) => value / 255);

/** @param shift  pixels from the corner of JPEG's first block to the picture's, along both axes */
async function throughJpeg(
  planar: Float32Array,
  size: Size,
  options: JpegOptions,
  shift = 0,
): Promise<Float32Array> {
  const raw = { ...size, channels: 3 as const };
  const around = { top: shift, left: shift, extendWith: 'mirror' as const };
  const file = await sharp(toBytes(planar), { raw }).extend(around).jpeg(options).toBuffer();
  return fromBytes(
    await sharp(file)
      .extract({ top: shift, left: shift, ...size })
      .raw()
      .toBuffer(),
  );
}

function everyPlane(planar: Float32Array, of: (plane: Float32Array) => Float32Array): Float32Array {
  const plane = planar.length / 3;
  const planes = [0, 1, 2].map((c) => of(planar.subarray(c * plane, (c + 1) * plane)));
  const out = new Float32Array(planes.reduce((sum, each) => sum + each.length, 0));
  for (const [c, each] of planes.entries()) out.set(each, c * each.length);
  return out;
}

/** What becomes of a picture after the camera, drawn once and done to both of a pair. */
function afterwards(size: Size, draws: Draws): (planar: Float32Array) => Promise<Float32Array> {
  // Half of the JPEGs as cameras write them. The photographs of the set are such JPEGs: with few others among the noisy
  // examples, the network takes the traces of JPEG for a sign that there is no noise.
  const jpeg: JpegOptions | undefined = draws.chance(0.68)
    ? {
        quality: Math.round(draws.chance(0.5) ? draws.uniform(85, 99) : draws.uniform(45, 98)),
        chromaSubsampling: draws.chance(0.65) ? '4:2:0' : '4:4:4',
      }
    : undefined;
  // Pictures are cut and saved again: the blocks of the first JPEG are elsewhere then.
  const again = jpeg && draws.chance(0.25) ? { quality: Math.round(draws.uniform(60, 95)) } : undefined;
  const shift = draws.chance(0.7) ? Math.floor(draws.uniform(0, 8)) : 0;
  const isWhole = jpeg !== undefined || draws.chance(0.8);
  const soften = draws.chance(0.06) ? draws.uniform(0.3, 0.9) : 0;
  const isGrey = draws.chance(0.25);
  return async (planar) => {
    let picture: Float32Array = planar.map((value) => Math.min(1, Math.max(0, value)));
    if (isGrey) picture = grey(picture);
    if (jpeg) picture = await throughJpeg(picture, size, jpeg);
    if (soften > 0) picture = everyPlane(picture, (plane) => blurred(plane, size, soften));
    if (again) picture = await throughJpeg(picture, size, again, shift);
    if (isWhole) picture = picture.map((value) => Math.round(255 * value) / 255);
    return picture;
  };
}

function grey(planar: Float32Array): Float32Array {
  const plane = planar.length / 3;
  return planar.map(
    (_, i) =>
      ((planar[i % plane] as number) +
        (planar[plane + (i % plane)] as number) +
        (planar[2 * plane + (i % plane)] as number)) /
      3,
  );
}

/** One drawn example. */
export async function noisyShot(photo: ScenePhoto, seed: number): Promise<NoisyShot> {
  const draws = drawsFrom(seed);
  // People save photographs again and again: most clean pictures come like this.
  const isAsFound = !photo.isPristine && draws.chance(0.6);
  const shrink = !isAsFound && draws.chance(0.25) ? draws.uniform(1, 2) : 1;
  const taken = SIDE + 2 * MARGIN;
  // Mosaics have even sides.
  const side = 2 * Math.ceil((taken * shrink) / 2);
  const scene = draws.chance(0.12) ? drawnGraphics(side, draws) : sceneOf(photo, side, isAsFound, draws);
  const whole = { width: side, height: side };
  const [first, second] = noisyPair(scene, whole, isAsFound, draws);
  const size = { width: taken, height: taken };
  const shrunk = (planar: Float32Array) =>
    side === taken ? planar : everyPlane(planar, (plane) => resized(plane, whole, size));
  const finish = afterwards(size, draws);
  const noisy = await finish(shrunk(first));
  const again = second === first ? noisy : await finish(shrunk(second));
  const offset = () => Math.floor(draws.uniform(0, 2 * MARGIN));
  const part: Part = { side: taken, left: offset(), top: offset() };
  return { picture: cutPicture(noisy, part), levels: levelsOf(noisy, again, part) };
}

/** A square of SIDE pixels in planes of `side` x `side`. */
interface Part {
  readonly side: number;
  readonly left: number;
  readonly top: number;
}

function cutPicture(planar: Float32Array, { side, left, top }: Part): Float32Array {
  const out = new Float32Array(SIDE * SIDE * 3);
  let to = 0;
  for (let y = top; y < top + SIDE; y++)
    for (let x = left; x < left + SIDE; x++)
      for (let c = 0; c < 3; c++) out[to++] = planar[(c * side + y) * side + x] as number;
  return out;
}

/** [rows, columns, LEVELS]: the noise's levels around every cell. Half the power of what two pictures differ by is either's. */
function levelsOf(first: Float32Array, second: Float32Array, part: Part): Float32Array {
  const { side } = part;
  const columns = SIDE / CELL;
  const levels = new Float32Array(columns * columns * LEVELS);
  const noise = first.map((value, i) => (value - (second[i] as number)) * Math.SQRT1_2);
  toOpponents(noise, side * side);
  for (let channel = 0; channel < 3; channel++) {
    const plane = noise.subarray(channel * side * side, (channel + 1) * side * side);
    const details = splitIntoBands(plane, side, side, MEASURED);
    for (let band = 0; band < MEASURED; band++) {
      const powers = cellPowers(details[band] as Float32Array, part);
      for (let cell = 0; cell < columns * columns; cell++)
        levels[cell * LEVELS + channel * MEASURED + band] = logLevel(
          around(powers, columns, cell, REACH[band] as number) / (DETAIL_POWERS[band] as number),
        );
    }
  }
  return levels;
}

function cellPowers(detail: Float32Array, { side, left, top }: Part): Float64Array {
  const columns = SIDE / CELL;
  const powers = new Float64Array(columns * columns);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const value = detail[(top + y) * side + left + x] as number;
      const cell = Math.floor(y / CELL) * columns + Math.floor(x / CELL);
      powers[cell] = (powers[cell] as number) + (value * value) / (CELL * CELL);
    }
  return powers;
}

/** The mean over the cells at most `reach` away. */
function around(powers: Float64Array, columns: number, cell: number, reach: number): number {
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, row - reach); y <= Math.min(columns - 1, row + reach); y++)
    for (let x = Math.max(0, column - reach); x <= Math.min(columns - 1, column + reach); x++) {
      sum += powers[y * columns + x] as number;
      count += 1;
    }
  return sum / count;
}
