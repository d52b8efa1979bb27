// Gives a clean picture the noise of an evaluation: added noise, or that of a simulated camera. One seed always gives the
// same noise.
import sharp from 'sharp';
import { addGaussianNoise, addPoissonGaussianNoise } from '../core/noise/index.js';
import { cameraAt, takePicture } from '../core/noise/simulate/camera.js';
import { clamped, toInterleaved, toPlanar } from '../core/picture.js';
import type { AddedNoise, CameraNoise, JpegSettings, NoiseLevel } from './noise-level.js';
import type { CleanPicture } from './pictures.js';

/** A noisy picture, and the picture that restoring should give. */
export interface NoisyPair {
  /** The clean picture; for a camera, the scene through the same camera without noise or coding. */
  readonly reference: CleanPicture;
  readonly noisy: CleanPicture;
}

/** The noise of picture `index` has seed + index, whatever else is evaluated. */
export async function noisyPair(
  clean: CleanPicture,
  index: number,
  level: NoiseLevel,
  { seed, clip }: { readonly seed: number; readonly clip: boolean },
): Promise<NoisyPair> {
  if (level.model === 'camera') return cameraShot(clean, level, seed + index);
  return { reference: clean, noisy: { ...clean, data: withNoise(clean.data, level, seed + index, clip) } };
}

/**
 * @param clean  samples in [0, 1], any layout
 * @param seed   an integer from 0 to 2^32 - 1
 * @param clip   whether to clip to [0, 1], as in a file of integers
 */
export function withNoise(clean: Float32Array, level: AddedNoise, seed: number, clip: boolean): Float32Array {
  const sigma = level.sigma / 255;
  const noisy =
    level.model === 'gaussian'
      ? addGaussianNoise(clean, sigma, seed)
      : addPoissonGaussianNoise(clean, { gain: (level.gain ?? 0) / 255, sigma }, seed);
  return clip ? clamped(noisy) : noisy;
}

/**
 * @param scene  a grey one is photographed in colour, as cameras do
 * @param seed   an integer from 0 to 2^32 - 1
 * @returns      the noisy picture as its decoded file gives it
 */
export async function cameraShot(scene: CleanPicture, level: CameraNoise, seed: number): Promise<NoisyPair> {
  const { name, data, width, height } = scene;
  const colours =
    scene.channels === 3
      ? toPlanar(data, 3)
      : Float32Array.from({ length: 3 * data.length }, (_, i) => data[i % data.length] as number);
  const shot = takePicture(colours, { width, height }, cameraAt(level.iso), seed);
  const shape = { name, width, height, channels: 3 } as const;
  return {
    reference: { ...shape, data: toInterleaved(shot.clean, 3) },
    noisy: await fileOf({ ...shape, data: toInterleaved(shot.noisy, 3) }, level.jpeg),
  };
}

/** A picture after it was stored in a file: rounded to bytes, optionally as JPEG, in [0, 1] again. */
export async function fileOf(picture: CleanPicture, jpeg: JpegSettings | undefined): Promise<CleanPicture> {
  const { width, height } = picture;
  let bytes: Uint8Array | Uint8ClampedArray = Uint8ClampedArray.from(picture.data, (value) => 255 * value);
  if (jpeg) {
    const file = await sharp(bytes, { raw: { width, height, channels: 3 } })
      .jpeg(jpeg)
      .toBuffer();
    bytes = await sharp(file).raw().toBuffer();
  }
  return { ...picture, data: Float32Array.from(bytes, (value) => value / 255) };
}
