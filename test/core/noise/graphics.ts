// Graphics without noise, drawn from a seed: the same seed gives the same picture. Shapes are SVG that sharp renders;
// letters are own bitmaps, so that the pictures are the same on every machine, or, for benchmarks, the machine's fonts.
import sharp from 'sharp';
import type { NoisyPicture } from '#src/core/noise/index.js';

export type BytePicture = NoisyPicture & { readonly data: Uint8Array };

/** Uniform numbers in [0, 1) (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A Poisson number of this mean. */
export function poisson(mean: number, random: () => number): number {
  let [count, product] = [0, random()];
  for (const end = Math.exp(-mean); product > end; count++) product *= random();
  return count;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  /** `bitmap`: own letters. `fonts`: whatever fonts the machine has. */
  readonly letters: 'bitmap' | 'fonts';
}

type Random = () => number;
const between = (random: Random, low: number, high: number) => low + (high - low) * random();
const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const colour = (random: Random) => `rgb(${[0, 0, 0].map(() => Math.floor(256 * random())).join()})`;

/** 5 x 7 letters, a row of five bits each. */
const GLYPHS = [
  [14, 17, 17, 31, 17, 17, 17],
  [30, 17, 17, 30, 17, 17, 30],
  [14, 17, 16, 16, 16, 17, 14],
  [31, 16, 16, 30, 16, 16, 31],
  [17, 17, 17, 31, 17, 17, 17],
  [14, 4, 4, 4, 4, 4, 14],
  [16, 16, 16, 16, 16, 16, 31],
  [17, 27, 21, 21, 17, 17, 17],
  [17, 25, 21, 19, 17, 17, 17],
  [14, 17, 17, 17, 17, 17, 14],
  [15, 16, 16, 14, 1, 1, 30],
  [31, 4, 4, 4, 4, 4, 4],
  [17, 17, 17, 17, 17, 17, 14],
  [0, 0, 14, 1, 15, 17, 15],
  [0, 0, 14, 17, 31, 16, 14],
  [0, 0, 22, 25, 17, 17, 17],
] as const;

/** A line of text with its baseline at y. */
function textLine(
  random: Random,
  x: number,
  y: number,
  size: number,
  length: number,
  fill: string,
  letters: Drawing['letters'],
): string {
  if (letters === 'fonts') {
    const family = pick(random, ['sans-serif', 'serif', 'monospace']);
    const text = Array.from({ length: Math.floor(length / (0.6 * size)) }, () =>
      random() < 0.16 ? ' ' : String.fromCharCode(97 + Math.floor(26 * random())),
    ).join('');
    return `<text x="${x}" y="${y}" font-family="${family}" font-size="${size}" fill="${fill}">${text}</text>`;
  }
  const unit = size / 9;
  let path = '';
  for (let left = x; left + 6 * unit < x + length; left += 6 * unit) {
    if (random() < 0.16) continue;
    const glyph = pick(random, GLYPHS);
    glyph.forEach((bits, row) => {
      for (let column = 0; column < 5; column++)
        if (bits & (16 >> column))
          path += `M${(left + column * unit).toFixed(2)} ${(y - (7 - row) * unit).toFixed(2)}h${unit.toFixed(2)}v${unit.toFixed(2)}h-${unit.toFixed(2)}z`;
    });
  }
  return `<path d="${path}" fill="${fill}"/>`;
}

function paragraphs(
  random: Random,
  drawing: Drawing,
  left: number,
  top: number,
  right: number,
  bottom: number,
  fill: string,
): string {
  let out = '';
  for (let y = top; y < bottom; ) {
    const size = random() < 0.1 ? between(random, 18, 32) : between(random, 9, 16);
    const crisp = drawing.letters === 'bitmap' && random() < 0.3;
    const rounded = crisp ? 9 * Math.round(size / 9) : size;
    y = crisp ? Math.round(y + 1.4 * rounded) : y + 1.4 * rounded;
    if (random() < 0.12) continue;
    out += textLine(
      random,
      left,
      y,
      rounded,
      (right - left) * (random() < 0.2 ? random() : 1),
      fill,
      drawing.letters,
    );
  }
  return out;
}

const svg = ({ width, height }: Drawing, body: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
const whole = (fill: string) => `<rect width="100%" height="100%" fill="${fill}"/>`;

const THEMES = [
  ['#fff', '#000'],
  ['#fff', '#222'],
  ['#1e1e1e', '#d4d4d4'],
  ['#fdf6e3', '#586e75'],
  ['#f0f0f0', '#333'],
  ['#002b36', '#93a1a1'],
] as const;

/** Pages of text, light and dark. */
function page(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const [paper, ink] = pick(random, THEMES);
  const margin = between(random, 8, 40);
  return svg(
    drawing,
    whole(paper) +
      paragraphs(random, drawing, margin, margin, drawing.width - margin, drawing.height - margin, ink),
  );
}

/** Windows of programs: bars, boxes with round corners, coloured code, sometimes with gradients. */
function desktop(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const { width, height } = drawing;
  const [paper, ink] = pick(random, THEMES);
  const shine = `<linearGradient id="g" x2="0" y2="1"><stop stop-color="${colour(random)}"/><stop offset="1" stop-color="${colour(random)}"/></linearGradient>`;
  let body =
    shine +
    whole(paper) +
    `<rect width="${width}" height="24" fill="${random() < 0.5 ? 'url(#g)' : colour(random)}"/>`;
  for (let i = 0; i < 8; i++) {
    const [w, h] = [between(random, 30, width / 2), between(random, 16, height / 3)];
    const [x, y] = [between(random, 0, width - w), between(random, 26, height - h)];
    const at = random() < 0.5 ? [x, y, w, h].map(Math.round) : [x, y, w, h];
    const fill = random() < 0.2 ? 'url(#g)' : random() < 0.5 ? colour(random) : paper;
    body += `<rect x="${at[0]}" y="${at[1]}" width="${at[2]}" height="${at[3]}" rx="${random() < 0.5 ? 5 : 0}" fill="${fill}" stroke="${colour(random)}"/>`;
    body += paragraphs(
      random,
      drawing,
      x + 6,
      y,
      x + w - 6,
      y + h - 12,
      random() < 0.5 ? ink : colour(random),
    );
  }
  return svg(drawing, body);
}

/** Axes, curves, bars, marks and labels. */
function plot(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const { width, height } = drawing;
  let body = `${whole('#fff')}<path d="M40.5 10V${height - 30.5}H${width - 10}" fill="none" stroke="#000"/>`;
  for (let i = 1; i < 6; i++) body += `<path d="M40 ${(i * height) / 6}H${width - 10}" stroke="#ddd"/>`;
  for (let series = 0; series < 4; series++) {
    const fill = colour(random);
    const kind = random();
    let path = '';
    let y = between(random, 0.3, 0.7) * height;
    for (let x = 44; x < width - 10; x += kind < 0.3 ? 14 : 6) {
      y = Math.min(height - 34, Math.max(10, y + between(random, -14, 14)));
      if (kind < 0.3)
        body += `<rect x="${x}" y="${y}" width="6" height="${height - 31 - y}" fill="${fill}" fill-opacity="0.6"/>`;
      else if (kind < 0.5) body += `<circle cx="${x}" cy="${y}" r="2.5" fill="${fill}"/>`;
      else path += `${path ? 'L' : 'M'}${x} ${y.toFixed(1)}`;
    }
    if (path) body += `<path d="${path}" fill="none" stroke="${fill}" stroke-width="1.5"/>`;
  }
  for (let x = 60; x < width - 40; x += 70)
    body += textLine(random, x, height - 12, 10, 34, '#000', drawing.letters);
  return svg(drawing, body + textLine(random, 60, 24, 14, width / 2, '#000', drawing.letters));
}

/** Thin and thick curves, black on white, or colours. */
function lineArt(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const { width, height } = drawing;
  const isColour = random() < 0.3;
  const at = () => `${between(random, 0, width).toFixed(1)} ${between(random, 0, height).toFixed(1)}`;
  let body = whole('#fff');
  for (let i = 0; i < 14; i++) {
    const stroke = isColour ? colour(random) : '#000';
    body += `<path d="M${at()}C${at()} ${at()} ${at()}" fill="${isColour && random() < 0.3 ? colour(random) : 'none'}" stroke="${stroke}" stroke-width="${between(random, 0.6, 4).toFixed(1)}"/>`;
  }
  return svg(drawing, body);
}

/** Slow changes of colour, rendered without dither. */
function gradient(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const stops = `<stop stop-color="${colour(random)}"/><stop offset="${random()}" stop-color="${colour(random)}"/><stop offset="1" stop-color="${colour(random)}"/>`;
  const shape =
    random() < 0.5
      ? `<linearGradient id="g" x2="${random()}" y2="${random()}">${stops}</linearGradient>`
      : `<radialGradient id="g" cx="${random()}" cy="${random()}" r="1">${stops}</radialGradient>`;
  return svg(
    drawing,
    shape +
      whole('url(#g)') +
      (random() < 0.5 ? textLine(random, 20, 60, 24, drawing.width - 40, '#fff', drawing.letters) : ''),
  );
}

/** Cells of `unit` pixels: a code of two colours. */
function code(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const unit = pick(random, [1, 2, 3, 4, 6]);
  let path = '';
  for (let y = 2 * unit; y < drawing.height - 3 * unit; y += unit)
    for (let x = 2 * unit; x < drawing.width - 3 * unit; x += unit)
      if (random() < 0.5) path += `M${x} ${y}h${unit}v${unit}h-${unit}z`;
  return svg(drawing, `${whole('#fff')}<path d="${path}" shape-rendering="crispEdges"/>`);
}

/** A sprite: areas of few colours on a coarse grid, mirrored, on nothing or on one colour. */
function pixelArt(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const unit = pick(random, [1, 1, 2, 4]);
  const palette = Array.from({ length: Math.floor(between(random, 3, 14)) }, () => colour(random));
  const [across, down] = [Math.ceil(drawing.width / unit), Math.ceil(drawing.height / unit)];
  let body = random() < 0.5 ? whole(pick(random, palette)) : '';
  const put = (x: number, y: number, w: number, h: number, fill: string) => {
    for (const left of [x, across - x - w])
      body += `<rect x="${left * unit}" y="${y * unit}" width="${w * unit}" height="${h * unit}" fill="${fill}" shape-rendering="crispEdges"/>`;
  };
  for (let i = 0; i < (across * down) / 24; i++) {
    const [w, h] = [1 + Math.floor(random() ** 2 * 6), 1 + Math.floor(random() ** 2 * 6)];
    put(Math.floor(random() * (across / 2)), Math.floor(random() * down), w, h, pick(random, palette));
  }
  return svg(drawing, body);
}

/** A small picture of a few shapes on nothing, with soft edges and at times a gradient. */
function icon(drawing: Drawing): string {
  const random = uniform(drawing.seed);
  const { width: w, height: h } = drawing;
  let body = `<linearGradient id="g" x2="0" y2="1"><stop stop-color="${colour(random)}"/><stop offset="1" stop-color="${colour(random)}"/></linearGradient>`;
  for (let i = 0; i < 4; i++) {
    const fill = random() < 0.25 ? 'url(#g)' : colour(random);
    const [x, y, r] = [
      between(random, 0.25, 0.75) * w,
      between(random, 0.25, 0.75) * h,
      between(random, 0.1, 0.4) * w,
    ];
    body +=
      random() < 0.5
        ? `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}"/>`
        : `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${1.4 * r}" rx="${r / 4}" fill="${fill}"/>`;
  }
  return svg(drawing, body);
}

export const GRAPHICS = { page, desktop, plot, lineArt, gradient, code, pixelArt, icon } as const;
export type GraphicKind = keyof typeof GRAPHICS;

/** RGBA, 8 bits. */
export async function drawGraphic(kind: GraphicKind, drawing: Drawing): Promise<BytePicture> {
  const { data, info } = await sharp(Buffer.from(GRAPHICS[kind](drawing)))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels: 4 };
}

/** Text as a screen with stripes of red, green and blue shows it: rendered three times as wide, a third a channel. */
export async function drawSubpixelPage(drawing: Drawing): Promise<BytePicture> {
  const { width, height } = drawing;
  const wide = page(drawing).replace(
    `width="${width}"`,
    `width="${3 * width}" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none"`,
  );
  const grey = await sharp(Buffer.from(wide)).flatten().greyscale().raw().toBuffer();
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < 3 * width; x++) {
      const at = (dx: number) => grey[y * 3 * width + Math.min(3 * width - 1, Math.max(0, x + dx))] as number;
      data[y * 3 * width + x] = Math.round((at(-1) + at(0) + at(1)) / 3);
    }
  return { data, width, height, channels: 3 };
}
