// What surrounds the pixels in a PNG file: chunks (PNG 3rd edition, section 5). They are carried over byte for
// byte, their checksums included. Not a pixel codec: that is sharp's.

/** PNG around its pixels: how they were laid out, and the ancillary chunks worth keeping. */
export interface PngContainer {
  readonly format: 'png';
  readonly isInterlaced: boolean;
  readonly isAnimated: boolean;
  /** IHDR's bit depth and colour type, e.g. "8/2" for 8-bit RGB. */
  readonly sampleLayout: string;
  /** Whole chunks (length, type, data, CRC) that stood before the first IDAT. */
  readonly chunksBefore: readonly Chunk[];
  /** Whole chunks that stood after it. */
  readonly chunksAfter: readonly Chunk[];
}

interface Chunk {
  readonly type: string;
  readonly bytes: Buffer;
}

const SIGNATURE_LENGTH = 8;
/** Chunks that stay true when pixels change although their names say "unsafe to copy". */
const stillTrue = new Set('cHRM gAMA iCCP sRGB cICP mDCV cLLI sBIT bKGD sPLT tIME pCAL sCAL sTER'.split(' '));
/** True only while the samples have the same depth and channels. */
const boundToLayout = new Set(['sBIT', 'bKGD']);

/** Reads the chunks of a PNG; of a damaged file, those before the damage. The chunks are copies. */
export function readPngContainer(bytes: Buffer): PngContainer {
  const chunks = [...pngChunks(bytes)];
  const firstData = chunks.findIndex(({ type }) => type === 'IDAT');
  const dataAt = firstData < 0 ? chunks.length : firstData;
  const copies = (part: readonly Chunk[]) =>
    part.filter(isKept).map(({ type, bytes }) => ({ type, bytes: Buffer.from(bytes) }));
  return {
    format: 'png',
    isInterlaced: bytes[28] === 1,
    isAnimated: chunks.some(({ type }) => type === 'acTL'),
    sampleLayout: sampleLayout(bytes),
    chunksBefore: copies(chunks.slice(0, dataAt)),
    chunksAfter: copies(chunks.slice(dataAt)),
  };
}

/** The encoded PNG with its own ancillary chunks replaced by the container's. */
export function withPngContainer(encoded: Buffer, container: PngContainer): Buffer {
  const critical = [...pngChunks(encoded)].filter(({ type }) => isCritical(type));
  const isSameLayout = sampleLayout(encoded) === container.sampleLayout;
  const fitting = (chunks: readonly Chunk[]) =>
    chunks.filter(({ type }) => isSameLayout || !boundToLayout.has(type));
  const ordered = [
    ...critical.filter(({ type }) => type === 'IHDR'),
    ...fitting(container.chunksBefore),
    ...critical.filter(({ type }) => type !== 'IHDR' && type !== 'IEND'),
    ...fitting(container.chunksAfter),
    ...critical.filter(({ type }) => type === 'IEND'),
  ];
  return Buffer.concat([encoded.subarray(0, SIGNATURE_LENGTH), ...ordered.map(({ bytes }) => bytes)]);
}

function* pngChunks(bytes: Buffer): Generator<Chunk> {
  for (let at = SIGNATURE_LENGTH; at + 12 <= bytes.length; ) {
    const end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, end) };
    at = end;
  }
}

function sampleLayout(bytes: Buffer): string {
  return `${bytes[24]}/${bytes[25]}`;
}

function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}

/** Ancillary, and either safe to copy by its name (lower-case fourth letter) or known to stay true. */
function isKept({ type }: Chunk): boolean {
  return !isCritical(type) && (/^...[a-z]/.test(type) || stillTrue.has(type));
}
