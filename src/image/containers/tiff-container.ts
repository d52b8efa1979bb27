// The first directory of a TIFF: how its pixels are coded, and its descriptive tags (profile, EXIF, XMP, IPTC, resolution,
// orientation, texts).
import type { TiffOptions } from 'sharp';
import type { Picture } from '../../core/picture.js';
import { checksum, type Trait } from './parts.js';
import { makerNotesTraits, withNotesInPlace } from './tiff-maker-notes.js';
import {
  isBigTiff,
  isLittleEndian,
  MAKER_NOTES,
  readTiffTags,
  type TiffTag,
  tagNumber,
  tagNumbers,
  withTiffDirectory,
} from './tiff-tags.js';

export interface TiffContainer {
  readonly format: 'tiff';
  readonly isBig: boolean;
  readonly isLittle: boolean;
  /** A compression, layout or meaning of the samples that we cannot decode: 'of 12-bit samples'. */
  readonly unreadable?: string | undefined;
  /** All tags of the first directory. */
  readonly tags: readonly TiffTag[];
  readonly traits: readonly Trait[];
}

const [COMPRESSION, PREDICTOR, EXTRA_SAMPLES, REFERENCE_BLACK_WHITE] = [259, 317, 338, 532];
/** Photometric interpretations; three are kinds of Lab. */
const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR] = [0, 1, 2, 3, 6];
const labSpaces: readonly number[] = [8, 9, 10];
const [NONE, JPEG, DEFLATE] = [1, 7, 8];
const compressions: Readonly<Record<number, string>> = {
  [NONE]: 'none',
  2: 'CCITT',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  5: 'LZW',
  6: 'JPEG (old)',
  [JPEG]: 'JPEG',
  [DEFLATE]: 'Deflate',
  32946: 'Deflate',
  32773: 'PackBits',
};
/** Compressions that this build of sharp cannot read. */
const unreadableCompressions: Readonly<Record<number, string>> = {
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
/** Tags about the pixels' place and coding, which the encoder writes. */
const codingTags = new Set([
  256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 288, 289, 292, 293, 317, 320, 322, 323, 324, 325,
  326, 327, 328, 338, 339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531,
]);
/** Further tags that are not written again: about sub-directories (330), Photoshop layers (37724), inks, grey curves. */
const lost = new Set([290, 291, 330, 332, 333, 334, 336, 342, 559, 37724]);
/** Tags that are not part of EXIF: the kind of picture, its screening, the limits of its samples; XMP, IPTC, Photoshop's, ICC. */
const besideExif = new Set([254, 255, 263, 264, 265, 280, 281, 321, 340, 341, 532, 700, 33723, 34377, 34675]);
const leastSample: readonly number[] = [280, 340];
const greatestSample: readonly number[] = [281, 341];
/** A trait of every format. */
const ORIENTATION = 274;
/** Types that only BigTIFF has, and pointers to directories that we do not follow. */
const unwritableTypes = new Set([13, 16, 17, 18]);

/** Whether a tag describes the picture, not its layout in the file, and can be written again. */
function isKept({ id, type }: TiffTag): boolean {
  return !codingTags.has(id) && !lost.has(id) && !unwritableTypes.has(type);
}

/** Whether a tag of a TIFF may also be in EXIF. */
export function mayBeInExif(tag: TiffTag): boolean {
  return isKept(tag) && !besideExif.has(tag.id);
}

/** For a TIFF made from another format: little-endian strips, Deflate. */
export const PLAIN_TIFF = {
  format: 'tiff',
  isBig: false,
  isLittle: true,
  tags: [short(COMPRESSION, DEFLATE), short(PREDICTOR, 2)],
  traits: [],
} as const satisfies TiffContainer;

/** Reads the first directory of a TIFF; in a damaged file, what can be read. @throws TooManyParts */
export function readTiffContainer(file: Buffer): TiffContainer {
  const tags = readTiffTags(file);
  const [isBig, isLittle] = [isBigTiff(file), isLittleEndian(file)];
  const traits = traitsOf(tags, isBig, isLittle);
  return { format: 'tiff', isBig, isLittle, unreadable: unreadable(tags), tags, traits };
}

function unreadable(tags: readonly TiffTag[]): string | undefined {
  const { bits, photometric, compression, isPlanar, tile } = codingOf(tags);
  if (![1, 2, 4, 8, 16, 32].includes(bits)) return `of ${bits}-bit samples`;
  const unreadableCompression = unreadableCompressions[compression];
  if (unreadableCompression !== undefined) return `with ${unreadableCompression} compression`;
  if (labSpaces.includes(photometric)) return 'in the colour space Lab';
  return isPlanar && tile !== undefined ? 'in tiles of one channel each' : undefined;
}

type TiffCoding = ReturnType<typeof codingOf>;

/** How pixels are coded. */
export function codingOf(tags: readonly TiffTag[]) {
  const samplesPerPixel = tagNumber(tags, 277) ?? 1;
  const [tileWidth, tileHeight] = [tagNumber(tags, 322), tagNumber(tags, 323)];
  return {
    /** Of one sample. */
    bits: tagNumber(tags, 258) ?? 1,
    compression: tagNumber(tags, COMPRESSION) ?? NONE,
    /** Whether rows are differenced before compression. */
    hasPredictor: (tagNumber(tags, PREDICTOR) ?? 1) > 1,
    /** The meaning of the samples. */
    photometric: tagNumber(tags, 262) ?? BLACK_IS_ZERO,
    samplesPerPixel,
    isPlanar: samplesPerPixel > 1 && tagNumber(tags, 284) === 2,
    /** The kind of the sample beside the colours: 1 or 2 an alpha, 0 unspecified; undefined if the file does not tell. */
    extraKind: tagNumber(tags, EXTRA_SAMPLES),
    /** Width and height; undefined if pixels are in strips. */
    tile: tileWidth === undefined || tileHeight === undefined ? undefined : [tileWidth, tileHeight],
  };
}

/** Whether a pixel's last sample is neither a colour nor declared an alpha. */
export function hasUnknownBand(tags: readonly TiffTag[]): boolean {
  const { photometric, samplesPerPixel, extraKind } = codingOf(tags);
  const colours = photometric === RGB ? 3 : 1;
  const isPlain = [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB].includes(photometric);
  return isPlain && samplesPerPixel === colours + 1 && extraKind !== 1 && extraKind !== 2;
}

/** Lossless compressions that sharp writes, as it names them. */
const writable = ['none', 'lzw', 'deflate', 'packbits'] as const;

/**
 * How sharp has to write samples for `withTiffContainer`, and whether it gets them in big-endian order. The predictor needs
 * this machine's byte order, and floats cannot be passed swapped, so both stay little-endian.
 */
export function tiffCoding(
  { tags, isBig, isLittle }: TiffContainer,
  { data, channels }: Picture,
): { options: TiffOptions; swapsBytes: boolean } {
  const { hasPredictor, photometric, tile, ...own } = codingOf(tags);
  const name = compressions[own.compression]?.toLowerCase();
  const compression = writable.find((each) => each === name) ?? 'deflate';
  const isDifferenced = hasPredictor && (compression === 'lzw' || compression === 'deflate');
  const predictor = data instanceof Float32Array ? 'float' : 'horizontal';
  const [tileWidth, tileHeight] = tile ?? [];
  return {
    options: {
      compression,
      predictor: isDifferenced ? predictor : 'none',
      miniswhite: photometric === WHITE_IS_ZERO && channels === 1 && data instanceof Uint8Array,
      bigtiff: isBig,
      ...(tileWidth !== undefined && { tile: true, tileWidth, tileHeight }),
    },
    swapsBytes: !isLittle && !isDifferenced && data instanceof Uint16Array,
  };
}

/** Replaces an encoded TIFF's descriptive tags by the container's. Its header is little-endian. */
export function withTiffContainer(
  encoded: Buffer,
  container: TiffContainer,
  picture: Picture,
  swapsBytes: boolean,
): Buffer {
  const written = readTiffTags(encoded);
  const after = codingOf(written);
  const own = written.filter(({ id }) => (codingTags.has(id) && id !== EXTRA_SAMPLES) || lost.has(id));
  const extra = hasUnknownBand(container.tags) ? 0 : after.extraKind;
  if (extra !== undefined) own.push(short(EXTRA_SAMPLES, extra));
  const before = codingOf(container.tags);
  const tags = container.tags.filter((tag) => isKept(tag) && staysTrue(tag, before, after, picture));
  const isLittle = container.isLittle || !(swapsBytes || picture.data instanceof Uint8Array);
  const placed = withNotesInPlace(encoded, [...own, ...tags], isLittle, container.isBig ? 16 : 8);
  return withTiffDirectory(placed.file, placed.tags, isLittle);
}

function short(id: number, value: number): TiffTag {
  return { id, type: 3, count: 1, value: Buffer.from([value & 255, value >> 8]) };
}

/** Sample limits stay true if the new samples keep to them; tags with numbers of samples, if the samples are alike. */
function staysTrue(tag: TiffTag, before: TiffCoding, after: TiffCoding, picture: Picture): boolean {
  const { id } = tag;
  const isLeast = leastSample.includes(id);
  if (!isLeast && !greatestSample.includes(id) && id !== REFERENCE_BLACK_WHITE) return true;
  const isAlike =
    before.bits === after.bits &&
    before.samplesPerPixel === after.samplesPerPixel &&
    before.photometric === after.photometric;
  if (!isAlike || id === REFERENCE_BLACK_WHITE) return isAlike;
  const limits = tagNumbers([tag], id);
  const isInverted = before.photometric === WHITE_IS_ZERO;
  if (limits.length === 0 || isInverted) return false;
  return !picture.data.some((sample, i) => {
    const limit = limits[i % picture.channels] ?? (limits[0] as number);
    return isLeast ? sample < limit : sample > limit;
  });
}

const tagNames: Readonly<Record<number, string>> = {
  254: 'kind of picture (NewSubfileType)',
  255: 'kind of picture (SubfileType)',
  263: 'screening (Threshholding)',
  264: 'screening (CellWidth)',
  265: 'screening (CellLength)',
  280: 'least sample (MinSampleValue)',
  281: 'greatest sample (MaxSampleValue)',
  282: 'horizontal density',
  283: 'vertical density',
  296: 'unit of density',
  321: 'halftone hints',
  330: 'further pictures (SubIFD)',
  340: 'least sample (SMinSampleValue)',
  341: 'greatest sample (SMaxSampleValue)',
  532: 'reference black and white',
  700: 'XMP',
  33723: 'IPTC',
  34377: 'Photoshop blocks',
  34665: 'EXIF',
  34675: 'ICC profile',
  34853: 'GPS',
  37724: 'Photoshop layers',
};
const alphas: Readonly<Record<number, string>> = { 1: 'multiplied into the colours', 2: 'plain' };

function traitsOf(tags: readonly TiffTag[], isBig: boolean, isLittle: boolean): Trait[] {
  const { compression, extraKind, hasPredictor, isPlanar, photometric, samplesPerPixel, tile } =
    codingOf(tags);
  const alpha = alphas[extraKind ?? 0];
  const traits: (Trait | false)[] = [
    ['variant', isBig ? 'BigTIFF' : 'classic TIFF'],
    ['byte order', isLittle ? 'little-endian' : 'big-endian'],
    ['compression', compressions[compression] ?? `number ${compression}`],
    ['predictor', hasPredictor ? 'yes' : 'no'],
    ['layout', tile === undefined ? 'strips' : `tiles of ${tile.join(' x ')}`],
    samplesPerPixel > 1 && ['planes', isPlanar ? 'one for each channel' : 'together'],
    photometric === WHITE_IS_ZERO && ['white stored as 0', 'yes'],
    hasUnknownBand(tags) && ['band beside the colours', 'of unknown kind'],
    alpha !== undefined && ['alpha', alpha],
  ];
  // In YCbCr, reference black and white is a part of the colours' coding.
  const isCoding = (id: number) =>
    codingTags.has(id) || id === ORIENTATION || (photometric === YCBCR && id === REFERENCE_BLACK_WHITE);
  return [
    ...traits.filter((trait) => trait !== false),
    ...tags
      .filter(({ id }) => !isCoding(id))
      .map((tag): Trait => [tagNames[tag.id] ?? `tag ${tag.id}`, checksum(contentOf(tag))]),
    ...makerNotesTraits(tags),
  ];
}

/** The channels in words, by the tags; undefined if these add nothing to the samples. */
export function tiffColour({ tags }: TiffContainer): string | undefined {
  const { compression, photometric, samplesPerPixel } = codingOf(tags);
  if (photometric === PALETTE) return 'palette';
  // In a JPEG stream, YCbCr belongs to the compression.
  if (photometric === YCBCR && compression !== JPEG) return 'YCbCr';
  if (!hasUnknownBand(tags)) return undefined;
  return `${samplesPerPixel > 2 ? 'RGB' : 'grey'} and a further band`;
}

/** A tag's value, with the tags it points to. The maker's notes are separate traits. */
function contentOf({ id, type, count, value, directory }: TiffTag): Buffer {
  const head = Buffer.from(`${id} ${type} ${count} `);
  const behind = directory?.filter((tag) => tag.id !== MAKER_NOTES).map(contentOf);
  return Buffer.concat([head, ...(behind ?? [value])]);
}
