// `format` and `quality`: converts a decoded picture if asked. Samples keep their colour space; their depth changes only if the
// format lacks it.
import { type Picture, whiteLevel } from '../core/picture.js';
import { animationOf, type Container } from './containers/container.js';
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
import { coloursOf, type DecodedPicture, unsupported } from './decode.js';
import { formatNames, type TargetFormat } from './format.js';

export interface ConvertOptions {
  /** The format to write; default: the file's own. */
  readonly format?: TargetFormat | undefined;
  /** 1-100, for JPEG and lossy WebP; default: the file's own. */
  readonly quality?: number | undefined;
}

/** For a lossy file made from a lossless one. */
const QUALITY = 90;
const KEEP_IT = "Leave format out to keep the file's own.";

/** The quality of a lossy file. */
function qualityOf(container: Container): number | undefined {
  const isLossy = container.format === 'jpeg' || ('isLossless' in container && !container.isLossless);
  return isLossy ? container.quality : undefined;
}

/** @throws FlowDenoiseError UNSUPPORTED_IMAGE for what the format cannot hold: an animation, floats, transparency */
export function checkConversion({ name, picture, container }: DecodedPicture, format?: TargetFormat): void {
  if (format === undefined || format === container.format) return;
  const refused = (what: string, expected: string) => {
    const found = `${what}, which ${formatNames[format]} cannot hold`;
    return unsupported(name, found, `expected ${expected}. ${KEEP_IT}`);
  };
  if (animationOf(container) && format !== 'webp') throw refused('an animation', 'format webp');
  const { data, channels } = picture;
  if (data instanceof Float32Array && format !== 'tiff') throw refused('a picture of floats', 'format tiff');
  const opaque = whiteLevel(data);
  const isSeeThrough = (value: number, i: number) => i % channels === channels - 1 && value !== opaque;
  if (format === 'jpeg' && channels % 2 === 0 && data.some(isSeeThrough))
    throw refused('transparency', 'format png, webp or tiff');
}

/** The picture as it will be written, after `checkConversion`: the same object if the options change nothing. */
export function converted(decoded: DecodedPicture, { format, quality }: ConvertOptions): DecodedPicture {
  const { container, picture, blocks } = decoded;
  if (format === undefined || format === container.format) {
    const own = qualityOf(container);
    const isSame = own === undefined || quality === undefined || quality === own;
    return isSame ? decoded : { ...decoded, container: { ...container, quality } as Container };
  }
  return {
    ...decoded,
    container: containerOf(format, blocks, container, quality),
    picture: fitting(picture, format),
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
  const quality = asked ?? (source.format === 'avif' ? undefined : qualityOf(source)) ?? QUALITY;
  switch (format) {
    case 'png':
      return { ...PLAIN_PNG, chunksBefore: blocksAsPngChunks(blocks) };
    case 'jpeg': {
      const coding = {
        chromaSubsampling: '4:4:4',
        isProgressive: false,
        trailer: Buffer.alloc(0),
        traits: [],
      };
      return { format, quality, ...coding, segments: blocksAsSegments(blocks) };
    }
    case 'webp': {
      const isLossless = qualityOf(source) === undefined && asked === undefined;
      const own = animationOf(source);
      const animation = own && { ...own, background: Buffer.from([255, 255, 255, 255]) };
      return { format, quality, isLossless, animation, chunks: blocksAsWebpChunks(blocks), traits: [] };
    }
    case 'tiff': {
      const tags = blocksAsTiffTags(blocks);
      const isLittle = needsLittleEndian(tags) ?? true;
      return { ...PLAIN_TIFF, isLittle, tags: [...PLAIN_TIFF.tags, ...tags] };
    }
    default:
      return format satisfies never;
  }
}

/** Leaves out an opaque alpha for JPEG, and rounds to 8 bits where the format has no more. */
function fitting(picture: Picture, format: TargetFormat): Picture {
  const { data, ...shape } = format === 'jpeg' ? coloursOf(picture) : picture;
  if (data instanceof Uint8Array || format === 'png' || format === 'tiff') return { data, ...shape };
  return { ...shape, data: Uint8Array.from(data, (value) => Math.round(value / 257)) };
}
