// All properties of a picture file besides its samples, for any format.
import sharp, { type Metadata } from 'sharp';
import { avifTraits } from './containers/avif-container.js';
import { gifTraits } from './containers/gif-container.js';
import { jpegTraits } from './containers/jpeg-container.js';
import { type MetadataBlocks, metadataBlocks } from './containers/metadata-blocks.js';
import { pngTraits } from './containers/png-container.js';
import { makerNotesTraits } from './containers/tiff-maker-notes.js';
import { readTiffTags } from './containers/tiff-tags.js';
import { tiffColour, tiffTraits } from './containers/tiff-traits.js';
import { webpTraits } from './containers/webp-container.js';
import { formatNames, type PictureFormat } from './format.js';
import { checksum, compareTraits, type Fidelity, type Trait } from './traits.js';

const kinds = ['grey', 'grey with alpha', 'RGB', 'RGBA'] as const;

/** @param metadata  sharp's reading of the header */
export function fileTraits(file: Buffer, format: PictureFormat, metadata: Metadata): readonly Trait[] {
  const { width, channels, bitsPerSample, depth, isPalette, orientation } = metadata;
  const height = metadata.pageHeight ?? metadata.height;
  const colour = isPalette ? 'palette' : (kinds[channels - 1] ?? `${channels} channels`);
  const general: Trait[] = [
    ['format', formatNames[format]],
    ['size', `${width} x ${height}`],
    ['colour', (format === 'tiff' && tiffColour(file)) || colour],
    // A GIF's number is its palette's.
    [
      'bit depth',
      depth === 'float'
        ? '32 (float)'
        : String((format !== 'gif' && bitsPerSample) || (depth === 'ushort' ? 16 : 8)),
    ],
  ];
  if (orientation !== undefined) general.push(['orientation', String(orientation)]);
  return [...general, ...traitsOf[format](file), ...(format === 'avif' ? blockTraits(metadata) : [])];
}

/** For a format whose metadata sharp reads and writes. */
function blockTraits(metadata: Metadata): Trait[] {
  const { exif, xmp, icc } = metadataBlocks({}, metadata);
  return (
    [
      ['EXIF', exif],
      ['XMP', xmp],
      ['ICC profile', icc],
    ] as const
  ).flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, checksum(bytes)] as const]));
}

/**
 * What happened to a file's properties and metadata, found by reading both files.
 *
 * @param before   the original's traits, from decoding
 * @param encoded  the new file, and its format; undefined if the file did not change
 */
export async function fidelityOf(
  before: DecodedTraits,
  encoded: Buffer | undefined,
  format: PictureFormat = before.format,
): Promise<Fidelity> {
  if (encoded === undefined) return compareTraits(before.traits, before.traits);
  const metadata = await sharp(encoded, { limitInputPixels: false }).metadata();
  const traits = fileTraits(encoded, format, metadata);
  if (format === before.format) return compareTraits(before.traits, traits);
  return compareTraits(
    acrossFormats(before.traits, before.blocks),
    acrossFormats(traits, metadataBlocks({}, metadata)),
  );
}

interface DecodedTraits {
  readonly traits: readonly Trait[];
  readonly blocks: MetadataBlocks;
  readonly format: PictureFormat;
}

/** Codings belong to one format, so they are not compared between formats. */
const codings = new Set([
  'quality',
  'chroma sampling',
  'scans',
  'interlacing',
  'compression',
  'predictor',
  'layout',
  'variant',
  'byte order',
  'planes',
  'white stored as 0',
]);
const MAKER_NOTES = 'maker notes';

/** The traits that files of two formats can share; metadata are compared by their content. */
function acrossFormats(traits: readonly Trait[], { exif, xmp, icc }: MetadataBlocks): Trait[] {
  const contents = new Map([
    ['EXIF', exif],
    ['XMP', xmp],
    ['ICC profile', icc],
  ]);
  const shared = traits
    .filter(([name]) => !codings.has(name))
    .map(([name, value]): Trait => {
      const content = contents.get(name);
      return [name, content === undefined ? value : checksum(content)];
    });
  // A TIFF has them among its own traits.
  if (exif === undefined || traits.some(([name]) => name === MAKER_NOTES)) return shared;
  return [...shared, ...makerNotesTraits(readTiffTags(exif))];
}

const traitsOf = {
  png: pngTraits,
  jpeg: jpegTraits,
  webp: webpTraits,
  tiff: tiffTraits,
  avif: avifTraits,
  gif: gifTraits,
} as const satisfies Record<PictureFormat, (file: Buffer) => readonly Trait[]>;
