// The traits of a TIFF: every tag of its first directory. Tags about the pixels' place and coding become words.

import { checksum, type Trait } from '../traits.js';
import {
  COMPRESSION,
  hasUnknownBand,
  PALETTE,
  PLANAR,
  PREDICTOR,
  samplesOf,
  tileOf,
  WHITE_IS_ZERO,
  YCBCR,
} from './tiff-container.js';
import { isMakerNotes, makerNotesTraits } from './tiff-maker-notes.js';
import { isBigTiff, isLittleEndian, readTiffTags, type TiffTag, tagNumber } from './tiff-tags.js';

const JPEG = 7;
/** In YCbCr, part of the colours' coding. */
const REFERENCE_BLACK_WHITE = 532;
/** Sizes, positions, bit order, parameters of compression and colours; and orientation, a trait of every format. */
const ofTheCoding = new Set([
  256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 288, 289, 292, 293, 317, 320, 322, 323, 324,
  325, 326, 327, 328, 338, 339, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531,
]);
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

/** The file's properties besides its samples. */
export function tiffTraits(file: Buffer): Trait[] {
  const tags = readTiffTags(file);
  const tile = tileOf(tags);
  const compression = tagNumber(tags, COMPRESSION) ?? 1;
  const samples = samplesOf(tags);
  const { extraKind, photometric, samplesPerPixel } = samples;
  const traits: (Trait | false)[] = [
    ['variant', isBigTiff(file) ? 'BigTIFF' : 'classic TIFF'],
    ['byte order', isLittleEndian(file) ? 'little-endian' : 'big-endian'],
    ['compression', compressions[compression] ?? `number ${compression}`],
    ['predictor', (tagNumber(tags, PREDICTOR) ?? 1) > 1 ? 'yes' : 'no'],
    ['layout', tile === undefined ? 'strips' : `tiles of ${tile.join(' x ')}`],
    samplesPerPixel > 1 && ['planes', tagNumber(tags, PLANAR) === 2 ? 'one for each channel' : 'together'],
    photometric === WHITE_IS_ZERO && ['white stored as 0', 'yes'],
    hasUnknownBand(samples) && ['band beside the colours', 'of unknown kind'],
    extraKind !== undefined && extraKind in alphas && ['alpha', alphas[extraKind] as string],
  ];
  return [
    ...traits.filter((trait) => trait !== false),
    ...tags
      .filter(({ id }) => !ofTheCoding.has(id) && !(photometric === YCBCR && id === REFERENCE_BLACK_WHITE))
      .map((tag): Trait => [tagNames[tag.id] ?? `tag ${tag.id}`, checksum(contentOf(tag))]),
    ...makerNotesTraits(tags),
  ];
}

/** The channels in words, by the tags; undefined if these add nothing to the samples. */
export function tiffColour(file: Buffer): string | undefined {
  const tags = readTiffTags(file);
  const samples = samplesOf(tags);
  if (samples.photometric === PALETTE) return 'palette';
  // In a JPEG stream, YCbCr belongs to the compression.
  if (samples.photometric === YCBCR && tagNumber(tags, COMPRESSION) !== JPEG) return 'YCbCr';
  if (!hasUnknownBand(samples)) return undefined;
  return `${samples.samplesPerPixel > 2 ? 'RGB' : 'grey'} and a further band`;
}

/** A tag's value, with the tags it points to. The maker's notes are separate traits. */
function contentOf({ id, type, count, value, directory }: TiffTag): Buffer {
  const head = Buffer.from(`${id} ${type} ${count} `);
  const behind = directory?.filter((tag) => !isMakerNotes(tag)).map(contentOf);
  return Buffer.concat([head, ...(behind ?? [value])]);
}
