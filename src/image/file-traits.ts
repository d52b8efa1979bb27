// All properties of a picture file besides its samples, for any format, and what became of them in another file.
import sharp, { type Metadata } from 'sharp';
import { type Container, readContainer } from './containers/container.js';
import { type MetadataBlocks, metadataBlocks, namedBlocks } from './containers/metadata-blocks.js';
import { checksum, isChecksum, type Trait } from './containers/parts.js';
import { tiffColour } from './containers/tiff-container.js';
import { makerNotesTraits } from './containers/tiff-maker-notes.js';
import { readTiffTags } from './containers/tiff-tags.js';
import { formatNames, pictureFormat } from './format.js';

/** What happened to a file's properties and metadata. */
export interface Fidelity {
  /** Equal to the original's, e.g. 'ICC profile'; metadata byte for byte. */
  readonly kept: readonly string[];
  /** Lost, e.g. 'EXIF', or changed, e.g. 'colours: palette -> as samples'. */
  readonly notKept: readonly string[];
  /** Oddities of an original whose picture is intact; absent if there are none. */
  readonly warnings?: readonly string[];
}

const kinds = ['grey', 'grey with alpha', 'RGB', 'RGBA'] as const;

/** @param metadata  sharp's reading of the header */
export function fileTraits(container: Container, metadata: Metadata): readonly Trait[] {
  const { width, channels, bitsPerSample, depth, isPalette, orientation } = metadata;
  const { format } = container;
  const colour = isPalette ? 'palette' : (kinds[channels - 1] ?? `${channels} channels`);
  // A GIF's number is its palette's.
  const bits = (format !== 'gif' && bitsPerSample) || (depth === 'ushort' ? 16 : 8);
  // sharp reads and writes an AVIF's metadata.
  const blocks = format === 'avif' ? namedBlocks(metadataBlocks(metadata)) : [];
  return [
    ['format', formatNames[format]],
    ['size', `${width} x ${metadata.pageHeight ?? metadata.height}`],
    ['colour', (format === 'tiff' && tiffColour(container)) || colour],
    ['bit depth', depth === 'float' ? '32 (float)' : String(bits)],
    ...(orientation === undefined ? [] : [['orientation', String(orientation)] as const]),
    ...container.traits,
    ...[...blocks].map(([name, bytes]): Trait => [name, checksum(bytes)]),
  ];
}

interface FidelitySource {
  readonly traits: readonly Trait[];
  readonly blocks: MetadataBlocks;
  readonly container: Container;
}

/** Reads the new file and compares it with the original. @param encoded  undefined if the file did not change */
export async function fidelityOf(before: FidelitySource, encoded: Buffer | undefined): Promise<Fidelity> {
  if (encoded === undefined) return compareTraits(before.traits, before.traits);
  const { format: own } = before.container;
  const format = pictureFormat(encoded) ?? own;
  const metadata = await sharp(encoded, { limitInputPixels: false }).metadata();
  const traits = fileTraits(readContainer(encoded, format), metadata);
  if (format === own) return compareTraits(before.traits, traits);
  return compareTraits(
    acrossFormats(before.traits, before.blocks),
    acrossFormats(traits, metadataBlocks(metadata)),
  );
}

function compareTraits(before: readonly Trait[], after: readonly Trait[]): Fidelity {
  const [old, now] = [grouped(before), grouped(after)];
  const kept: string[] = [];
  const notKept: string[] = [];
  for (const [name, value] of old) {
    const other = now.get(name);
    const words = isChecksum(value) ? undefined : value;
    if (other === value) kept.push(words ? `${name}: ${words}` : name);
    else if (other === undefined) notKept.push(name);
    else notKept.push(words ? `${name}: ${words} -> ${other}` : `${name}: other bytes`);
  }
  return { kept, notKept };
}

/** Joins traits of one name (several comments). */
function grouped(traits: readonly Trait[]): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [name, value] of traits) {
    const soFar = groups.get(name);
    groups.set(name, soFar === undefined ? value : checksum(Buffer.from(soFar + value)));
  }
  return groups;
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

/** The traits that files of two formats can share; metadata are compared by their content. */
function acrossFormats(traits: readonly Trait[], blocks: MetadataBlocks): Trait[] {
  const contents = namedBlocks(blocks);
  const shared = traits
    .filter(([name]) => !codings.has(name))
    .map(([name, value]): Trait => {
      const content = contents.get(name);
      return [name, content === undefined ? value : checksum(content)];
    });
  // A TIFF has them among its own traits.
  const hasNotes = traits.some(([name]) => name === 'maker notes');
  return hasNotes || !blocks.exif ? shared : [...shared, ...makerNotesTraits(readTiffTags(blocks.exif))];
}
