// Reads the files of `--noise profile.json` and `--sigma-map`, a grey picture with the sigma of every pixel.
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { readRegularFile } from '../core/files.js';
import type { NoiseProfile } from '../core/noise/model/noise-profile.js';
import { parseNoiseProfile } from '../core/noise/model/profile-schema.js';
import { whiteLevel } from '../core/picture.js';
import { printable } from '../core/printable.js';
import { notBoth } from '../denoiser/option-schema.js';
import { decodePicture } from '../image/index.js';

/** Profiles are never larger. */
const MOST_BYTES = 1 << 20;

/** Whether a value of --noise names a file. */
export const isProfilePath = (value: unknown): value is string =>
  typeof value === 'string' && /\.json$/i.test(value);

/** @throws FlowDenoiseError BAD_OPTION, with the file and the entry, if it cannot be read or is not a profile */
export async function readNoiseProfile(path: string): Promise<NoiseProfile> {
  const name = printable(path);
  const bytes = await readRegularFile(path).catch((error: unknown) => {
    if (error instanceof FlowDenoiseError) throw error;
    throw badOption(
      `${name}: cannot be read (${messageOf(error)}); expected a noise profile that flow-denoise noise wrote`,
      error,
    );
  });
  if (bytes.length > MOST_BYTES)
    throw badOption(
      `${name}: found ${bytes.length} bytes, expected a noise profile, which has at most ${MOST_BYTES}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw badOption(
      `${name}: is not JSON (${messageOf(error).replaceAll(/\s+/g, ' ')}); expected a noise profile that flow-denoise noise wrote`,
      error,
    );
  }
  return parseNoiseProfile(value, name);
}

/**
 * Replaces a profile's file name in the options by the profile.
 *
 * @throws FlowDenoiseError BAD_OPTION, as `readNoiseProfile`, and if sigma is passed too
 */
export async function withNoiseProfile<Options extends Record<string, unknown>>(
  options: Options,
): Promise<Options> {
  const { noise, sigma = 'auto' } = options;
  if (!isProfilePath(noise)) return options;
  if (sigma !== 'auto') throw notBoth('--sigma', `--noise ${printable(noise)}`);
  return { ...options, noise: await readNoiseProfile(noise) };
}

/**
 * The samples of a grey picture, 8-bit units.
 *
 * @throws  FlowDenoiseError BAD_OPTION for a picture with colour or alpha, and errors of decoding
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
