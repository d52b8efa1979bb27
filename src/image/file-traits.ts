// All that a picture file says of itself beside its samples, whatever its format.
import sharp, { type Metadata } from 'sharp';
import { formatNames, type PictureFormat } from './format.js';
import { jpegTraits } from './jpeg-container.js';
import { pngTraits } from './png-container.js';
import { tiffTraits } from './tiff-container.js';
import { compareTraits, type Fidelity, type Trait } from './traits.js';
import { webpTraits } from './webp-container.js';

const kinds = ['grey', 'grey with alpha', 'RGB', 'RGBA'] as const;

/**
 * The traits of a picture file.
 *
 * @param metadata  what sharp reads of its header
 */
export function fileTraits(file: Buffer, format: PictureFormat, metadata: Metadata): readonly Trait[] {
  const { width, height, channels, bitsPerSample, depth, isPalette, orientation } = metadata;
  const general: Trait[] = [
    ['format', formatNames[format]],
    ['size', `${width} x ${height}`],
    ['colour', isPalette ? 'palette' : (kinds[channels - 1] ?? `${channels} channels`)],
    ['bit depth', depth === 'float' ? '32 (float)' : String(bitsPerSample ?? (depth === 'ushort' ? 16 : 8))],
  ];
  if (orientation !== undefined) general.push(['orientation', String(orientation)]);
  return [...general, ...traitsOf(file, format)];
}

/**
 * What became of a file's own properties and metadata. Both files are read alike, so it says what is, not what was meant.
 *
 * @param before   what decoding told of the file
 * @param encoded  the file that was made from it; undefined where it stayed as it is
 */
export async function fidelityOf(
  { traits, format }: { readonly traits: readonly Trait[]; readonly format: PictureFormat },
  encoded: Buffer | undefined,
): Promise<Fidelity> {
  if (encoded === undefined) return compareTraits(traits, traits);
  const metadata = await sharp(encoded, { limitInputPixels: false }).metadata();
  return compareTraits(traits, fileTraits(encoded, format, metadata));
}

function traitsOf(file: Buffer, format: PictureFormat): readonly Trait[] {
  switch (format) {
    case 'png':
      return pngTraits(file);
    case 'jpeg':
      return jpegTraits(file);
    case 'webp':
      return webpTraits(file);
    case 'tiff':
      return tiffTraits(file);
    default:
      return format satisfies never;
  }
}
