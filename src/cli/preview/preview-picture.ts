// Draws the picture of --preview: rows of cells of one size, each under its label. preview.ts fills the cells.
import sharp from 'sharp';
import { formatOfFile } from '../../image/index.js';
import type { Raw } from './display-image.js';
import { LABEL_HEIGHT, labelDots, labelWidth } from './dot-font.js';

export interface Cell {
  /** Lower case letters, digits and dots. */
  readonly label: string;
  readonly pixels: Raw;
}

/** Marks our own previews, which a later one may replace. */
const SOFTWARE = 'flow-denoise --preview';

const GAP = 4;
const PADDING = 5;
/** Of a label's dots, in pixels, where there is room. */
const DOT = 2;
const BAND = LABEL_HEIGHT * DOT + 2 * PADDING;
const PAPER = 38;
const INK = 230;

/**
 * @param rows         at least one, with as many cells in each, all of one size and number of channels (3 or 4)
 * @param description  what is where, in words: a property of the PNG
 */
export async function previewPicture(
  rows: readonly (readonly Cell[])[],
  description: string,
): Promise<Buffer> {
  const first = rows[0]?.[0];
  if (first === undefined) throw new TypeError('a preview has at least one cell');
  const { width: across, height: down, channels } = first.pixels;
  const columns = rows[0]?.length ?? 1;
  const width = columns * across + (columns - 1) * GAP;
  const height = rows.length * (BAND + down) + (rows.length - 1) * GAP;
  const data = Buffer.alloc(width * height * channels, PAPER);
  if (channels === 4) for (let i = 3; i < data.length; i += 4) data[i] = 255;

  const dot = rows.flat().every(({ label }) => DOT * labelWidth(label) <= across - PADDING) ? DOT : 1;

  for (const [row, cells] of rows.entries())
    for (const [column, { label, pixels }] of cells.entries()) {
      const left = column * (across + GAP);
      const top = row * (BAND + down + GAP);
      for (const place of labelDots(label, Math.floor((across - PADDING) / dot)))
        for (let y = 0; y < dot; y++) {
          const line = (top + PADDING + place.y * dot + y) * width;
          const from = (line + left + PADDING + place.x * dot) * channels;
          for (let x = 0; x < dot; x++) data.fill(INK, from + x * channels, from + x * channels + 3);
        }
      for (let y = 0; y < down; y++) {
        const from = y * across * channels;
        const to = ((top + BAND + y) * width + left) * channels;
        pixels.data.copy(data, to, from, from + across * channels);
      }
    }
  return sharp(data, { raw: { width, height, channels } })
    .withExif({ IFD0: { Software: SOFTWARE, ImageDescription: description } })
    .png()
    .toBuffer();
}

/** Whether a file is a preview of ours. */
export async function isPreview(path: string): Promise<boolean> {
  if ((await formatOfFile(path)) !== 'png') return false;
  const metadata = await sharp(path)
    .metadata()
    .catch(() => undefined);
  return metadata?.exif?.includes(SOFTWARE) ?? false;
}
