// The chunks around a PNG's pixels (PNG 3rd edition, section 5), which are copied byte for byte with their checksums.
import { crc32 } from 'node:zlib';
import type { PngPalette } from '../png-palette.js';
import { addPart, checksum, type Trait } from './parts.js';

/** How a PNG's pixels are laid out, and the ancillary chunks worth keeping. */
export interface PngContainer {
  readonly format: 'png';
  readonly isInterlaced: boolean;
  readonly isAnimated: boolean;
  /** IHDR's bit depth and colour type, e.g. "8/2" for 8-bit RGB. */
  readonly sampleLayout: string;
  readonly palette: PngPalette | undefined;
  /** From before the first IDAT. */
  readonly chunksBefore: readonly PngChunk[];
  readonly chunksAfter: readonly PngChunk[];
  readonly traits: readonly Trait[];
}

/** For a PNG made from another format. */
export const PLAIN_PNG = {
  format: 'png',
  isInterlaced: false,
  isAnimated: false,
  sampleLayout: '',
  palette: undefined,
  chunksBefore: [],
  chunksAfter: [],
  traits: [],
} as const satisfies PngContainer;

export interface PngChunk {
  readonly type: string;
  /** Length, type, data, CRC. */
  readonly bytes: Buffer;
}

const SIGNATURE_LENGTH = 8;
/** Chunks that stay true when pixels change, although their names say "unsafe to copy". */
const stillTrue = new Set('cHRM gAMA iCCP sRGB cICP mDCV cLLI sBIT bKGD sPLT tIME pCAL sCAL sTER'.split(' '));
/** True only for samples of the same depth and channels, or indices into the same palette. */
const boundToLayout = new Set(['sBIT', 'bKGD']);
const PALETTE_COLOURS = 3;

/** Reads the chunks of a PNG; in a damaged file, those before the damage. They are copies. @throws TooManyParts */
export function readPngContainer(bytes: Buffer): PngContainer {
  const chunks = chunksOf(bytes);
  const firstData = chunks.findIndex(({ type }) => type === 'IDAT');
  const dataAt = firstData < 0 ? chunks.length : firstData;
  const isInterlaced = bytes[28] === 1;
  const copies = (part: readonly PngChunk[]) =>
    part.filter(isKept).map((chunk) => ({ ...chunk, bytes: Buffer.from(chunk.bytes) }));
  return {
    format: 'png',
    isInterlaced,
    isAnimated: chunks.some(({ type }) => type === 'acTL'),
    sampleLayout: layoutOf(bytes),
    palette: readPalette(bytes, chunks),
    chunksBefore: copies(chunks.slice(0, dataAt)),
    chunksAfter: copies(chunks.slice(dataAt)),
    traits: [
      ['interlacing', isInterlaced ? 'Adam7' : 'none'],
      ...chunks
        .filter(({ type }) => !isCritical(type) && type !== 'tRNS')
        .map((chunk): Trait => [chunkName(chunk), checksum(chunk.bytes)]),
    ],
  };
}

/** Replaces an encoded PNG's ancillary chunks by the container's. With a palette, its grey samples become indices. */
export function withPngContainer(encoded: Buffer, container: PngContainer, palette?: PngPalette): Buffer {
  const [header, ...critical] = chunksOf(encoded).filter(({ type }) => isCritical(type));
  const isSameLayout = palette ? palette === container.palette : layoutOf(encoded) === container.sampleLayout;
  const fitting = (chunks: readonly PngChunk[]) =>
    chunks.filter(({ type }) => isSameLayout || !boundToLayout.has(type));
  const before = fitting(container.chunksBefore);
  const ordered = [
    ...(header ? [palette ? indexHeader(header) : header] : []),
    ...before.filter(({ type }) => type !== 'bKGD'),
    ...(palette ? paletteChunks(palette) : []),
    // It refers to the palette, so it follows it.
    ...before.filter(({ type }) => type === 'bKGD'),
    ...critical.filter(({ type }) => type !== 'IEND'),
    ...fitting(container.chunksAfter),
    ...critical.filter(({ type }) => type === 'IEND'),
  ];
  return Buffer.concat([encoded.subarray(0, SIGNATURE_LENGTH), ...ordered.map(({ bytes }) => bytes)]);
}

function indexHeader({ type, bytes }: PngChunk): PngChunk {
  const data = Buffer.from(bytes.subarray(8, -4));
  data[9] = PALETTE_COLOURS;
  return pngChunk(type, data);
}

function paletteChunks({ colours, alphas }: PngPalette): PngChunk[] {
  return [pngChunk('PLTE', colours), ...(alphas.length > 0 ? [pngChunk('tRNS', alphas)] : [])];
}

export function pngChunk(type: string, data: Buffer): PngChunk {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), data.length + 8);
  return { type, bytes };
}

function readPalette(file: Buffer, chunks: readonly PngChunk[]): PngPalette | undefined {
  if (file[25] !== PALETTE_COLOURS) return undefined;
  const dataOf = (type: string) =>
    Buffer.from(chunks.find((chunk) => chunk.type === type)?.bytes.subarray(8, -4) ?? []);
  return { colours: dataOf('PLTE'), alphas: dataOf('tRNS') };
}

const chunkNames: Readonly<Record<string, string>> = {
  iCCP: 'ICC profile',
  eXIf: 'EXIF',
  pHYs: 'density',
  gAMA: 'gamma',
  cICP: 'code points of the colour space (cICP)',
  tIME: 'time of change',
};

function chunkName({ type, bytes }: PngChunk): string {
  if (!type.endsWith('Xt')) return chunkNames[type] ?? `chunk ${type}`;
  const keyword = bytes.toString('latin1', 8, 8 + 79).split('\0')[0] ?? '';
  return keyword === 'XML:com.adobe.xmp' ? 'XMP' : `text "${keyword}"`;
}

const DATA = Buffer.from('IDAT').readUInt32BE();

/** Joins consecutive data chunks: a large picture has tens of thousands. @throws TooManyParts */
function chunksOf(bytes: Buffer): PngChunk[] {
  const chunks: PngChunk[] = [];
  for (let at = SIGNATURE_LENGTH; at + 12 <= bytes.length; ) {
    const isData = bytes.readUInt32BE(at + 4) === DATA;
    let end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    while (isData && end + 12 <= bytes.length && bytes.readUInt32BE(end + 4) === DATA) {
      const next = end + 12 + bytes.readUInt32BE(end);
      if (next > bytes.length) break;
      end = next;
    }
    const chunk = { type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, end) };
    addPart(chunks, chunk, 'chunks');
    at = end;
  }
  return chunks;
}

function layoutOf(bytes: Buffer): string {
  return `${bytes[24]}/${bytes[25]}`;
}

function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}

/** Keeps ancillary chunks that are safe to copy by their name (lower-case fourth letter) or known to stay true. */
function isKept({ type }: PngChunk): boolean {
  return !isCritical(type) && (/^...[a-z]/.test(type) || stillTrue.has(type));
}
