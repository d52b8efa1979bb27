// What surrounds the pixels in a TIFF file: compression, and the tags that describe the picture (profile, EXIF,
// XMP, IPTC, resolution, orientation, texts). Not a pixel codec: that is sharp's.
import { readTiffTags, type TiffTag, tagNumber, withTiffDirectory } from './tiff-tags.js';

/** Compressions that sharp writes and that lose nothing. */
export type TiffCompression = 'none' | 'lzw' | 'deflate' | 'packbits';

/** TIFF around its pixels. */
export interface TiffContainer {
  readonly format: 'tiff';
  readonly compression: TiffCompression;
  /** Whether rows were differenced before compression. */
  readonly hasPredictor: boolean;
  /** Name of a compression that this build of sharp cannot read, e.g. "Zstandard". */
  readonly unreadableCompression: string | undefined;
  /** Of one sample: 8, 16, 32, 64 ... */
  readonly bitsPerSample: number;
  /** Descriptive tags of the first directory. */
  readonly tags: readonly TiffTag[];
}

const COMPRESSION = 259;
const BITS_PER_SAMPLE = 258;
const PREDICTOR = 317;
const writable: Readonly<Record<number, TiffCompression>> = {
  1: 'none',
  5: 'lzw',
  8: 'deflate',
  32946: 'deflate',
  32773: 'packbits',
};
const unreadable: Readonly<Record<number, string>> = {
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
/**
 * Tags that say how the pixels lie in the file, which are the encoder's to write, and two that hold other
 * pictures: sub-directories (330) and Photoshop layers (37724).
 */
const structural = new Set([
  254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290,
  291, 292, 293, 317, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 338, 339, 340,
  341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559, 37724,
]);
/** Types that only BigTIFF has, and pointers to directories that we do not follow. */
const unwritableTypes = new Set([13, 16, 17, 18]);

/** Reads the first directory of a TIFF; of a damaged file, what can be read. */
export function readTiffContainer(bytes: Buffer): TiffContainer {
  const tags = readTiffTags(bytes);
  const compression = tagNumber(tags, COMPRESSION) ?? 1;
  return {
    format: 'tiff',
    compression: writable[compression] ?? 'deflate',
    hasPredictor: (tagNumber(tags, PREDICTOR) ?? 1) > 1,
    unreadableCompression: unreadable[compression],
    bitsPerSample: tagNumber(tags, BITS_PER_SAMPLE) ?? 1,
    tags: tags.filter(({ id, type }) => !structural.has(id) && !unwritableTypes.has(type)),
  };
}

/** The encoded TIFF (classic, little-endian) with its own descriptive tags replaced by the container's. */
export function withTiffContainer(encoded: Buffer, container: TiffContainer): Buffer {
  const own = readTiffTags(encoded).filter(({ id }) => structural.has(id));
  return withTiffDirectory(encoded, [...own, ...container.tags]);
}
