// Moves EXIF, XMP and colour profile from one format to another, for a conversion.
import { deflateSync } from 'node:zlib';
import type { Metadata } from 'sharp';
import type { Chunk } from './parts.js';
import { type PngChunk, pngChunk } from './png-container.js';
import { mayBeInExif } from './tiff-container.js';
import { withoutBoundNotes } from './tiff-maker-notes.js';
import { readTiffTags, type TiffTag, withTiffDirectory } from './tiff-tags.js';

export interface MetadataBlocks {
  /** A TIFF structure, without a marker. */
  readonly exif: Buffer | undefined;
  readonly xmp: Buffer | undefined;
  readonly icc: Buffer | undefined;
}

const EXIF_MARK = 'Exif\0\0';
const XMP_MARK = 'http://ns.adobe.com/xap/1.0/\0';
const ICC_MARK = 'ICC_PROFILE\0';
/** Size of a JPEG segment, without its two bytes of length. */
const LARGEST_SEGMENT = 65533;
const [XMP_TAG, ICC_TAG] = [700, 34675];

/** The blocks that there are, by the names of their traits. */
export function namedBlocks({ exif, xmp, icc }: MetadataBlocks): Map<string, Buffer> {
  const all = [
    ['EXIF', exif],
    ['XMP', xmp],
    ['ICC profile', icc],
  ] as const;
  return new Map(all.flatMap(([name, bytes]) => (bytes ? [[name, bytes] as const] : [])));
}

/** @param tags  of a TIFF, whose complete EXIF is there only */
export function metadataBlocks({ exif, xmp, icc }: Metadata, tags?: readonly TiffTag[]): MetadataBlocks {
  return { exif: tags === undefined ? withoutMark(exif) : exifOfTags(tags), xmp, icc };
}

/** An EXIF block is a small TIFF with the tags. Maker notes that are valid only in their place are lost. */
function exifOfTags(tags: readonly TiffTag[]): Buffer | undefined {
  const own = withoutBoundNotes(tags).filter(mayBeInExif);
  return own.length === 0 ? undefined : withTiffDirectory(Buffer.from('II*\0\0\0\0\0', 'latin1'), own);
}

function withoutMark(exif: Buffer | undefined): Buffer | undefined {
  const isMarked = exif?.toString('latin1', 0, EXIF_MARK.length) === EXIF_MARK;
  return isMarked ? exif.subarray(EXIF_MARK.length) : exif;
}

/** The blocks as a JPEG's segments; a block that is too large is left out. */
export function blocksAsSegments({ exif, xmp, icc }: MetadataBlocks): Buffer[] {
  const size = LARGEST_SEGMENT - ICC_MARK.length - 2;
  const count = Math.ceil((icc?.length ?? 0) / size);
  const profile = Array.from({ length: count }, (_, i) => {
    const part = icc?.subarray(i * size, (i + 1) * size) ?? Buffer.alloc(0);
    return segment(0xe2, ICC_MARK, Buffer.concat([Buffer.from([i + 1, count]), part]));
  });
  return [
    ...(exif ? segment(0xe1, EXIF_MARK, exif) : []),
    ...(xmp ? segment(0xe1, XMP_MARK, xmp) : []),
    ...profile.flat(),
  ];
}

/** Empty if it would be too large. */
function segment(marker: number, mark: string, data: Buffer): Buffer[] {
  const length = mark.length + data.length;
  if (length > LARGEST_SEGMENT) return [];
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(length + 2, 2);
  return [Buffer.concat([head, Buffer.from(mark, 'latin1'), data])];
}

/** The blocks as PNG chunks, to go before its data. */
export function blocksAsPngChunks({ exif, xmp, icc }: MetadataBlocks): PngChunk[] {
  return [
    ...(icc ? [pngChunk('iCCP', Buffer.concat([Buffer.from('icc\0\0'), deflateSync(icc)]))] : []),
    ...(exif ? [pngChunk('eXIf', exif)] : []),
    ...(xmp ? [pngChunk('iTXt', Buffer.concat([Buffer.from('XML:com.adobe.xmp\0\0\0\0\0'), xmp]))] : []),
  ];
}

export function blocksAsWebpChunks({ exif, xmp, icc }: MetadataBlocks): Chunk[] {
  return [
    ...(icc ? [{ type: 'ICCP', data: icc }] : []),
    ...(exif ? [{ type: 'EXIF', data: exif }] : []),
    ...(xmp ? [{ type: 'XMP ', data: xmp }] : []),
  ];
}

/** The blocks as tags. Those of EXIF go into the picture's directory. */
export function blocksAsTiffTags({ exif, xmp, icc }: MetadataBlocks): TiffTag[] {
  const tag = (id: number, type: number, value: Buffer) => ({ id, type, count: value.length, value });
  return [
    ...(exif ? readTiffTags(exif).filter(mayBeInExif) : []),
    ...(xmp ? [tag(XMP_TAG, 1, xmp)] : []),
    ...(icc ? [tag(ICC_TAG, 7, icc)] : []),
  ];
}
