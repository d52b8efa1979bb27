// The RIFF chunks around a WebP's pixels (RFC 9649, section 2): ICCP, EXIF, XMP and unknown ones, which are copied byte for
// byte; and the quality, from the quantiser in a frame's header (RFC 6386, sections 9.3 to 9.6 and 19.2).
import { type Animation, addPart, animationTraits, type Chunk, checksum, type Trait } from './parts.js';

export interface WebpContainer {
  readonly format: 'webp';
  readonly isLossless: boolean;
  /** 1-100 for a lossy file, estimated from its quantiser. */
  readonly quality: number;
  readonly animation: WebpAnimation | undefined;
  /** The data of the metadata chunks, in the file's order. */
  readonly chunks: readonly Chunk[];
  readonly traits: readonly Trait[];
}

interface WebpAnimation extends Animation {
  /** The colour behind the frames, as in the file. */
  readonly background: Buffer;
}

const ALPHA_FLAG = 0x10;
const ANIMATION_FLAG = 0x02;
/** Flags of metadata in the extended header. */
const metadataFlags: Readonly<Record<string, number>> = { ICCP: 0x20, EXIF: 0x08, 'XMP ': 0x04 };
/** In an animation's frame: place, size and duration, before its pixels. */
const FRAME_HEADER = 16;
const DO_NOT_BLEND = 0x02;
const framePixels = new Set(['VP8 ', 'VP8L', 'ALPH']);
const structural = new Set([...framePixels, 'VP8X', 'ANIM', 'ANMF']);

/** Reads the chunks of a WebP; in a damaged file, those before the damage. They are copies. @throws TooManyParts */
export function readWebpContainer(bytes: Buffer): WebpContainer {
  const all = chunksOf(bytes);
  const pixels = all.filter(({ type }) => type !== 'ANMF');
  for (const { type, data } of all) if (type === 'ANMF') addChunks(pixels, data, FRAME_HEADER);
  const lossy = pixels.find(({ type }) => type === 'VP8 ');
  const isLossless = lossy === undefined && pixels.some(({ type }) => type === 'VP8L');
  const quality = webpQuality(lossy?.data ?? new Uint8Array());
  const animation = animationOf(all);
  const chunks = all
    .filter(({ type }) => !structural.has(type))
    .map(({ type, data }) => ({ type, data: Buffer.from(data) }));
  const traits: Trait[] = [
    ...animationTraits(animation),
    ['compression', isLossless ? 'lossless' : `lossy, quality about ${quality}`],
    ...chunks.map(({ type, data }): Trait => [chunkNames[type] ?? `chunk ${type}`, checksum(data)]),
  ];
  return { format: 'webp', isLossless, quality, animation, chunks, traits };
}

const chunkNames: Readonly<Record<string, string>> = { ICCP: 'ICC profile', EXIF: 'EXIF', 'XMP ': 'XMP' };

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
 * Puts the container's metadata around encoded WebPs. If it has an animation, joins them, each a whole frame that replaces the
 * one before: sharp's encoder would merge equal frames and lengthen short ones.
 *
 * @param frames  one, or one for each of the animation's durations; all of one size
 * @param width   of a frame, 1-16383 pixels
 * @param height  likewise
 */
export function withWebpContainer(
  frames: readonly Buffer[],
  { animation, chunks }: WebpContainer,
  width: number,
  height: number,
): Buffer {
  const [first = Buffer.alloc(0)] = frames;
  if (animation === undefined && chunks.length === 0) return first;
  const encoded = frames.map(chunksOf);
  const header = Buffer.alloc(10);
  header[0] = chunks.reduce(
    (flags, { type }) => flags | (metadataFlags[type] ?? 0),
    (animation ? ANIMATION_FLAG : 0) | (encoded.some(hasAlpha) ? ALPHA_FLAG : 0),
  );
  header.writeUIntLE(width - 1, 4, 3);
  header.writeUIntLE(height - 1, 7, 3);
  const ofType = (wanted: string) => chunks.filter(({ type }) => type === wanted);
  const body = [
    { type: 'VP8X', data: header },
    ...ofType('ICCP'),
    ...(animation ? animated(encoded, animation, width, height) : encoded.flatMap(pixelsOf)),
    ...ofType('EXIF'),
    ...ofType('XMP '),
    ...chunks.filter(({ type }) => !(type in metadataFlags)),
  ].map(serialised);
  return serialised({ type: 'RIFF', data: Buffer.concat([Buffer.from('WEBP'), ...body]) });
}

function animated(
  frames: readonly (readonly Chunk[])[],
  { durations, loops, background }: WebpAnimation,
  width: number,
  height: number,
): Chunk[] {
  const control = Buffer.concat([background, Buffer.from([loops & 255, loops >> 8])]);
  const parts = frames.map((chunks, i) => {
    const header = Buffer.alloc(FRAME_HEADER);
    header.writeUIntLE(width - 1, 6, 3);
    header.writeUIntLE(height - 1, 9, 3);
    header.writeUIntLE(durations[i] ?? 0, 12, 3);
    header[15] = DO_NOT_BLEND;
    return { type: 'ANMF', data: Buffer.concat([header, ...pixelsOf(chunks).map(serialised)]) };
  });
  return [{ type: 'ANIM', data: control }, ...parts];
}

function pixelsOf(chunks: readonly Chunk[]): Chunk[] {
  return chunks.filter(({ type }) => framePixels.has(type));
}

/** @throws TooManyParts */
function chunksOf(file: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  addChunks(chunks, file, 12);
  return chunks;
}

function addChunks(chunks: Chunk[], bytes: Buffer, start: number): void {
  for (let at = start; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    const end = at + 8 + length;
    if (end > bytes.length) return;
    const chunk = { type: bytes.toString('latin1', at, at + 4), data: bytes.subarray(at + 8, end) };
    addPart(chunks, chunk, 'chunks');
    at = end + (length % 2);
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

/** Used if a frame cannot be read. */
const FALLBACK_QUALITY = 95;

/** Constants of libwebp (quant_enc.c), at its default of 50 for how far segments may differ. */
const LARGEST_INDEX = 127;
const EASIEST_SEGMENT = 1 + (0.9 * 0.5 * 127) / 128;

/**
 * The quality, 1-100, with which libwebp writes such a frame: the inverse of its mapping from quality to quantiser. A frame with
 * segments has the quantiser of the one that is easiest to compress, nearly always as far from the middle one as libwebp goes.
 */
function webpQuality(frame: Uint8Array): number {
  const isKeyFrame = frame.length > 16 && ((frame[0] ?? 1) & 1) === 0;
  if (!isKeyFrame || frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return FALLBACK_QUALITY;
  const { index, hasSegments } = readQuantiser(boolDecoder(frame.subarray(10)));
  // Indices are rounded down, so take the middle of the values with this index.
  const compression = Math.max(0, 1 - (index + 0.5) / LARGEST_INDEX);
  const linear = compression ** (3 / (hasSegments ? EASIEST_SEGMENT : 1));
  const quality = Math.round(100 * (linear < 0.5 ? 1.5 * linear : (linear + 1) / 2));
  return Math.min(100, Math.max(1, index === 0 ? 100 : quality));
}

/** @returns  index: y_ac_qi, 0 (finest) to 127 */
function readQuantiser(bits: (count: number) => number): { index: number; hasSegments: boolean } {
  const flag = () => bits(1) === 1;
  const skipSigned = (count: number, size: number) => {
    for (let i = 0; i < count; i++) if (flag()) bits(size + 1);
  };
  bits(2); // colour space, clamping
  const hasSegments = flag();
  if (hasSegments) {
    const [hasMap, hasData] = [flag(), flag()];
    if (hasData) {
      bits(1); // absolute or relative
      skipSigned(4, 7); // quantisers
      skipSigned(4, 6); // filter levels
    }
    for (let i = 0; hasMap && i < 3; i++) if (flag()) bits(8);
  }
  bits(1 + 6 + 3); // the loop filter's type, level, sharpness
  if (flag() && flag()) skipSigned(8, 6); // its adjustments
  bits(2); // partitions
  return { index: bits(7), hasSegments };
}

/** Reads numbers whose bits are equally often 0 and 1, the highest first (RFC 6386, section 7). */
function boolDecoder(data: Uint8Array): (bits: number) => number {
  let [at, range, value, available] = [0, 255, 0, 0];
  function bit(): number {
    const split = 1 + (((range - 1) * 128) >> 8);
    while (available < 8) {
      value = (value << 8) | (data[at++] ?? 0);
      available += 8;
    }
    const bigSplit = split << (available - 8);
    const isOne = value >= bigSplit;
    if (isOne) {
      value -= bigSplit;
      range -= split;
    } else range = split;
    while (range < 128) {
      range <<= 1;
      available--;
    }
    return isOne ? 1 : 0;
  }
  return (bits) => {
    let number = 0;
    for (let i = 0; i < bits; i++) number = number * 2 + bit();
    return number;
  };
}
