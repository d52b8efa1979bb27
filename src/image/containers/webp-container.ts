// The RIFF chunks around a WebP's pixels (RFC 9649, section 2): ICCP, EXIF, XMP and unknown ones, which are copied byte for
// byte.

import { checksum, type Trait } from '../traits.js';
import { webpQuality } from '../webp-quality.js';
import { type Animation, animationTraits } from './animation.js';
import { atMost } from './part-limit.js';

export interface WebpContainer {
  readonly format: 'webp';
  readonly isLossless: boolean;
  /** 1-100 for a lossy file, estimated from its quantiser. */
  readonly quality: number;
  readonly animation: WebpAnimation | undefined;
  /** The data of the metadata chunks, in the file's order. */
  readonly chunks: readonly Chunk[];
}

interface WebpAnimation extends Animation {
  /** The colour behind the frames, as in the file. */
  readonly background: Buffer;
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
/** In an animation's frame: place, size and duration, before its pixels. */
const FRAME_HEADER = 16;
const DO_NOT_BLEND = 0x02;
const framePixels = new Set(['VP8 ', 'VP8L', 'ALPH']);
const pixelChunks = new Set(['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF']);

/** Reads the chunks of a WebP; in a damaged file, those before the damage. They are copies. */
export function readWebpContainer(bytes: Buffer): WebpContainer {
  const chunks = chunksOf(bytes);
  return {
    format: 'webp',
    isLossless: isLossless(chunks),
    quality: qualityOf(chunks),
    animation: animationOf(chunks),
    chunks: chunks
      .filter(({ type }) => !pixelChunks.has(type))
      .map(({ type, data }) => ({ type, data: Buffer.from(data) })),
  };
}

/**
 * Puts the container's metadata into an encoded WebP.
 *
 * @param width   the picture's, 1-16383 pixels
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
  const header = extendedHeader(width, height);
  header[0] =
    (container.animation ? ANIMATION_FLAG : 0) |
    (hasAlpha(own) ? ALPHA_FLAG : 0) |
    flag('ICCP', ICC_FLAG) |
    flag('EXIF', EXIF_FLAG) |
    flag('XMP ', XMP_FLAG);
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

function animationOf(chunks: readonly Chunk[]): WebpAnimation | undefined {
  const flags = chunks.find(({ type }) => type === 'VP8X')?.data[0] ?? 0;
  const control = chunks.find(({ type }) => type === 'ANIM')?.data;
  if ((flags & ANIMATION_FLAG) === 0 || control === undefined || control.length < 6) return undefined;
  const frames = chunks.filter(({ type, data }) => type === 'ANMF' && data.length >= FRAME_HEADER);
  return {
    durations: frames.map(({ data }) => data.readUIntLE(12, 3)),
    loops: control.readUInt16LE(4),
    background: Buffer.from(control.subarray(0, 4)),
  };
}

/**
 * Joins encoded WebPs into an animation, each a whole frame that replaces the one before. sharp's encoder would merge equal
 * frames and lengthen short ones.
 *
 * @param frames  one for each of the animation's durations, all of one size
 */
export function asWebpAnimation(
  frames: readonly Buffer[],
  { durations, loops, background }: WebpAnimation,
  width: number,
  height: number,
): Buffer {
  const control = Buffer.concat([background, Buffer.from([loops & 255, loops >> 8])]);
  const chunks = frames.map(chunksOf);
  const header = extendedHeader(width, height);
  header[0] = ANIMATION_FLAG | (chunks.some(hasAlpha) ? ALPHA_FLAG : 0);
  const parts = chunks.map((own, i) => {
    const frame = Buffer.alloc(FRAME_HEADER);
    frame.writeUIntLE(width - 1, 6, 3);
    frame.writeUIntLE(height - 1, 9, 3);
    frame.writeUIntLE(durations[i] ?? 0, 12, 3);
    frame[15] = DO_NOT_BLEND;
    const pixels = own.filter(({ type }) => framePixels.has(type)).map(serialised);
    return serialised({ type: 'ANMF', data: Buffer.concat([frame, ...pixels]) });
  });
  const head = [serialised({ type: 'VP8X', data: header }), serialised({ type: 'ANIM', data: control })];
  return serialised({ type: 'RIFF', data: Buffer.concat([Buffer.from('WEBP'), ...head, ...parts]) });
}

function extendedHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(10);
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  return header;
}

const chunkNames: Readonly<Record<string, string>> = { ICCP: 'ICC profile', EXIF: 'EXIF', 'XMP ': 'XMP' };

/** The file's properties besides its samples. */
export function webpTraits(file: Buffer): Trait[] {
  const chunks = chunksOf(file);
  const animation = animationOf(chunks);
  return [
    ...(animation ? animationTraits(animation) : []),
    ['compression', isLossless(chunks) ? 'lossless' : `lossy, quality about ${qualityOf(chunks)}`],
    ...chunks
      .filter(({ type }) => !pixelChunks.has(type))
      .map(({ type, data }): Trait => [chunkNames[type] ?? `chunk ${type}`, checksum(data)]),
  ];
}

function isLossless(chunks: readonly Chunk[]): boolean {
  const pixels = pixelsOf(chunks);
  return pixels.some(({ type }) => type === 'VP8L') && !pixels.some(({ type }) => type === 'VP8 ');
}

function qualityOf(chunks: readonly Chunk[]): number {
  return webpQuality(pixelsOf(chunks).find(({ type }) => type === 'VP8 ')?.data ?? new Uint8Array());
}

/** The chunks with pixels, also those in frames. @throws TooManyParts */
function pixelsOf(chunks: readonly Chunk[]): Chunk[] {
  return [...atMost(withFrames(chunks), 'chunks')].filter(({ type }) => framePixels.has(type));
}

function* withFrames(chunks: readonly Chunk[]): Generator<Chunk> {
  for (const chunk of chunks)
    if (chunk.type === 'ANMF') yield* webpChunks(chunk.data, FRAME_HEADER);
    else yield chunk;
}

/** @throws TooManyParts */
function chunksOf(bytes: Buffer): Chunk[] {
  return [...atMost(webpChunks(bytes), 'chunks')];
}

function* webpChunks(bytes: Buffer, start = 12): Generator<Chunk> {
  for (let at = start; at + 8 <= bytes.length; ) {
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

/** By the extended header, else by the alpha_is_used bit of a plain lossless stream (after 8 + 28 bits). */
function hasAlpha(chunks: readonly Chunk[]): boolean {
  const extended = chunks.find(({ type }) => type === 'VP8X');
  if (extended !== undefined) return ((extended.data[0] ?? 0) & ALPHA_FLAG) !== 0;
  const lossless = chunks.find(({ type }) => type === 'VP8L');
  return lossless !== undefined && ((lossless.data[4] ?? 0) & 0x10) !== 0;
}
