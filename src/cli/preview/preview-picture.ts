// Draws the picture of --preview: rows of cells of one size, each with a label above it. preview.ts fills the cells.
import sharp from 'sharp';
import { formatOfFile } from '../../image/index.js';
import type { Raw } from './display-image.js';

/** 5 x 7 dots, as on character displays: a number per row, its lowest bit the rightmost dot. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  a: [0x00, 0x00, 0x0e, 0x01, 0x0f, 0x11, 0x0f],
  b: [0x10, 0x10, 0x16, 0x19, 0x11, 0x11, 0x1e],
  c: [0x00, 0x00, 0x0e, 0x10, 0x10, 0x11, 0x0e],
  e: [0x00, 0x00, 0x0e, 0x11, 0x1f, 0x10, 0x0e],
  g: [0x00, 0x00, 0x0f, 0x11, 0x0f, 0x01, 0x0e],
  i: [0x04, 0x00, 0x0c, 0x04, 0x04, 0x04, 0x0e],
  l: [0x0c, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e],
  m: [0x00, 0x00, 0x1a, 0x15, 0x15, 0x11, 0x11],
  n: [0x00, 0x00, 0x16, 0x19, 0x11, 0x11, 0x11],
  o: [0x00, 0x00, 0x0e, 0x11, 0x11, 0x11, 0x0e],
  s: [0x00, 0x00, 0x0e, 0x10, 0x0e, 0x01, 0x1e],
  t: [0x08, 0x08, 0x1c, 0x08, 0x08, 0x09, 0x06],
  u: [0x00, 0x00, 0x11, 0x11, 0x11, 0x13, 0x0d],
  y: [0x00, 0x00, 0x11, 0x11, 0x0f, 0x01, 0x0e],
  0: [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
  1: [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
  2: [0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f],
  3: [0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e],
  4: [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
  5: [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
  6: [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
  7: [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
  8: [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
  9: [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
  '.': [0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c],
};

const LABEL_HEIGHT = 7;
const ADVANCE = 6;

/** A text's dots, at most `columns` across; an unknown character is a gap. */
export function labelDots(text: string, columns: number) {
  const dots = [...text].flatMap((character, place) =>
    (GLYPHS[character] ?? []).flatMap((row, y) =>
      [0, 1, 2, 3, 4].flatMap((column) =>
        (row >> (4 - column)) & 1 ? { x: place * ADVANCE + column, y } : [],
      ),
    ),
  );
  return dots.filter(({ x }) => x < columns);
}

export interface Cell {
  /** Lower-case letters, digits and dots. */
  readonly label: string;
  readonly pixels: Raw;
}

/** Identifies our previews, which a later one may replace. */
const SOFTWARE = 'flow-denoise --preview';

const GAP = 4;
const PADDING = 5;
/** Size of a label's dot in pixels, if there is room. */
const DOT = 2;
const BAND = LABEL_HEIGHT * DOT + 2 * PADDING;
const PAPER = 38;
const INK = 230;

/**
 * @param rows         at least one, with equally many cells, two or more, all of one size and number of channels (3 or 4)
 * @param description  of the layout in words, stored in the PNG
 */
export async function previewPicture(
  rows: readonly (readonly Cell[])[],
  description: string,
): Promise<Buffer> {
  const cells = rows.flat();
  const widest = Math.max(...cells.map(({ label }) => DOT * ADVANCE * label.length + PADDING));
  const drawn = cells.map((cell) => drawnCell(cell, widest <= cell.pixels.width ? DOT : 1));
  const background = { r: PAPER, g: PAPER, b: PAPER };
  const across = rows[0]?.length ?? 1;
  return sharp(await Promise.all(drawn), { join: { across, shim: GAP, background } })
    .withExif({ IFD0: { Software: SOFTWARE, ImageDescription: description } })
    .png()
    .toBuffer();
}

/** @param dot  the size of a label's dot in pixels */
function drawnCell({ label, pixels }: Cell, dot: number): Promise<Buffer> {
  const { data, width, height, channels } = pixels;
  const band = Buffer.alloc(BAND * width * channels, PAPER);
  if (channels === 4) for (let i = 3; i < band.length; i += 4) band[i] = 255;
  for (const { x, y } of labelDots(label, Math.floor((width - PADDING) / dot)))
    for (let line = 0; line < dot; line++)
      for (let column = 0; column < dot; column++) {
        const place = (PADDING + y * dot + line) * width + PADDING + x * dot + column;
        band.fill(INK, place * channels, place * channels + 3);
      }
  const raw = { width, height: BAND + height, channels };
  return sharp(Buffer.concat([band, data]), { raw })
    .png()
    .toBuffer();
}

export async function isPreview(path: string): Promise<boolean> {
  if ((await formatOfFile(path)) !== 'png') return false;
  const metadata = await sharp(path)
    .metadata()
    .catch(() => undefined);
  return metadata?.exif?.includes(SOFTWARE) ?? false;
}
