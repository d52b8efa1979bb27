// What the flags about noise mean: --noise profile.json, --gain and --offset, and --sigma-map, a grey picture.
import { z } from 'zod';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { readRegularFile } from '../core/files.js';
import type { NoiseProfile } from '../core/noise/model/noise-profile.js';
import { parseNoiseProfile } from '../core/noise/model/profile-schema.js';
import { whiteLevel } from '../core/picture.js';
import { printable } from '../core/printable.js';
import { notBoth, option } from '../denoiser/option-schema.js';
import { decodePicture } from '../image/index.js';

/** A sensor's noise; `withNoise` makes it the option `noise`. */
export const sensorShape = {
  gain: option(z.unknown().optional(), 'a number above 0', {
    does: 'Poisson-Gaussian: the variance per unit of signal, in 8-bit units; --sigma is then the read noise',
    flag: '<number>',
    otherwise: 'estimated',
  }),
  offset: option(z.unknown().optional(), 'a number below 255', {
    does: 'Poisson-Gaussian: the sample without light, in 8-bit units',
    flag: '<number>',
    otherwise: '0',
  }),
};

/** Profiles are never larger. */
const MOST_BYTES = 1 << 20;

/** Whether a value of --noise names a file. */
export const isProfilePath = (value: unknown): value is string =>
  typeof value === 'string' && /\.json$/i.test(value);

/** @throws FlowDenoiseError BAD_OPTION, with the file and the entry, if it cannot be read or is not a profile */
export async function readNoiseProfile(path: string): Promise<NoiseProfile> {
  const name = printable(path);
  let value: unknown;
  try {
    value = JSON.parse(String(await readRegularFile(path, { most: MOST_BYTES, name })));
  } catch (error) {
    if (error instanceof FlowDenoiseError) throw error;
    const why = messageOf(error).replaceAll(/\s+/g, ' ');
    throw badOption(
      `${name}: cannot be read (${why}); expected a noise profile that flow-denoise noise wrote`,
      error,
    );
  }
  return parseNoiseProfile(value, name);
}

/**
 * Replaces a profile's file name by the profile, and --gain and --offset, which describe a sensor, with --sigma, its read
 * noise, by the option `noise`.
 *
 * @throws  FlowDenoiseError BAD_OPTION if they contradict each other, and as `readNoiseProfile`
 */
export async function withNoise(options: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { gain, offset, ...values } = options;
  const { noise, sigma, ...rest } = values;
  if (gain !== undefined) {
    if (noise !== undefined && noise !== 'poisson-gaussian')
      throw notBoth('--gain', '--noise of another kind', '--gain is for --noise poisson-gaussian');
    if (sigma === 'auto') throw badOption('Expected a number for --sigma, the read noise, with --gain');
    return { ...rest, noise: { model: 'poisson-gaussian', gain, sigma: sigma ?? 0, offset: offset ?? 0 } };
  }
  if (offset !== undefined) throw badOption('Pass --gain too if you pass --offset');
  if (!isProfilePath(noise)) return values;
  if (sigma !== undefined && sigma !== 'auto') throw notBoth('--sigma', `--noise ${printable(noise)}`);
  return { ...values, noise: await readNoiseProfile(noise) };
}

/** The option `sigmaMap`, 8-bit units, from a grey picture. @throws FlowDenoiseError BAD_OPTION for colour or alpha */
export async function readSigmaMap(path: string | undefined): Promise<{ readonly sigmaMap?: Float32Array }> {
  if (path === undefined) return {};
  const { picture } = await decodePicture(await readRegularFile(path), path);
  if (picture.channels !== 1)
    throw badOption(
      `Expected a grey picture for --sigma-map but received ${path}, which has colour or alpha`,
    );
  const unit = 255 / whiteLevel(picture.data);
  return { sigmaMap: Float32Array.from(picture.data, (value) => value * unit) };
}
