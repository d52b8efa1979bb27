// `format` and `quality`: converts a decoded picture if asked. Samples keep their colour space; their depth changes only if the
// format lacks it.
import { FlowDenoiseError } from '../core/errors.js';
import { colourChannels, type Picture, whiteLevel } from '../core/picture.js';
import {
  blocksAsPngChunks,
  blocksAsSegments,
  blocksAsTiffTags,
  blocksAsWebpChunks,
  type MetadataBlocks,
} from './containers/metadata-blocks.js';
import { PLAIN_PNG } from './containers/png-container.js';
import { PLAIN_TIFF } from './containers/tiff-container.js';
import { needsLittleEndian } from './containers/tiff-maker-notes.js';
import { animationOf, type Container, type DecodedPicture } from './decode.js';
import { formatNames, type PictureFormat, type TargetFormat } from './format.js';

export interface ConvertOptions {
  /** The format to write; default: the file's own. */
  readonly format?: TargetFormat | undefined;
  /** 1-100, for JPEG and lossy WebP; default: the file's own. */
  readonly quality?: number | undefined;
}

/** For a lossy file made from a lossless one. */
const QUALITY = 90;

/** Whether the options change the format or the quality. */
export function isConversion({ container }: DecodedPicture, { format, quality }: ConvertOptions): boolean {
  if (format !== undefined && format !== container.format) return true;
  return (
    !isLossless(container) && 'quality' in container && quality !== undefined && quality !== container.quality
  );
}

/**
 * Refuses what the new format cannot hold, before the work.
 *
 * @throws FlowDenoiseError UNSUPPORTED_IMAGE for transparency in JPEG and for floats in anything but TIFF
 */
export function checkConversion(
  { name, picture, container }: DecodedPicture,
  { format }: ConvertOptions,
): void {
  if (format === undefined || format === container.format) return;
  if (animationOf(container) && format !== 'webp')
    throw refused(name, `an animation, which ${formatNames[format]} cannot hold`, 'format webp');
  if (format === 'tiff') return;
  const { data, channels } = picture;
  if (data instanceof Float32Array)
    throw refused(name, `a picture of floats, which ${formatNames[format]} cannot hold`, 'format tiff');
  if (format !== 'jpeg' || channels % 2 === 1) return;
  const opaque = whiteLevel(data);
  for (let i = channels - 1; i < data.length; i += channels)
    if (data[i] !== opaque)
      throw refused(name, 'transparency, which JPEG cannot hold', 'format png, webp or tiff');
}

/** The picture as it will be written, after `checkConversion`. */
export function converted(decoded: DecodedPicture, options: ConvertOptions): DecodedPicture {
  if (!isConversion(decoded, options)) return decoded;
  const { container, picture, blocks } = decoded;
  const { format = container.format, quality } = options;
  if (format === container.format && 'quality' in container && quality !== undefined)
    return { ...decoded, container: { ...container, quality } };
  return {
    ...decoded,
    format,
    container: containerOf(format as TargetFormat, blocks, container, quality),
    picture: format === 'tiff' ? picture : withDepth(withoutAlpha(picture, format), format),
    band: undefined,
  };
}

function containerOf(
  format: TargetFormat,
  blocks: MetadataBlocks,
  source: Container,
  asked: number | undefined,
): Container {
  // AVIF's numbers are on another scale.
  const known = source.format === 'jpeg' || (source.format === 'webp' && !source.isLossless);
  const quality = asked ?? (known ? source.quality : QUALITY);
  switch (format) {
    case 'png':
      return { ...PLAIN_PNG, chunksBefore: blocksAsPngChunks(blocks) };
    case 'jpeg': {
      const coding = { chromaSubsampling: '4:4:4', isProgressive: false, precision: 8 } as const;
      return { format, quality, ...coding, segments: blocksAsSegments(blocks), trailer: Buffer.alloc(0) };
    }
    case 'webp': {
      const lossless = isLossless(source) && asked === undefined;
      const own = animationOf(source);
      const animation = own && { ...own, background: Buffer.from([255, 255, 255, 255]) };
      return { format, quality, isLossless: lossless, animation, chunks: blocksAsWebpChunks(blocks) };
    }
    case 'tiff': {
      const tags = blocksAsTiffTags(blocks);
      return { ...PLAIN_TIFF, isLittle: needsLittleEndian(tags) ?? true, tags };
    }
    default:
      return format satisfies never;
  }
}

function isLossless(container: Container): boolean {
  return container.format !== 'jpeg' && !('isLossless' in container && !container.isLossless);
}

/** Reduces samples to 8 bits if the format has no more. */
function withDepth(picture: Picture, format: PictureFormat): Picture {
  const { data } = picture;
  if (data instanceof Uint8Array || format === 'png') return picture;
  return { ...picture, data: Uint8Array.from(data, (value) => Math.round(value / 257)) };
}

/** Removes an opaque picture's alpha if the format has none. */
function withoutAlpha(picture: Picture, format: PictureFormat): Picture {
  const { data, channels } = picture;
  if (format !== 'jpeg' || channels % 2 === 1) return picture;
  const colours = colourChannels(channels);
  return { ...picture, channels: colours, data: data.filter((_, i) => i % channels < colours) };
}

function refused(name: string, found: string, expected: string): FlowDenoiseError {
  return new FlowDenoiseError(
    'UNSUPPORTED_IMAGE',
    `${name}: found ${found}, expected ${expected}. Leave format out to keep the file's own.`,
  );
}
