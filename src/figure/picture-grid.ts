// Pictures in rows and columns with captions, as one <svg> that contains them.
import { escapedMarkup, FONT_SIZE, round, svg, svgText, textWidth } from './markup.js';

export interface GridImage {
  /** A data URI. */
  readonly href: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Below the picture. */
  readonly caption?: string;
}

interface PictureGrid {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    /** One per column; undefined leaves the place empty. */
    readonly images: readonly (GridImage | undefined)[];
  }[];
}

const LINE = 16;
const GAP = 8;
/** Small pictures are enlarged by a whole number up to this side, so that their pixels stay visible. */
const SIDE = 128;
/** Longer row names wrap. */
const NAME_WIDTH = 96;

/** @returns  an `<svg>` with names for screen readers: its title, and each picture's row and column */
export function pictureGrid({ title, columns, rows }: PictureGrid): string {
  const images = rows.flatMap((row) => row.images.filter((image) => image !== undefined));
  const largest = Math.max(1, ...images.flatMap(({ width, height }) => [width, height]));
  const scale = Math.max(1, Math.floor(SIDE / largest));
  const cellWidth = scale * Math.max(1, ...images.map(({ width }) => width)) + GAP;
  const names = rows.flatMap(({ name }) => wrapped(name, NAME_WIDTH));
  const left = Math.max(0, ...names.map(textWidth)) + GAP;
  const heads = columns.map((name) => wrapped(name, cellWidth));
  const lines = (words: readonly string[], x: number, y: number, attributes = '') =>
    words.map((line, i) => svgText(line, x, y + LINE * (1 + i), attributes));
  const parts = [
    svgText(title, 0, FONT_SIZE, 'font-weight="600"'),
    ...heads.flatMap((words, i) => lines(words, left + i * cellWidth, LINE, 'fill-opacity=".75"')),
  ];
  let top = LINE * (1 + Math.max(1, ...heads.map(({ length }) => length))) + GAP;
  for (const { name, images } of rows) {
    const height = scale * Math.max(0, ...images.map((image) => image?.height ?? 0));
    const hasCaption = images.some((image) => image?.caption !== undefined);
    parts.push(...lines(wrapped(name, NAME_WIDTH), 0, top));
    for (const [column, image] of images.entries()) {
      if (image === undefined) continue;
      const x = left + column * cellWidth;
      const label = escapedMarkup(`${name}, ${columns[column] ?? ''}`);
      const size = `width="${scale * image.width}" height="${scale * image.height}"`;
      parts.push(
        `<image x="${round(x)}" y="${top}" ${size} href="${image.href}" image-rendering="pixelated" role="img" aria-label="${label}"><title>${label}</title></image>`,
      );
      if (image.caption !== undefined)
        parts.push(
          svgText(image.caption, x, top + height + FONT_SIZE + 1, 'fill-opacity=".75" font-size="11"'),
        );
    }
    top += height + GAP + (hasCaption ? LINE : 0);
  }
  const width = Math.ceil(left + columns.length * cellWidth);
  return svg(title, `Columns: ${columns.join(', ')}.`, [width, top], parts, 'group');
}

function wrapped(words: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const joined = `${lines.at(-1) ?? ''} ${word}`.trim();
    if (lines.length > 0 && textWidth(joined) <= width - GAP) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}
