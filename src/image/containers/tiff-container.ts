// What surrounds the pixels in a TIFF file: compression, and the tags that describe the picture (profile, EXIF,
// XMP, IPTC, resolution, orientation, texts). Not a pixel codec: that is sharp's.

import { checksum, type Trait } from '../traits.js';
import { isBigTiff, readTiffTags, type TiffTag, tagNumber, withTiffDirectory } from './tiff-tags.js';

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
  /** How its samples lie or what they mean, where no decoder here reads that: 'of 12-bit samples'. */
  readonly unreadableLayout?: string | undefined;
  readonly isBig: boolean;
  /** Width and height of its tiles; undefined where pixels lie in strips. */
  readonly tile: readonly [width: number, height: number] | undefined;
  /** Descriptive tags of the first directory. */
  readonly tags: readonly TiffTag[];
}

const COMPRESSION = 259;
const BITS_PER_SAMPLE = 258;
const PHOTOMETRIC = 262;
const SAMPLES_PER_PIXEL = 277;
const PLANAR = 284;
const PREDICTOR = 317;
const TILE_WIDTH = 322;
const TILE_HEIGHT = 323;
const EXTRA_SAMPLES = 338;
/** Told for every format alike, by its value. */
const ORIENTATION = 274;
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

/** Whether a tag says something of the picture, not of how it lies in the file, and can be written again. */
export function isDescriptive({ id, type }: TiffTag): boolean {
  return !structural.has(id) && !unwritableTypes.has(type);
}

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
    unreadableLayout: unreadableLayout(tags),
    isBig: isBigTiff(bytes),
    tile: tileOf(tags),
    tags: tags.filter(isDescriptive),
  };
}

/** The encoded TIFF (little-endian) with its own descriptive tags replaced by the container's. */
export function withTiffContainer(encoded: Buffer, container: TiffContainer): Buffer {
  const own = readTiffTags(encoded).filter(({ id }) => structural.has(id));
  return withTiffDirectory(encoded, [...own, ...container.tags]);
}

const labSpaces: readonly number[] = [8, 9, 10];

function unreadableLayout(tags: readonly TiffTag[]): string | undefined {
  const bits = tagNumber(tags, BITS_PER_SAMPLE) ?? 1;
  if (![1, 2, 4, 8, 16, 32, 64].includes(bits)) return `of ${bits}-bit samples`;
  if (labSpaces.includes(tagNumber(tags, PHOTOMETRIC) ?? 1)) return 'in the colour space Lab';
  const isPlanar = tagNumber(tags, PLANAR) === 2 && (tagNumber(tags, SAMPLES_PER_PIXEL) ?? 1) > 1;
  return isPlanar && tileOf(tags) !== undefined ? 'in tiles of one channel each' : undefined;
}

function tileOf(tags: readonly TiffTag[]): readonly [number, number] | undefined {
  const [width, height] = [tagNumber(tags, TILE_WIDTH), tagNumber(tags, TILE_HEIGHT)];
  return width === undefined || height === undefined ? undefined : [width, height];
}

const compressions: Readonly<Record<number, string>> = {
  1: 'none',
  2: 'CCITT',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  5: 'LZW',
  6: 'JPEG (old)',
  7: 'JPEG',
  8: 'Deflate',
  32946: 'Deflate',
  32773: 'PackBits',
};
const tagNames: Readonly<Record<number, string>> = {
  282: 'horizontal density',
  283: 'vertical density',
  296: 'unit of density',
  330: 'further pictures (SubIFD)',
  700: 'XMP',
  33723: 'IPTC',
  34377: 'Photoshop blocks',
  34665: 'EXIF',
  34675: 'ICC profile',
  34853: 'GPS',
  37724: 'Photoshop layers',
};
const alphas: Readonly<Record<number, string>> = { 1: 'multiplied into the colours', 2: 'plain' };

/** What the file says of itself beside its samples. */
export function tiffTraits(file: Buffer): Trait[] {
  const tags = readTiffTags(file);
  const tile = tileOf(tags);
  const compression = tagNumber(tags, COMPRESSION) ?? 1;
  const extra = tagNumber(tags, EXTRA_SAMPLES);
  const named = tags.filter(({ id }) => id in tagNames || !(structural.has(id) || id === ORIENTATION));
  return [
    ['variant', isBigTiff(file) ? 'BigTIFF' : 'classic TIFF'],
    ['compression', compressions[compression] ?? `number ${compression}`],
    ['predictor', (tagNumber(tags, PREDICTOR) ?? 1) > 1 ? 'yes' : 'no'],
    ['layout', tile === undefined ? 'strips' : `tiles of ${tile.join(' x ')}`],
    ...(extra === undefined ? [] : [['alpha', alphas[extra] ?? 'of unknown kind'] as const]),
    ...named.map((tag): Trait => [tagNames[tag.id] ?? `tag ${tag.id}`, checksum(contentOf(tag))]),
  ];
}

/** A tag's value, with those behind it where it is a pointer. */
function contentOf({ id, type, count, value, directory }: TiffTag): Buffer {
  const head = Buffer.from(`${id} ${type} ${count} `);
  return Buffer.concat([head, ...(directory === undefined ? [value] : directory.map(contentOf))]);
}
