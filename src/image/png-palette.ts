// Palettes of PNG (PNG 3rd edition, 11.2.2 and 11.3.1.1): colours to indices and chunks. sharp would quantise; we keep every
// sample.
import { crc32 } from 'node:zlib';
import type { Picture, Samples } from '../core/picture.js';

export interface PngPalette {
  /** PLTE's data: red, green, blue of every entry. */
  readonly colours: Buffer;
  /** tRNS's data: alpha of the first entries; the others are opaque. */
  readonly alphas: Buffer;
}

interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  /** One per pixel. */
  readonly indices: Uint8Array;
  readonly palette: PngPalette;
}

const LARGEST = 256;

/**
 * The picture as indices into a palette; if the palette lacks colours, into a new one.
 *
 * @param picture  8-bit RGB or RGBA
 * @returns        undefined for a picture of more than 256 colours
 */
export function indexed(picture: Picture, palette: PngPalette): IndexedPicture | undefined {
  if (!(picture.data instanceof Uint8Array) || picture.channels < 3) return undefined;
  const { width, height } = picture;
  const given = entriesOf(palette);
  const indices = indicesInto(picture, given, given.size);
  if (indices) return { width, height, indices, palette };
  const own = new Map<number, number>();
  const ownIndices = indicesInto(picture, own, LARGEST);
  return ownIndices && { width, height, indices: ownIndices, palette: paletteOf([...own.keys()]) };
}

/** @param entries  index by colour; may grow to `largest` */
function indicesInto(
  { data, width, height, channels }: Picture,
  entries: Map<number, number>,
  largest: number,
): Uint8Array | undefined {
  const indices = new Uint8Array(width * height);
  for (let i = 0; i < indices.length; i++) {
    const colour = colourAt(data, i * channels, channels === 4);
    let index = entries.get(colour);
    if (index === undefined) {
      if (entries.size >= largest) return undefined;
      index = entries.size;
      entries.set(colour, index);
    }
    indices[i] = index;
  }
  return indices;
}

/** Red, green, blue and alpha in one number. */
function colourAt(data: Samples, at: number, hasAlpha: boolean): number {
  const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
  return ((red * 256 + green) * 256 + blue) * 256 + (hasAlpha ? (data[at + 3] ?? 0) : 255);
}

/** Index by colour; the first of equal entries. */
function entriesOf({ colours, alphas }: PngPalette): Map<number, number> {
  const entries = new Map<number, number>();
  for (let i = 0; 3 * i + 2 < colours.length; i++) {
    const colour = colourAt(colours, 3 * i, false) - 255 + (alphas[i] ?? 255);
    if (!entries.has(colour)) entries.set(colour, i);
  }
  return entries;
}

function paletteOf(colours: readonly number[]): PngPalette {
  const bytes = colours.map((colour) => [
    Math.floor(colour / 2 ** 24),
    (colour >>> 16) & 255,
    (colour >>> 8) & 255,
    colour & 255,
  ]);
  const alphas = bytes.map(([, , , alpha = 255]) => alpha);
  const isOpaque = alphas.every((alpha) => alpha === 255);
  return {
    colours: Buffer.from(bytes.flatMap((entry) => entry.slice(0, 3))),
    alphas: Buffer.from(isOpaque ? [] : alphas),
  };
}

/** The chunks PLTE and, if anything is transparent, tRNS. */
export function paletteChunks({ colours, alphas }: PngPalette): { type: string; bytes: Buffer }[] {
  const chunks = [{ type: 'PLTE', bytes: pngChunk('PLTE', colours) }];
  if (alphas.length > 0) chunks.push({ type: 'tRNS', bytes: pngChunk('tRNS', alphas) });
  return chunks;
}

/** A complete chunk: length, type, data, checksum. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}
