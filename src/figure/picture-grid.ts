// Pictures in rows and columns with captions, as one <svg> that contains them.
import { escapedMarkup } from './html-page.js';

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

const FONT = 12;
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
  const left = Math.max(0, ...names.map((line) => line.length)) * FONT * 0.56 + GAP;
  const head = Math.max(1, ...columns.map((name) => wrapped(name, cellWidth).length)) * LINE;
  const parts = columns.flatMap((name, column) =>
    wrapped(name, cellWidth).map((line, i) =>
      text(line, left + column * cellWidth, LINE * (2 + i), 'fill-opacity=".75"'),
    ),
  );
  let top = LINE + head + GAP;
  for (const { name, images } of rows) {
    const height = scale * Math.max(0, ...images.map((image) => image?.height ?? 0));
    const hasCaption = images.some((image) => image?.caption !== undefined);
    parts.push(...wrapped(name, NAME_WIDTH).map((line, i) => text(line, 0, top + LINE * (1 + i))));
    for (const [column, image] of images.entries()) {
      if (image === undefined) continue;
      const x = left + column * cellWidth;
      const label = escapedMarkup(`${name}, ${columns[column] ?? ''}`);
      const size = `width="${scale * image.width}" height="${scale * image.height}"`;
      parts.push(
        `<image x="${x.toFixed(1)}" y="${top}" ${size} href="${image.href}" image-rendering="pixelated" role="img" aria-label="${label}"><title>${label}</title></image>`,
      );
      if (image.caption !== undefined)
        parts.push(text(image.caption, x, top + height + FONT + 1, 'fill-opacity=".75" font-size="11"'));
    }
    top += height + GAP + (hasCaption ? LINE : 0);
  }
  const width = Math.ceil(left + columns.length * cellWidth);
  const name = escapedMarkup(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}" role="group" aria-label="${name}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="${FONT}" fill="currentColor"><title>${name}</title><desc>Columns: ${escapedMarkup(columns.join(', '))}.</desc>${text(title, 0, FONT, 'font-weight="600"')}${parts.join('')}</svg>`;
}

function text(words: string, x: number, y: number, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escapedMarkup(words)}</text>`;
}

function wrapped(words: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const joined = `${lines.at(-1) ?? ''} ${word}`.trim();
    if (lines.length > 0 && joined.length * FONT * 0.56 <= width - GAP) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines;
}
