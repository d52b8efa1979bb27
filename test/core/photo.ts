// Photographs of examples/photos as the core takes them: planar or interleaved Float32 in [0, 1].
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

export interface Photo {
  /** Interleaved [height, width, 3], [0, 1]. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A photograph, or a region of it. */
export async function photo(name: string, region?: Region): Promise<Photo> {
  const image = sharp(fileURLToPath(new URL(`../../examples/photos/${name}`, import.meta.url)));
  const { data, info } = await (region ? image.extract(region) : image)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: Float32Array.from(data, (value) => value / 255), width: info.width, height: info.height };
}

/** [pixels, 3] -> [3, pixels]. */
export function planar(interleaved: Float32Array): Float32Array {
  const pixels = interleaved.length / 3;
  return interleaved.map((_, i) => interleaved[(i % pixels) * 3 + Math.floor(i / pixels)] as number);
}
