// Palettes of PNG (PNG 3rd edition, 11.2.2 and 11.3.1.1): colours to indices. sharp would quantise; we keep every sample.
import type { Picture, Samples } from '../core/picture.js';

export interface PngPalette {
  /** PLTE's data: red, green, blue of every entry. */
  readonly colours: Buffer;
  /** tRNS's data: alpha of the first entries; the others are opaque. */
  readonly alphas: Buffer;
}

const LARGEST = 256;

/** 8-bit RGB or RGBA as indices into a palette; into a new one if it lacks colours. Undefined for more than 256 colours. */
export function indexed(picture: Picture, palette: PngPalette) {
  if (!(picture.data instanceof Uint8Array) || picture.channels < 3) return undefined;
  const given = entriesOf(palette);
  const indices = indicesInto(picture, given, given.size);
  if (indices) return { indices, palette };
  const own = new Map<number, number>();
  const ownIndices = indicesInto(picture, own, LARGEST);
  return ownIndices && { indices: ownIndices, palette: paletteOf([...own.keys()]) };
}

/** @param entries  index by colour; may grow to `largest` */
function indicesInto(
  { data, width, height, channels }: Picture,
  entries: Map<number, number>,
  largest: number,
): Picture<Uint8Array> | undefined {
  const indices = new Uint8Array(width * height);
  for (let i = 0; i < indices.length; i++) {
    const colour = colourAt(data, i * channels, channels === 4 ? data[i * channels + 3] : 255);
    let index = entries.get(colour);
    if (index === undefined) {
      if (entries.size >= largest) return undefined;
      index = entries.size;
      entries.set(colour, index);
    }
    indices[i] = index;
  }
  return { data: indices, width, height, channels: 1 };
}

/** Red, green, blue and alpha in one number. */
function colourAt(data: Samples, at: number, alpha = 0): number {
  const [red = 0, green = 0, blue = 0] = [data[at], data[at + 1], data[at + 2]];
  return ((red * 256 + green) * 256 + blue) * 256 + alpha;
}

/** Index by colour; the first of equal entries. */
function entriesOf({ colours, alphas }: PngPalette): Map<number, number> {
  const entries = new Map<number, number>();
  for (let i = 0; 3 * i + 2 < colours.length; i++) {
    const colour = colourAt(colours, 3 * i, alphas[i] ?? 255);
    if (!entries.has(colour)) entries.set(colour, i);
  }
  return entries;
}

function paletteOf(colours: readonly number[]): PngPalette {
  const bytes = Buffer.alloc(4 * colours.length);
  for (const [i, colour] of colours.entries()) bytes.writeUInt32BE(colour, 4 * i);
  const alphas = bytes.filter((_, i) => i % 4 === 3);
  return {
    colours: Buffer.from(bytes.filter((_, i) => i % 4 < 3)),
    alphas: Buffer.from(alphas.every((alpha) => alpha === 255) ? [] : alphas),
  };
}
