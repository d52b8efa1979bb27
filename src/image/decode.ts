// Decodes a file to a picture: its samples and its container. Without colour management, gamma, rotation or premultiplication.

import sharp, { type Metadata, type Sharp } from 'sharp';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { openRegularFile } from '../core/files.js';
import { type Channels, colourChannels, type Picture, type Samples } from '../core/picture.js';
import { animationOf, type Container, frameCount, readContainer } from './containers/container.js';
import { soundJpeg } from './containers/jpeg-container.js';
import { type MetadataBlocks, metadataBlocks } from './containers/metadata-blocks.js';
import { TooManyParts, type Trait } from './containers/parts.js';
import { codingOf, hasUnknownBand } from './containers/tiff-container.js';
import { fileTraits } from './file-traits.js';
import { describeContents, formatNames, type PictureFormat, pictureFormat } from './format.js';

export interface DecodedPicture {
  /** The file's name, for messages. */
  readonly name: string;
  /**
   * Uint8Array for 8-bit files, Uint16Array for more bits, Float32Array for float TIFFs. An animation's frames are one below
   * the other; `frameCount` tells how many.
   */
  readonly picture: Picture;
  /** A band beside the colours that is not an alpha, such as near infrared. It does not change. */
  readonly band?: Samples | undefined;
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

/** 200 megapixels: above any camera, 0.6 GB as 8-bit RGB. */
export const DEFAULT_MAX_PIXELS = 200_000_000;

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
  options: DecodeOptions = {},
): Promise<DecodedPicture> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { container, open, warnings: repaired } = opened(file, name, options);
  const decode = async (failOn: FailOn, warnings: readonly string[]): Promise<DecodedPicture> => {
    const metadata = await checkedMetadata(open(failOn), container, name, options);
    const picture = await decodeSamples(() => open(failOn), metadata, container);
    const { data, channels } = picture;
    // Otherwise pixels where it is 0 would count as hidden.
    const hasBand = container.format === 'tiff' && hasUnknownBand(container.tags) && channels % 2 === 0;
    return {
      name,
      picture: hasBand ? coloursOf(picture) : picture,
      band: hasBand ? data.filter((_, i) => i % channels === channels - 1) : undefined,
      container,
      blocks: metadataBlocks(metadata, container.format === 'tiff' ? container.tags : undefined),
      traits: fileTraits(container, metadata),
      warnings,
    };
  };
  const decodeAlone = () =>
    decode('warning', repaired).catch((error: unknown) => {
      const told = container.format === 'tiff' ? harmlessWarnings(error) : undefined;
      if (told === undefined) throw error;
      return decode('error', told);
    });
  try {
    return await besideOthers(() => decode('warning', repaired)).catch((error: unknown) => {
      if (error instanceof FlowDenoiseError) throw error;
      return byItself(decodeAlone);
    });
  } catch (error) {
    throw asOurs(error, container.format, name);
  }
}

// libvips has one buffer of complaints for the whole process, so of pictures that fail at once, one may get another's words or
// none. Each is decoded again while no other is, to learn its own.
const underWay = new Set<Promise<unknown>>();
let lastAlone: Promise<unknown> = Promise.resolve();

async function besideOthers<T>(decode: () => Promise<T>): Promise<T> {
  let awaited: typeof lastAlone | undefined;
  while (awaited !== lastAlone) {
    awaited = lastAlone;
    await awaited;
  }
  const decoding = decode();
  underWay.add(decoding);
  try {
    return await decoding;
  } finally {
    underWay.delete(decoding);
  }
}

function byItself<T>(decode: () => Promise<T>): Promise<T> {
  const decoding = lastAlone.then(() => Promise.allSettled(underWay)).then(decode);
  lastAlone = decoding.catch(() => {});
  return decoding;
}

/**
 * A picture's header: size and channels of a frame, and the number of frames, 1 without animation.
 *
 * @throws  as decodePicture, but for damaged samples, which show only in decoding
 */
export async function readPictureHeader(file: Buffer, name: string, options: DecodeOptions = {}) {
  const { container, open } = opened(file, name, options);
  try {
    const metadata = await checkedMetadata(open('error'), container, name, options);
    const { width, height, channels, pageHeight = height } = metadata;
    return { width, height: pageHeight, channels, frames: frameCount(container) };
  } catch (error) {
    throw asOurs(error, container.format, name);
  }
}

type FailOn = 'warning' | 'error';

/** The container, after every check that needs no decoder, and what opens a decoder. @throws as decodePicture */
function opened(file: Buffer, name: string, { animations = false }: DecodeOptions) {
  const format = recognisedFormat(file, name);
  const container = soundContainer(file, format, name);
  const isAnimated = animationOf(container) !== undefined;
  if (container.format === 'png' ? container.isAnimated : isAnimated && !animations)
    throw unsupported(name, `an animated ${formatNames[format]}`, SPLIT_IT);
  if ('unreadable' in container && container.unreadable !== undefined)
    throw unsupported(name, `${aFile(format)} ${container.unreadable}`);
  const { bytes, warnings } = format === 'jpeg' ? soundJpeg(file) : { bytes: file, warnings: [] };
  const open = (failOn: FailOn): Sharp =>
    sharp(bytes, { ignoreIcc: true, failOn, limitInputPixels: false, animated: isAnimated });
  return { container, open, warnings };
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
function harmlessWarnings(error: unknown): readonly string[] | undefined {
  const lines = complaints(error).map((line) => harmless.find(([warning]) => warning.test(line))?.[1]);
  const words = [...new Set(lines)].filter((line) => line !== undefined);
  return words.length > 0 && !lines.includes(undefined) ? words : undefined;
}

/** Our error for libvips's. A file that libvips has no decoder for is not damaged. */
function asOurs(error: unknown, format: PictureFormat, name: string): FlowDenoiseError {
  if (error instanceof FlowDenoiseError) return error;
  const why = complaints(error).join('; ');
  // sharp calls a truncated header an unsupported image format.
  if (/not supported|unsupported (?!image format)|not implemented/i.test(why))
    return unsupported(name, `${aFile(format)} of a kind that cannot be read here (${why})`);
  const message = `${name}: found a damaged or incomplete ${formatNames[format]} file (${why}), expected a whole one. Copy or export it again.`;
  return new FlowDenoiseError('BAD_IMAGE', message, { cause: error });
}

function recognisedFormat(file: Buffer, name: string): PictureFormat {
  const format = pictureFormat(file);
  if (format !== undefined) return format;
  const { words, isPicture } = describeContents(file);
  const found = `${name}: found ${words}, expected a PNG, JPEG, WebP, TIFF, AVIF or GIF picture.`;
  throw isPicture
    ? new FlowDenoiseError('UNSUPPORTED_IMAGE', `${found} Convert it to one of these first.`)
    : new FlowDenoiseError('BAD_IMAGE', `${found} Check the file, or leave it out.`);
}

function soundContainer(file: Buffer, format: PictureFormat, name: string): Container {
  try {
    return readContainer(file, format);
  } catch (error) {
    if (!(error instanceof TooManyParts)) throw error;
    const message = `${name}: ${error.message}. Save it again with another program, without its metadata.`;
    throw new FlowDenoiseError('UNSUPPORTED_IMAGE', message, { cause: error });
  }
}

function aFile(format: PictureFormat): string {
  return `${format === 'avif' ? 'an' : 'a'} ${formatNames[format]}`;
}

const SPLIT_IT = 'expected a single picture. Split it into single pictures first.';

/** sharp's reading of the header, if we can decode such a picture. */
async function checkedMetadata(
  file: Sharp,
  container: Container,
  name: string,
  { maxPixels = DEFAULT_MAX_PIXELS }: DecodeOptions,
): Promise<Metadata> {
  const metadata = await file.metadata();
  const { width, height, pageHeight = height, channels, depth, space, bitsPerSample, pages = 1 } = metadata;
  const kind = aFile(container.format);
  const frames = frameCount(container);
  if (pages !== frames) {
    const found =
      frames === 1 ? `${kind} of ${pages} pages` : `${frames} frames of which ${pages} can be read`;
    throw unsupported(name, found, SPLIT_IT);
  }
  if (width * height > maxPixels)
    throw unsupported(
      name,
      `${width}x${pageHeight}${frames > 1 ? ` in ${frames} frames` : ''} = ${width * height} pixels`,
      `expected at most ${maxPixels} (maxPixels). Raise maxPixels if you trust the file and have the memory, or crop it.`,
    );
  if (!['b-w', 'grey16', 'srgb', 'rgb16', 'scrgb'].includes(space) || channels > 4)
    throw unsupported(name, `${kind} in ${space.toUpperCase()} with ${channels} channels`);
  if (!['uchar', 'ushort', 'float'].includes(depth) || (depth === 'float' && bitsPerSample === 16))
    throw unsupported(name, `${kind} with ${bitsPerSample}-bit samples of an unusual type`);
  return metadata;
}

export function unsupported(
  name: string,
  found: string,
  expected = 'expected grey or RGB of 8 or 16 bits or 32-bit floats, coded as most programs do. ' +
    'Convert it to PNG of 8 or 16 bits first.',
): FlowDenoiseError {
  return new FlowDenoiseError('UNSUPPORTED_IMAGE', `${name}: found ${found}, ${expected}`);
}

async function decodeSamples(open: () => Sharp, metadata: Metadata, container: Container): Promise<Picture> {
  const { width, height, space, depth } = metadata;
  // Naming the file's own space as the output's keeps sharp from converting.
  const decode = async (pipeline: Sharp): Promise<Picture> => {
    const output = pipeline.toColourspace(space).raw({ depth });
    const { data, info } = await output.toBuffer({ resolveWithObject: true });
    return { data: typed(data, depth), width, height, channels: info.channels as Channels };
  };
  // sharp's raw output drops the alpha of grey in this space, so we extract the two channels one by one.
  if (space === 'b-w' && metadata.channels === 2) {
    const { data: alpha } = await decode(open().extractChannel(1));
    return withBand(await decode(open().extractChannel(0)), alpha);
  }
  // libtiff adds an alpha when it reads odd colours.
  const hasMadeUpAlpha =
    container.format === 'tiff' && codingOf(container.tags).samplesPerPixel === 3 && metadata.channels === 4;
  return decode(hasMadeUpAlpha ? open().removeAlpha() : open());
}

function typed(raw: Buffer, depth: string): Samples {
  const { buffer, byteOffset, byteLength } = raw.byteOffset % 4 === 0 ? raw : new Uint8Array(raw);
  if (depth === 'ushort') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (depth === 'float') return new Float32Array(buffer, byteOffset, byteLength / 4);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The picture without its alpha, if it has one. */
export function coloursOf(picture: Picture): Picture {
  const { data, channels } = picture;
  const colours = colourChannels(channels);
  if (channels === colours) return picture;
  return { ...picture, channels: colours, data: data.filter((_, i) => i % channels < colours) };
}

/** Appends a band as the last channel. */
export function withBand(picture: Picture, band: Samples | undefined): Picture {
  if (band === undefined) return picture;
  const { data, channels } = picture;
  const together = new (data.constructor as typeof Uint8Array)(data.length + band.length);
  for (let i = 0, from = 0, to = 0; i < band.length; i++) {
    for (let channel = 0; channel < channels; channel++) together[to++] = data[from++] as number;
    together[to++] = band[i] as number;
  }
  return { ...picture, data: together, channels: (channels + 1) as Channels };
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
