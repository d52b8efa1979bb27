// Compression and descriptive tags of a TIFF (profile, EXIF, XMP, IPTC, resolution, orientation, texts).
import type { Picture } from '../../core/picture.js';
import { withNotesInPlace } from './tiff-maker-notes.js';
import {
  isBigTiff,
  isLittleEndian,
  readTiffTags,
  type TiffTag,
  tagNumber,
  tagNumbers,
  withTiffDirectory,
} from './tiff-tags.js';

/** Lossless compressions that sharp writes. */
type TiffCompression = 'none' | 'lzw' | 'deflate' | 'packbits';

export interface TiffContainer {
  readonly format: 'tiff';
  readonly compression: TiffCompression;
  /** Whether rows are differenced before compression. */
  readonly hasPredictor: boolean;
  /** The name of a compression that this build of sharp cannot read, e.g. "Zstandard". */
  readonly unreadableCompression: string | undefined;
  /** Bits of one sample: 8, 16, 32, 64 ... */
  readonly bitsPerSample: number;
  /** A layout or meaning of the samples that we cannot decode: 'of 12-bit samples'. */
  readonly unreadableLayout?: string | undefined;
  readonly isBig: boolean;
  readonly isLittle: boolean;
  /** The meaning of its samples (PhotometricInterpretation). */
  readonly photometric: number;
  readonly samplesPerPixel: number;
  /** The kind of the sample beside the colours: 1 or 2 an alpha, 0 unspecified; undefined if the file does not tell. */
  readonly extraKind: number | undefined;
  /** Width and height of its tiles; undefined if pixels are in strips. */
  readonly tile: readonly [width: number, height: number] | undefined;
  /** Descriptive tags of the first directory. */
  readonly tags: readonly TiffTag[];
}

export const COMPRESSION = 259;
const BITS_PER_SAMPLE = 258;
const PHOTOMETRIC = 262;
const SAMPLES_PER_PIXEL = 277;
export const PLANAR = 284;
export const PREDICTOR = 317;
const TILE_WIDTH = 322;
const TILE_HEIGHT = 323;
const EXTRA_SAMPLES = 338;
const UNSPECIFIED = 0;
/** Photometric interpretations. */
export const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR] = [0, 1, 2, 3, 6];
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
/** Tags about the pixels' layout, which the encoder writes, and sub-directories (330) and Photoshop layers (37724). */
const structural = new Set([
  256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 288, 289, 290, 291, 292, 293, 317, 320, 322, 323,
  324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 338, 339, 342, 347, 512, 513, 514, 515, 517, 518, 519,
  520, 521, 529, 530, 531, 559, 37724,
]);
/** Tags without a place in EXIF: the kind of picture, its screening, the limits of its samples. */
const ofTiffAlone = new Set([254, 255, 263, 264, 265, 280, 281, 321, 340, 341, 532]);
const leastSample: readonly number[] = [280, 340];
const greatestSample: readonly number[] = [281, 341];
const REFERENCE_BLACK_WHITE = 532;
/** Types that only BigTIFF has, and pointers to directories that we do not follow. */
const unwritableTypes = new Set([13, 16, 17, 18]);

/** Whether a tag describes the picture, not its layout in the file, and can be written again. */
function isKept({ id, type }: TiffTag): boolean {
  return !structural.has(id) && !unwritableTypes.has(type);
}

/** Whether a tag may also be in EXIF. */
export function isDescriptive(tag: TiffTag): boolean {
  return isKept(tag) && !ofTiffAlone.has(tag.id);
}

/** For a TIFF made from another format: little-endian strips of RGB. */
export const PLAIN_TIFF = {
  format: 'tiff',
  compression: 'deflate',
  hasPredictor: true,
  unreadableCompression: undefined,
  bitsPerSample: 8,
  photometric: RGB,
  samplesPerPixel: 3,
  extraKind: undefined,
  isBig: false,
  isLittle: true,
  tile: undefined,
  tags: [],
} as const satisfies TiffContainer;

/** Reads the first directory of a TIFF; in a damaged file, what can be read. */
export function readTiffContainer(bytes: Buffer): TiffContainer {
  const tags = readTiffTags(bytes);
  const compression = tagNumber(tags, COMPRESSION) ?? 1;
  return {
    format: 'tiff',
    compression: writable[compression] ?? 'deflate',
    hasPredictor: (tagNumber(tags, PREDICTOR) ?? 1) > 1,
    unreadableCompression: unreadable[compression],
    ...samplesOf(tags),
    unreadableLayout: unreadableLayout(tags),
    isBig: isBigTiff(bytes),
    isLittle: isLittleEndian(bytes),
    tile: tileOf(tags),
    tags: tags.filter(isKept),
  };
}

type TiffSamples = Pick<TiffContainer, 'bitsPerSample' | 'photometric' | 'samplesPerPixel' | 'extraKind'>;

export function samplesOf(tags: readonly TiffTag[]): TiffSamples {
  return {
    bitsPerSample: tagNumber(tags, BITS_PER_SAMPLE) ?? 1,
    photometric: tagNumber(tags, PHOTOMETRIC) ?? BLACK_IS_ZERO,
    samplesPerPixel: tagNumber(tags, SAMPLES_PER_PIXEL) ?? 1,
    extraKind: tagNumber(tags, EXTRA_SAMPLES),
  };
}

/** Whether a pixel's last sample is neither a colour nor declared an alpha. */
export function hasUnknownBand({ photometric, samplesPerPixel, extraKind }: TiffSamples): boolean {
  const colours = photometric === RGB ? 3 : 1;
  const isPlain = [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB].includes(photometric);
  return isPlain && samplesPerPixel === colours + 1 && extraKind !== 1 && extraKind !== 2;
}

/** How the encoder has to write samples for `withTiffContainer`. */
interface TiffCoding {
  readonly hasPredictor: boolean;
  /** Whether it gets the samples in big-endian order. */
  readonly swapsBytes: boolean;
  /** Whether it stores white as 0. */
  readonly miniswhite: boolean;
}

/** The predictor needs this machine's byte order, and floats cannot be passed swapped, so both stay little-endian. */
export function tiffCoding(container: TiffContainer, { data, channels }: Picture): TiffCoding {
  const { compression, isLittle, photometric } = container;
  const hasPredictor = container.hasPredictor && (compression === 'lzw' || compression === 'deflate');
  return {
    hasPredictor,
    swapsBytes: !isLittle && !hasPredictor && data instanceof Uint16Array,
    miniswhite: photometric === WHITE_IS_ZERO && channels === 1 && data instanceof Uint8Array,
  };
}

/** Replaces an encoded TIFF's descriptive tags by the container's. Its header is little-endian. */
export function withTiffContainer(
  encoded: Buffer,
  container: TiffContainer,
  picture: Picture,
  { swapsBytes }: TiffCoding,
): Buffer {
  const written = readTiffTags(encoded);
  const samples = samplesOf(written);
  const own = written.filter(({ id }) => structural.has(id) && id !== EXTRA_SAMPLES);
  const extra = hasUnknownBand(container) ? UNSPECIFIED : samples.extraKind;
  if (extra !== undefined) own.push(short(EXTRA_SAMPLES, extra));
  const tags = container.tags.filter((tag) => staysTrue(tag, container, samples, picture));
  const isLittle = container.isLittle || !(swapsBytes || picture.data instanceof Uint8Array);
  const placed = withNotesInPlace(encoded, [...own, ...tags], isLittle, container.isBig ? 16 : 8);
  return withTiffDirectory(placed.file, placed.tags, isLittle);
}

function short(id: number, value: number): TiffTag {
  return { id, type: 3, count: 1, value: Buffer.from([value & 255, value >> 8]) };
}

/** Sample limits stay true if the new samples keep to them; tags with numbers of samples, if the samples are alike. */
function staysTrue(tag: TiffTag, before: TiffSamples, after: TiffSamples, picture: Picture): boolean {
  const isLeast = leastSample.includes(tag.id);
  if (!isLeast && !greatestSample.includes(tag.id) && tag.id !== REFERENCE_BLACK_WHITE) return true;
  const isAlike =
    before.bitsPerSample === after.bitsPerSample &&
    before.samplesPerPixel === after.samplesPerPixel &&
    before.photometric === after.photometric;
  if (!isAlike || tag.id === REFERENCE_BLACK_WHITE) return isAlike;
  const limits = tagNumbers(tag);
  const { data, channels } = picture;
  const isInverted = before.photometric === WHITE_IS_ZERO;
  if (limits.length === 0 || isInverted) return false;
  for (let i = 0; i < data.length; i++) {
    const limit = limits[i % channels] ?? (limits[0] as number);
    const sample = data[i] as number;
    if (isLeast ? sample < limit : sample > limit) return false;
  }
  return true;
}

const labSpaces: readonly number[] = [8, 9, 10];

function unreadableLayout(tags: readonly TiffTag[]): string | undefined {
  const { bitsPerSample: bits, photometric, samplesPerPixel } = samplesOf(tags);
  if (![1, 2, 4, 8, 16, 32, 64].includes(bits)) return `of ${bits}-bit samples`;
  if (labSpaces.includes(photometric)) return 'in the colour space Lab';
  const isPlanar = tagNumber(tags, PLANAR) === 2 && samplesPerPixel > 1;
  return isPlanar && tileOf(tags) !== undefined ? 'in tiles of one channel each' : undefined;
}

export function tileOf(tags: readonly TiffTag[]): readonly [number, number] | undefined {
  const [width, height] = [tagNumber(tags, TILE_WIDTH), tagNumber(tags, TILE_HEIGHT)];
  return width === undefined || height === undefined ? undefined : [width, height];
}
