// Decodes a file to a picture: its samples and its container. Without colour management, gamma, rotation or premultiplication.

import sharp, { type Metadata, type Sharp } from 'sharp';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { openRegularFile } from '../core/files.js';
import { type Channels, colourChannels, type Picture, type Samples } from '../core/picture.js';
import type { Animation } from './containers/animation.js';
import { type AvifContainer, readAvifContainer } from './containers/avif-container.js';
import { type GifContainer, readGifContainer } from './containers/gif-container.js';
import { type JpegContainer, readJpegContainer } from './containers/jpeg-container.js';
import { type MetadataBlocks, metadataBlocks } from './containers/metadata-blocks.js';
import { TooManyParts } from './containers/part-limit.js';
import { type PngContainer, readPngContainer } from './containers/png-container.js';
import { hasUnknownBand, readTiffContainer, type TiffContainer } from './containers/tiff-container.js';
import { readWebpContainer, type WebpContainer } from './containers/webp-container.js';
import { fileTraits } from './file-traits.js';
import { describeContents, formatNames, type PictureFormat, pictureFormat } from './format.js';
import { soundJpeg } from './jpeg/jpeg-repair.js';
import type { Trait } from './traits.js';

/** All of a file but its pixels: metadata, and how the pixels are coded. */
export type Container =
  | PngContainer
  | JpegContainer
  | WebpContainer
  | TiffContainer
  | AvifContainer
  | GifContainer;

export interface DecodedPicture {
  /** The file's name, for messages. */
  readonly name: string;
  /**
   * Uint8Array for 8-bit files, Uint16Array for more bits, Float32Array for float TIFFs. An animation's frames are one below
   * the other; `animationOf` tells how many.
   */
  readonly picture: Picture;
  /** A band beside the colours that is not an alpha, such as near infrared. It does not change. */
  readonly band?: Samples | undefined;
  readonly format: PictureFormat;
  readonly container: Container;
  /** Metadata in a form that any format can take. */
  readonly blocks: MetadataBlocks;
  /** The file's properties, to compare with those of the result. */
  readonly traits: readonly Trait[];
  /** Oddities of a file whose picture is intact: 'the file has ...'. */
  readonly warnings?: readonly string[];
}

export interface DecodeOptions {
  /** The largest width x height that is decoded, in pixels. Default 200 million. */
  readonly maxPixels?: number | undefined;
  /** Whether to accept animations. Default false. */
  readonly animations?: boolean | undefined;
}

export function animationOf(container: Container): Animation | undefined {
  return 'animation' in container ? container.animation : undefined;
}

/** 200 megapixels: above any camera, 0.6 GB as 8-bit RGB. */
export const DEFAULT_MAX_PIXELS = 200_000_000;

const EXPECTED = 'expected a PNG, JPEG, WebP, TIFF, AVIF or GIF picture';
const SPACES: readonly string[] = ['b-w', 'grey16', 'srgb', 'rgb16', 'scrgb'];

/**
 * Decodes one picture. Samples stay in the file's colour space: the profile is kept, not applied. Grey of 1, 2 or 4 bits
 * becomes 8 bits; a palette becomes RGB or RGBA; WebP is always RGB or RGBA.
 *
 * @param bytes  the file
 * @param name   its name, for messages
 * @throws       FlowDenoiseError BAD_IMAGE (damaged, incomplete, empty or not a picture), UNSUPPORTED_IMAGE
 *               (a kind of picture that we cannot read, or one above maxPixels)
 */
export async function decodePicture(
  bytes: Buffer | Uint8Array,
  name: string,
  { maxPixels = DEFAULT_MAX_PIXELS, animations = false }: DecodeOptions = {},
): Promise<DecodedPicture> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { format, container, animated, sound } = begun(file, name, animations);
  const decode = async (
    failOn: 'warning' | 'error',
    warnings: readonly string[],
  ): Promise<DecodedPicture> => {
    const open = (): Sharp =>
      sharp(sound.bytes, { ignoreIcc: true, failOn, limitInputPixels: false, animated });
    const metadata = await open().metadata();
    refusePixels(metadata, container, name, maxPixels);
    const traits = fileTraits(file, format, metadata);
    const blocks = metadataBlocks('tags' in container ? container : {}, metadata);
    return {
      name,
      ...withoutBand(await decodeSamples(open, metadata, container), container),
      format,
      container,
      blocks,
      traits,
      warnings,
    };
  };
  try {
    return await decode('warning', sound.warnings);
  } catch (error) {
    const told = harmlessWarnings(error, format);
    if (told === undefined) throw asOurs(error, format, name);
    return await decode('error', told).catch((later: unknown) => {
      throw asOurs(later, format, name);
    });
  }
}

/** The format, container and header, checked before the samples are decoded. @throws as decodePicture */
function begun(file: Buffer, name: string, animations: boolean) {
  const format = recognisedFormat(file, name);
  const container = soundContainer(file, format, name);
  refuseContainer(container, name, animations);
  const sound = format === 'jpeg' ? soundJpeg(file) : { bytes: file, warnings: [] };
  return { format, container, sound, animated: animationOf(container) !== undefined };
}

/** What is known of a file before its samples are decoded. */
interface PictureHeader {
  readonly format: PictureFormat;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** The number of an animation's frames, else 1. */
  readonly frames: number;
}

/**
 * A picture's header, after every check of `decodePicture` that needs no samples.
 *
 * @throws  as decodePicture; damaged samples show only in decoding
 */
export async function readPictureHeader(
  file: Buffer,
  name: string,
  { maxPixels = DEFAULT_MAX_PIXELS, animations = false }: DecodeOptions = {},
): Promise<PictureHeader> {
  const { format, container, animated, sound } = begun(file, name, animations);
  try {
    const metadata = await sharp(sound.bytes, {
      ignoreIcc: true,
      failOn: 'error',
      limitInputPixels: false,
      animated,
    }).metadata();
    refusePixels(metadata, container, name, maxPixels);
    const { width, height, channels, pages = 1, pageHeight = height } = metadata;
    if (!animated) return { format, width, height, channels, frames: 1 };
    return { format, width, height: pageHeight, channels, frames: pages };
  } catch (error) {
    throw asOurs(error, format, name);
  }
}

/** libvips's complaints, each line once, without its advice on options. */
function complaints(error: unknown): string[] {
  const lines = messageOf(error).trim().split('\n').filter(Boolean);
  return [...new Set(lines)].filter((line) => !/failOn setting|^error in tile/.test(line));
}

/** libtiff's warnings about files whose pixels are intact, in our words. Damage to samples is an error. */
const harmless: readonly (readonly [warning: RegExp, words: string])[] = [
  // GeoTIFF has such texts; libtiff adds a NUL.
  [/^ASCII value .* null/, 'texts in its tags that do not end as they should'],
  [/Defining non-color channels as ExtraSamples/, 'a band beside the colours that it does not name'],
];

/** The warnings in our words, if all of them are harmless. */
function harmlessWarnings(error: unknown, format: PictureFormat): readonly string[] | undefined {
  if (error instanceof FlowDenoiseError || format !== 'tiff') return undefined;
  const lines = complaints(error).map((line) => harmless.find(([warning]) => warning.test(line))?.[1]);
  const words = [...new Set(lines)].filter((line) => line !== undefined);
  return words.length > 0 && lines.every((line) => line !== undefined) ? words : undefined;
}

/** Our error for libvips's. A file that libvips has no decoder for is not damaged. */
function asOurs(error: unknown, format: PictureFormat, name: string): FlowDenoiseError {
  if (error instanceof FlowDenoiseError) return error;
  const why = complaints(error).join('; ');
  // sharp calls a truncated header an unsupported image format.
  if (/not supported|unsupported (?!image format)|not implemented/i.test(why))
    return unsupported(
      name,
      `a ${formatNames[format]} of a kind that cannot be read here (${why})`,
      PLAIN,
      TO_PNG,
    );
  return new FlowDenoiseError(
    'BAD_IMAGE',
    `${name}: found a damaged or incomplete ${formatNames[format]} file (${why}), expected a whole one. Copy or export it again.`,
    { cause: error },
  );
}

function recognisedFormat(file: Buffer, name: string): PictureFormat {
  const format = pictureFormat(file);
  if (format !== undefined) return format;
  if (file.length === 0)
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `${name}: found an empty file (0 bytes), ${EXPECTED}. Copy or export it again.`,
    );
  const { words, isPicture } = describeContents(file);
  throw isPicture
    ? unsupported(name, words, EXPECTED, 'Convert it to one of these first.')
    : new FlowDenoiseError(
        'BAD_IMAGE',
        `${name}: found ${words}, ${EXPECTED}. Check the file, or leave it out.`,
      );
}

function soundContainer(file: Buffer, format: PictureFormat, name: string): Container {
  try {
    return readContainer(file, format);
  } catch (error) {
    if (!(error instanceof TooManyParts)) throw error;
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      `${name}: ${error.message}. Save it again with another program, without its metadata.`,
      { cause: error },
    );
  }
}

const readers = {
  png: readPngContainer,
  jpeg: readJpegContainer,
  webp: readWebpContainer,
  tiff: readTiffContainer,
  avif: readAvifContainer,
  gif: readGifContainer,
} as const satisfies Record<PictureFormat, (file: Buffer) => Container>;

/** @throws TooManyParts */
function readContainer(file: Buffer, format: PictureFormat): Container {
  return readers[format](file);
}

function refuseContainer(container: Container, name: string, animations: boolean): void {
  const { format } = container;
  const isTaken = format === 'png' ? !container.isAnimated : animations || !animationOf(container);
  if (!isTaken)
    throw unsupported(name, `an animated ${formatNames[format]}`, 'expected a single picture', SPLIT_IT);
  if (format === 'avif' && container.foreignColours !== undefined)
    throw unsupported(
      name,
      `an AVIF in the colours ${container.foreignColours} (primaries/transfer of H.273), as HDR has them`,
      'expected those of sRGB or a colour profile',
      'Convert it to 16-bit TIFF or PNG first.',
    );
  if (format === 'jpeg' && container.precision !== 8)
    throw unsupported(
      name,
      `a JPEG of ${container.precision} bits`,
      'expected one of 8 bits',
      'Convert it to 16-bit TIFF or PNG first.',
    );
  if (format === 'tiff' && container.bitsPerSample > 32)
    throw unsupported(name, `a TIFF of ${container.bitsPerSample}-bit samples`, SAMPLES, 'Convert it first.');
  if (format === 'tiff' && container.unreadableCompression !== undefined)
    throw unsupported(
      name,
      `a TIFF with ${container.unreadableCompression} compression`,
      'expected none, LZW, Deflate, PackBits or JPEG',
      'Save it with one of these first.',
    );
  if (format === 'tiff' && container.unreadableLayout !== undefined)
    throw unsupported(name, `a TIFF ${container.unreadableLayout}`, PLAIN, TO_PNG);
}

const SAMPLES = 'expected 8-bit or 16-bit unsigned integers or 32-bit floats';
const PLAIN = 'expected grey or RGB of 8, 16 or 32 (float) bits, all channels of a pixel together';
const TO_PNG = 'Convert it to PNG of 8 or 16 bits first.';
const SPLIT_IT = 'Split it into single pictures first.';

function refusePixels(metadata: Metadata, container: Container, name: string, maxPixels: number): void {
  const { width, height, channels, depth, space, bitsPerSample, pages = 1 } = metadata;
  const kind = formatNames[container.format];
  const frames = animationOf(container)?.durations.length ?? 1;
  if (pages > 1 && frames === 1)
    throw unsupported(name, `a ${kind} of ${pages} pages`, 'expected a single picture', SPLIT_IT);
  if (pages !== frames)
    throw unsupported(name, `${frames} frames of which ${pages} can be read`, 'expected all', SPLIT_IT);
  const size = `${width}x${metadata.pageHeight ?? height}${frames > 1 ? ` in ${frames} frames` : ''}`;
  if (width * height > maxPixels)
    throw unsupported(
      name,
      `${size} = ${width * height} pixels`,
      `expected at most ${maxPixels} (maxPixels)`,
      'Raise maxPixels if you trust the file and have the memory, or crop it.',
    );
  if (!SPACES.includes(space) || channels > 4)
    throw unsupported(
      name,
      `a ${kind} in ${space.toUpperCase()} with ${channels} channels`,
      'expected grey or RGB, with or without alpha',
      'Convert it to RGB first.',
    );
  const isHalf = depth === 'float' && bitsPerSample === 16;
  if (!['uchar', 'ushort', 'float'].includes(depth) || isHalf)
    throw unsupported(
      name,
      `a ${kind} with ${isHalf ? '16-bit float' : (SAMPLE_WORDS[depth] ?? depth)} samples`,
      SAMPLES,
      'Convert it first.',
    );
}

const SAMPLE_WORDS: Readonly<Record<string, string>> = {
  char: '8-bit signed integer',
  short: '16-bit signed integer',
  int: '32-bit signed integer',
  uint: '32-bit unsigned integer',
  double: '64-bit float',
  complex: 'complex',
  dpcomplex: 'complex',
};

function unsupported(name: string, found: string, expected: string, remedy: string): FlowDenoiseError {
  return new FlowDenoiseError('UNSUPPORTED_IMAGE', `${name}: found ${found}, ${expected}. ${remedy}`);
}

async function decodeSamples(open: () => Sharp, metadata: Metadata, container: Container): Promise<Picture> {
  const { width, height, space, depth } = metadata;
  // libtiff adds an alpha when it reads odd colours.
  const hasMadeUpAlpha =
    container.format === 'tiff' && container.samplesPerPixel === 3 && metadata.channels === 4;
  const plain = () => (hasMadeUpAlpha ? open().removeAlpha() : open());
  // Naming the file's own space as the output's keeps sharp from converting.
  const raw = async (pipeline: Sharp) => {
    const { data, info } = await pipeline
      .toColourspace(space)
      .raw({ depth })
      .toBuffer({ resolveWithObject: true });
    return { samples: samplesOf(data, depth), channels: info.channels as Channels };
  };
  if (space !== 'b-w' || metadata.channels !== 2) {
    const { samples, channels } = await raw(plain());
    return { data: samples, width, height, channels };
  }
  // sharp's raw output drops the alpha of grey in this space, so we extract the two channels one by one.
  const { samples: grey } = await raw(open().extractChannel(0));
  const { samples: alpha } = await raw(open().extractChannel(1));
  const data = depth === 'float' ? new Float32Array(2 * grey.length) : new Uint8Array(2 * grey.length);
  for (let i = 0; i < grey.length; i++) {
    data[2 * i] = grey[i] ?? 0;
    data[2 * i + 1] = alpha[i] ?? 0;
  }
  return { data, width, height, channels: 2 };
}

/** Sets aside a band that is not declared an alpha. Otherwise pixels where it is 0 would count as hidden. */
function withoutBand(picture: Picture, container: Container): Pick<DecodedPicture, 'picture' | 'band'> {
  const { data, channels } = picture;
  if (container.format !== 'tiff' || channels % 2 === 1 || !hasUnknownBand(container)) return { picture };
  const colours = colourChannels(channels);
  return {
    picture: { ...picture, channels: colours, data: data.filter((_, i) => i % channels < colours) },
    band: data.filter((_, i) => i % channels === colours),
  };
}

function samplesOf(raw: Buffer, depth: string): Samples {
  const { buffer, byteOffset, byteLength } = raw.byteOffset % 4 === 0 ? raw : new Uint8Array(raw);
  if (depth === 'ushort') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (depth === 'float') return new Float32Array(buffer, byteOffset, byteLength / 4);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Enough bytes to recognise any format. */
const HEAD_BYTES = 262_144;

/** The format by a file's first bytes; undefined if it is not one of ours, cannot be read, or has too many parts. */
export async function formatOfFile(path: string): Promise<PictureFormat | undefined> {
  const handle = await openRegularFile(path).catch(() => undefined);
  try {
    const head = await handle?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const bytes = head?.buffer.subarray(0, head.bytesRead);
    const format = bytes && pictureFormat(bytes);
    if (bytes && format) readContainer(bytes, format);
    return format;
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}
