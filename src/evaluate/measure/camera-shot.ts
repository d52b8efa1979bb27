// Photographs a clean picture with a simulated camera: the picture in its file, and the same without noise.

import sharp from 'sharp';
import { cameraAt, takePicture } from '../../core/noise/simulate/camera.js';
import type { Size } from '../../core/picture.js';
import { toInterleaved, toPlanar } from '../../core/picture.js';
import type { CameraNoise, JpegSettings } from '../noise-level.js';
import type { CleanPicture } from '../pictures.js';

interface CameraShot {
  /** The truth: the scene through the same camera, without noise or coding. */
  readonly reference: CleanPicture;
  /** The decoded file's bytes, divided by 255. */
  readonly noisy: CleanPicture;
}

/**
 * @param scene  a grey one is photographed in colour, as cameras do
 * @param seed   an integer from 0 to 2^32 - 1
 */
export async function cameraShot(scene: CleanPicture, level: CameraNoise, seed: number): Promise<CameraShot> {
  const { width, height } = scene;
  const shot = takePicture(planarColours(scene), { width, height }, cameraAt(level.iso), seed);
  const shape = { name: scene.name, width, height, channels: 3 } as const;
  return {
    reference: { ...shape, data: toInterleaved(shot.clean, 3) },
    noisy: await fileOf({ ...shape, data: toInterleaved(shot.noisy, 3) }, level.jpeg),
  };
}

/** A picture after it was stored in a file: rounded to bytes, optionally as JPEG, in [0, 1] again. */
export async function fileOf(picture: CleanPicture, jpeg: JpegSettings | undefined): Promise<CleanPicture> {
  const bytes = Uint8ClampedArray.from(picture.data, (value) => 255 * value);
  const coded = jpeg ? await throughJpeg(bytes, picture, jpeg) : bytes;
  return { ...picture, data: Float32Array.from(coded, (value) => value / 255) };
}

async function throughJpeg(
  bytes: Uint8ClampedArray,
  { width, height }: Size,
  jpeg: JpegSettings,
): Promise<Uint8Array> {
  const file = await sharp(bytes, { raw: { width, height, channels: 3 } })
    .jpeg(jpeg)
    .toBuffer();
  return sharp(file).raw().toBuffer();
}

/** [3, pixels]; a grey picture is repeated. */
function planarColours({ data, channels }: CleanPicture): Float32Array {
  if (channels === 3) return toPlanar(data, 3);
  return Float32Array.from({ length: 3 * data.length }, (_, i) => data[i % data.length] as number);
}
