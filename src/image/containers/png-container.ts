// The chunks around a PNG's pixels (PNG 3rd edition, section 5), which are copied byte for byte with their checksums.

import { type PngPalette, paletteChunks, pngChunk } from '../png-palette.js';
import { checksum, type Trait } from '../traits.js';
import { atMost } from './part-limit.js';

/** How a PNG's pixels are laid out, and the ancillary chunks worth keeping. */
export interface PngContainer {
  readonly format: 'png';
  readonly isInterlaced: boolean;
  readonly isAnimated: boolean;
  /** IHDR's bit depth and colour type, e.g. "8/2" for 8-bit RGB. */
  readonly sampleLayout: string;
  readonly palette: PngPalette | undefined;
  /** Complete chunks (length, type, data, CRC) from before the first IDAT. */
  readonly chunksBefore: readonly Chunk[];
  /** Complete chunks from after it. */
  readonly chunksAfter: readonly Chunk[];
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
} as const satisfies PngContainer;

interface Chunk {
  readonly type: string;
  readonly bytes: Buffer;
}

const SIGNATURE_LENGTH = 8;
/** Chunks that stay true when pixels change, although their names say "unsafe to copy". */
const stillTrue = new Set('cHRM gAMA iCCP sRGB cICP mDCV cLLI sBIT bKGD sPLT tIME pCAL sCAL sTER'.split(' '));
/** True only for samples of the same depth and channels, or indices into the same palette. */
const boundToLayout = new Set(['sBIT', 'bKGD']);
const PALETTE_COLOURS = 3;

/** Reads the chunks of a PNG; in a damaged file, those before the damage. They are copies. */
export function readPngContainer(bytes: Buffer): PngContainer {
  const chunks = chunksOf(bytes);
  const firstData = chunks.findIndex(({ type }) => type === 'IDAT');
  const dataAt = firstData < 0 ? chunks.length : firstData;
  const copies = (part: readonly Chunk[]) =>
    part.filter(isKept).map(({ type, bytes }) => ({ type, bytes: Buffer.from(bytes) }));
  return {
    format: 'png',
    isInterlaced: bytes[28] === 1,
    isAnimated: chunks.some(({ type }) => type === 'acTL'),
    sampleLayout: layoutOf(bytes),
    palette: readPalette(bytes, chunks),
    chunksBefore: copies(chunks.slice(0, dataAt)),
    chunksAfter: copies(chunks.slice(dataAt)),
  };
}

/**
 * Replaces an encoded PNG's ancillary chunks by the container's.
 *
 * @param palette  turns an encoded grey PNG, whose samples are then indices, into a palette PNG
 */
export function withPngContainer(encoded: Buffer, container: PngContainer, palette?: PngPalette): Buffer {
  const critical = chunksOf(encoded).filter(({ type }) => isCritical(type));
  const isSameLayout = palette ? palette === container.palette : layoutOf(encoded) === container.sampleLayout;
  const fitting = (chunks: readonly Chunk[]) =>
    chunks.filter(({ type }) => isSameLayout || !boundToLayout.has(type));
  const before = fitting(container.chunksBefore);
  const ordered = [
    ...critical.filter(({ type }) => type === 'IHDR').map((chunk) => (palette ? indexHeader(chunk) : chunk)),
    ...before.filter(({ type }) => type !== 'bKGD'),
    ...(palette ? paletteChunks(palette) : []),
    // It refers to the palette, so it follows it.
    ...before.filter(({ type }) => type === 'bKGD'),
    ...critical.filter(({ type }) => type !== 'IHDR' && type !== 'IEND'),
    ...fitting(container.chunksAfter),
    ...critical.filter(({ type }) => type === 'IEND'),
  ];
  return Buffer.concat([encoded.subarray(0, SIGNATURE_LENGTH), ...ordered.map(({ bytes }) => bytes)]);
}

function indexHeader({ type, bytes }: Chunk): Chunk {
  const data = Buffer.from(bytes.subarray(8, -4));
  data[9] = PALETTE_COLOURS;
  return { type, bytes: pngChunk(type, data) };
}

function readPalette(file: Buffer, chunks: readonly Chunk[]): PngPalette | undefined {
  if (file[25] !== PALETTE_COLOURS) return undefined;
  const dataOf = (type: string) =>
    Buffer.from(chunks.find((chunk) => chunk.type === type)?.bytes.subarray(8, -4) ?? []);
  return { colours: dataOf('PLTE'), alphas: dataOf('tRNS') };
}

const interlacings: Readonly<Record<number, string>> = { 0: 'none', 1: 'Adam7' };
const chunkNames: Readonly<Record<string, string>> = {
  iCCP: 'ICC profile',
  eXIf: 'EXIF',
  pHYs: 'density',
  gAMA: 'gamma',
  cICP: 'code points of the colour space (cICP)',
  tIME: 'time of change',
  acTL: 'animation',
};

/** The file's properties besides its samples. */
export function pngTraits(file: Buffer): Trait[] {
  const chunks = chunksOf(file).filter(({ type }) => !isCritical(type) && type !== 'tRNS');
  return [
    ['interlacing', interlacings[file[28] ?? 0] ?? 'unknown'],
    ...chunks.map(({ type, bytes }): Trait => [chunkName(type, bytes), checksum(bytes)]),
  ];
}

function chunkName(type: string, bytes: Buffer): string {
  if (type.endsWith('Xt')) {
    const keyword = bytes.toString('latin1', 8, 8 + 79).split('\0')[0] ?? '';
    return keyword === 'XML:com.adobe.xmp' ? 'XMP' : `text "${keyword}"`;
  }
  return chunkNames[type] ?? `chunk ${type}`;
}

/** @throws TooManyParts */
function chunksOf(bytes: Buffer): Chunk[] {
  return [...atMost(pngChunks(bytes), 'chunks')];
}

const DATA = Buffer.from('IDAT').readUInt32BE();

/** Joins consecutive data chunks: a large picture has tens of thousands. */
function* pngChunks(bytes: Buffer): Generator<Chunk> {
  for (let at = SIGNATURE_LENGTH; at + 12 <= bytes.length; ) {
    const isData = bytes.readUInt32BE(at + 4) === DATA;
    let end = at + 12 + bytes.readUInt32BE(at);
    if (end > bytes.length) return;
    while (isData && end + 12 <= bytes.length && bytes.readUInt32BE(end + 4) === DATA) {
      const next = end + 12 + bytes.readUInt32BE(end);
      if (next > bytes.length) break;
      end = next;
    }
    yield { type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, end) };
    at = end;
  }
}

function layoutOf(bytes: Buffer): string {
  return `${bytes[24]}/${bytes[25]}`;
}

function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}

/** Keeps ancillary chunks that are safe to copy by their name (lower-case fourth letter) or known to stay true. */
function isKept({ type }: Chunk): boolean {
  return !isCritical(type) && (/^...[a-z]/.test(type) || stillTrue.has(type));
}
