// What surrounds the pixels in a WebP file: RIFF chunks (RFC 9649, section 2). ICCP, EXIF, XMP and unknown chunks
// are carried over byte for byte. Not a pixel codec: that is sharp's.

import { checksum, type Trait } from '../traits.js';
import { webpQuality } from '../webp-quality.js';
import { atMost } from './part-limit.js';

/** WebP around its pixels. */
export interface WebpContainer {
  readonly format: 'webp';
  readonly isLossless: boolean;
  /** 1-100, of a lossy one, estimated from its quantiser. */
  readonly quality: number;
  readonly isAnimated: boolean;
  /** Payloads of the metadata chunks, in the order of the file. */
  readonly chunks: readonly Chunk[];
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

const ICC_FLAG = 0x20;
const ALPHA_FLAG = 0x10;
const EXIF_FLAG = 0x08;
const XMP_FLAG = 0x04;
const ANIMATION_FLAG = 0x02;
const pixelChunks = new Set(['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF']);

/** Reads the chunks of a WebP; of a damaged file, those before the damage. They are copies. */
export function readWebpContainer(bytes: Buffer): WebpContainer {
  const chunks = chunksOf(bytes);
  return {
    format: 'webp',
    isLossless: isLossless(chunks),
    quality: qualityOf(chunks),
    isAnimated: ((chunks.find(({ type }) => type === 'VP8X')?.data[0] ?? 0) & ANIMATION_FLAG) !== 0,
    chunks: chunks
      .filter(({ type }) => !pixelChunks.has(type))
      .map(({ type, data }) => ({ type, data: Buffer.from(data) })),
  };
}

/**
 * The encoded WebP with the container's metadata in it.
 *
 * @param width   of the picture, 1-16383 pixels
 * @param height  likewise
 */
export function withWebpContainer(
  encoded: Buffer,
  container: WebpContainer,
  width: number,
  height: number,
): Buffer {
  if (container.chunks.length === 0) return encoded;
  const own = chunksOf(encoded);
  const ofType = (type: string) => container.chunks.filter((chunk) => chunk.type === type);
  const flag = (type: string, value: number) => (ofType(type).length > 0 ? value : 0);
  const header = Buffer.alloc(10);
  header[0] =
    (hasAlpha(own) ? ALPHA_FLAG : 0) |
    flag('ICCP', ICC_FLAG) |
    flag('EXIF', EXIF_FLAG) |
    flag('XMP ', XMP_FLAG);
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  const known = ['ICCP', 'EXIF', 'XMP '];
  const body = [
    { type: 'VP8X', data: header },
    ...ofType('ICCP'),
    ...own.filter(({ type }) => type !== 'VP8X' && pixelChunks.has(type)),
    ...ofType('EXIF'),
    ...ofType('XMP '),
    ...container.chunks.filter(({ type }) => !known.includes(type)),
  ].map(serialised);
  return serialised({ type: 'RIFF', data: Buffer.concat([Buffer.from('WEBP'), ...body]) });
}

const chunkNames: Readonly<Record<string, string>> = { ICCP: 'ICC profile', EXIF: 'EXIF', 'XMP ': 'XMP' };

/** What the file says of itself beside its samples. */
export function webpTraits(file: Buffer): Trait[] {
  const chunks = chunksOf(file);
  return [
    ['compression', isLossless(chunks) ? 'lossless' : `lossy, quality about ${qualityOf(chunks)}`],
    ...chunks
      .filter(({ type }) => !pixelChunks.has(type))
      .map(({ type, data }): Trait => [chunkNames[type] ?? `chunk ${type}`, checksum(data)]),
  ];
}

function isLossless(chunks: readonly Chunk[]): boolean {
  return chunks.some(({ type }) => type === 'VP8L');
}

function qualityOf(chunks: readonly Chunk[]): number {
  return webpQuality(chunks.find(({ type }) => type === 'VP8 ')?.data ?? new Uint8Array());
}

/** @throws TooManyParts */
function chunksOf(bytes: Buffer): Chunk[] {
  return [...atMost(webpChunks(bytes), 'chunks')];
}

function* webpChunks(bytes: Buffer): Generator<Chunk> {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    if (at + 8 + length > bytes.length) return;
    yield {
      type: bytes.toString('latin1', at, at + 4),
      data: bytes.subarray(at + 8, at + 8 + length),
    };
    at += 8 + length + (length % 2);
  }
}

function serialised({ type, data }: Chunk): Buffer {
  const head = Buffer.alloc(8, type, 'latin1');
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)]);
}

/** By the extended header, else by the alpha_is_used bit of a bare lossless stream (after 8 + 28 bits). */
function hasAlpha(chunks: readonly Chunk[]): boolean {
  const extended = chunks.find(({ type }) => type === 'VP8X');
  if (extended !== undefined) return ((extended.data[0] ?? 0) & ALPHA_FLAG) !== 0;
  const lossless = chunks.find(({ type }) => type === 'VP8L');
  return lossless !== undefined && ((lossless.data[4] ?? 0) & 0x10) !== 0;
}
