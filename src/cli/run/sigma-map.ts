// `--sigma-map`: the sigma of every pixel, from a grey picture.
import { badOption } from '../../core/errors.js';
import { readRegularFile } from '../../core/files.js';
import { whiteLevel } from '../../core/picture.js';
import { decodePicture } from '../../image/index.js';

/**
 * The samples of a grey picture, 8-bit units.
 *
 * @throws  FlowDenoiseError BAD_OPTION for a picture with colour or alpha, and what decoding throws
 */
export async function readSigmaMap(path: string): Promise<Float32Array> {
  const { picture } = await decodePicture(await readRegularFile(path), path);
  if (picture.channels !== 1)
    throw badOption(
      `Expected a grey picture for --sigma-map but received ${path}, which has colour or alpha`,
    );
  const unit = 255 / whiteLevel(picture.data);
  return Float32Array.from(picture.data, (value) => value * unit);
}
