// A simulated camera, from a clean scene to the picture before JPEG. It gives true pictures at any ISO, to train and test
// noise estimates. After Guo et al. 2019 (CBDNet) and Brooks et al. 2019 (unprocessing).
import { clamped, type Size } from '../../picture.js';
import { gaussianGenerator } from '../random.js';
import { bayerChannel, type Demosaic, demosaic } from './demosaic.js';
import { blurred, sharpened } from './filters.js';

export interface CameraSettings {
  /** Electrons that a white pixel collects: about 20,000 at base ISO, 200 at the highest. */
  readonly electrons: number;
  /** Standard deviation of the read noise, electrons. */
  readonly readNoise: number;
  /** Scene light before the sensor: 1 for the scene as it is, less for an underexposed scene that is brightened later. */
  readonly exposure: number;
  /**
   * Standard deviation of the blur by lens, low-pass filter and the pixels' own area, pixels. Cameras whose contrast is halved
   * at 0.2 to 0.35 cycles a pixel have 0.53 to 0.93. At 0 a sharp scene becomes coloured specks in the mosaic, noise or not.
   */
  readonly optics: number;
  /** Factors for red and blue after the sensor. */
  readonly whiteBalance: { readonly red: number; readonly blue: number };
  readonly demosaic: Demosaic;
  /**
   * How far the colour matrix pulls apart what the sensor's overlapping colour filters brought together; 0 for filters that do
   * not overlap. A diagonal of 1.5, as cameras' matrices have it, is 0.75.
   */
  readonly saturation: number;
  /** Share of an S-shaped tone curve on top of the sRGB curve, 0 to 1. */
  readonly contrast: number;
  /**
   * Noise reduction that keeps edges; runs before the plain smoothing.
   *
   * @param plane  [H W] luma or chroma
   * @param noise  [H W] the standard deviation that the camera expects at each pixel
   */
  readonly noiseReduction?:
    | ((plane: Float32Array, size: Size, noise: Float32Array, part: 'luma' | 'chroma') => Float32Array)
    | undefined;
  /** Standard deviations of the camera's own smoothing of luma and chroma, pixels. */
  readonly smoothing: { readonly luma: number; readonly chroma: number };
  readonly sharpening: { readonly amount: number; readonly radius: number };
}

/** A camera without noise reduction or sharpening. Electrons are those of a full-frame sensor of 2012 at ISO 100. */
export function cameraAt(iso: number): CameraSettings {
  return {
    electrons: (60_000 * 100) / iso,
    readNoise: 3,
    exposure: 1,
    optics: 0.65,
    whiteBalance: { red: 2, blue: 1.6 },
    demosaic: 'edge-aware',
    saturation: 0.75,
    contrast: 0.3,
    smoothing: { luma: 0, chroma: 0.8 },
    sharpening: { amount: 0.4, radius: 0.8 },
  };
}

export interface Shot {
  /** The truth: planar [3, H, W], clipped to [0, 1], through the whole camera without noise. */
  readonly clean: Float32Array;
  /** As `clean`, with the sensor's noise. */
  readonly noisy: Float32Array;
}

const TABLE = 4096;

function tabled(curve: (x: number) => number): (x: number) => number {
  const table = Float32Array.from({ length: TABLE + 2 }, (_, i) => curve(Math.min(1, i / TABLE)));
  return (x) => {
    const place = Math.min(1, Math.max(0, x)) * TABLE;
    const i = Math.floor(place);
    const low = table[i] as number;
    return low + (place - i) * ((table[i + 1] as number) - low);
  };
}

/** IEC 61966-2-1. */
const toLinear = tabled((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
const fromLinear = (x: number) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);

/**
 * Takes a picture of a scene.
 *
 * @param scene planar [3, H, W], sRGB in [0, 1]; at least 8 x 8 pixels
 * @param seed  an integer from 0 to 2^32 - 1; the same seed gives the same noise
 */
export function takePicture(scene: Float32Array, size: Size, settings: CameraSettings, seed: number): Shot {
  const [clean, noisy] = takePictures(scene, size, settings, [undefined, seed]);
  return { clean: clean as Float32Array, noisy: noisy as Float32Array };
}

/** As `takePicture`, once per seed: pictures of one scene that differ in their noise only. Undefined gives no noise. */
export function takePictures(
  scene: Float32Array,
  size: Size,
  settings: CameraSettings,
  seeds: readonly (number | undefined)[],
): Float32Array[] {
  const mosaic = mosaicOf(lightOf(scene, size, settings), size, settings);
  const variance = sensorVariance(settings);
  const develop = developer(size, settings);
  return seeds.map((seed) => {
    if (seed === undefined) return develop(mosaic);
    const next = gaussianGenerator(seed);
    return develop(mosaic.map((value) => Math.min(1, value + next() * Math.sqrt(variance(value)))));
  });
}

/** Planar [3, H, W]: the linear light that each pixel collects through each of the colour filters. */
function lightOf(scene: Float32Array, size: Size, settings: CameraSettings): Float32Array {
  const { exposure, optics, saturation } = settings;
  const plane = size.width * size.height;
  const light = scene.map((value) => exposure * toLinear(value));
  for (let c = 0; c < 3; c++)
    light.set(blurred(light.subarray(c * plane, (c + 1) * plane), size, optics), c * plane);
  const mean = meanOf(light, plane);
  return light.map((value, i) => {
    const grey = mean[i % plane] as number;
    return grey + (value - grey) / (1 + saturation);
  });
}

/** The variance of the sensor's noise, in units where white is 1. */
function sensorVariance({ electrons, readNoise }: CameraSettings): (value: number) => number {
  const read = (readNoise / electrons) ** 2;
  return (value) => Math.max(0, value) / electrons + read;
}

function gainsOf({ whiteBalance: { red, blue } }: CameraSettings) {
  return [red, 1, blue] as const;
}

/** The sensor's image: one channel per pixel, before white balance. */
function mosaicOf(light: Float32Array, { width, height }: Size, settings: CameraSettings): Float32Array {
  const gains = gainsOf(settings);
  return Float32Array.from({ length: width * height }, (_, i) => {
    const channel = bayerChannel(i % width, Math.floor(i / width));
    return (light[channel * width * height + i] as number) / gains[channel];
  });
}

function developer(size: Size, settings: CameraSettings): (mosaic: Float32Array) => Float32Array {
  const { width, height } = size;
  const plane = width * height;
  const gains = gainsOf(settings);
  const { exposure, saturation, contrast, sharpening } = settings;
  const tone = tabled((x) => {
    const y = fromLinear(x);
    return (1 - contrast) * y + contrast * y * y * (3 - 2 * y);
  });
  const noiseAt = settings.noiseReduction && tonedNoise(tone, settings);
  return (mosaic) => {
    const balanced = mosaic.map(
      (value, i) => (gains[bayerChannel(i % width, Math.floor(i / width))] * value) / exposure,
    );
    const colour = demosaic(balanced, size, settings.demosaic);
    const mean = meanOf(colour, plane);
    for (const [i, value] of colour.entries())
      colour[i] = tone(value + saturation * (value - (mean[i % plane] as number)));
    const smooth = smoothedColours(colour, size, settings, noiseAt);
    for (let c = 0; c < 3; c++)
      smooth.set(sharpened(smooth.subarray(c * plane, (c + 1) * plane), size, sharpening), c * plane);
    return clamped(smooth);
  };
}

/** The standard deviation that the camera expects of the noise at each grey. */
function tonedNoise(tone: (x: number) => number, settings: CameraSettings): (grey: number) => number {
  const steps = 256;
  const variance = sensorVariance(settings);
  const { exposure } = settings;
  const expected = new Float32Array(steps + 1);
  let last = 0;
  for (let i = 0; i < TABLE; i++) {
    const [x, y] = [i / TABLE, tone(i / TABLE)];
    const slope = (tone((i + 1) / TABLE) - y) * TABLE;
    const place = Math.min(steps, Math.max(0, Math.round(y * steps)));
    expected.fill((slope * Math.sqrt(variance(exposure * x))) / exposure, last, steps + 1);
    last = Math.max(last, place);
  }
  return (grey) => expected[Math.round(steps * Math.min(1, Math.max(0, grey)))] as number;
}

function meanOf(colour: Float32Array, plane: number): Float64Array {
  return Float64Array.from(
    { length: plane },
    (_, i) => ((colour[i] as number) + (colour[plane + i] as number) + (colour[2 * plane + i] as number)) / 3,
  );
}

/** Smooths luma and chroma separately, as cameras do against noise. */
function smoothedColours(
  colour: Float32Array,
  size: Size,
  { smoothing, noiseReduction }: CameraSettings,
  noiseAt: ((grey: number) => number) | undefined,
): Float32Array {
  if (smoothing.luma === 0 && smoothing.chroma === 0 && !noiseReduction) return colour;
  const plane = size.width * size.height;
  const grey = Float32Array.from(meanOf(colour, plane));
  const noise = noiseAt && grey.map(noiseAt);
  const smoothed = (values: Float32Array, part: 'luma' | 'chroma') =>
    blurred((noise && noiseReduction?.(values, size, noise, part)) ?? values, size, smoothing[part]);
  const luma = smoothed(grey, 'luma');
  const out = new Float32Array(3 * plane);
  for (let c = 0; c < 3; c++) {
    const chroma = smoothed(
      grey.map((value, i) => (colour[c * plane + i] as number) - value),
      'chroma',
    );
    for (let i = 0; i < plane; i++) out[c * plane + i] = (luma[i] as number) + (chroma[i] as number);
  }
  return out;
}
