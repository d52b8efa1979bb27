// One graphic: its SVG as a function of a seed, and its pixels, as a screen shows them or as a scanner would.
import sharp from 'sharp';
import { grid, lineArt, plot } from './figures.js';
import { code, icons, interfaceOf, page } from './pages.js';
import { at, type Materials, type Sketch, sketch } from './sketch.js';

const DRAWINGS = { page, code, 'line-art': lineArt, plot, icons, interface: interfaceOf, grid };
export type Kind = keyof typeof DRAWINGS;

/** In turn. Text is what most graphics are made of. */
const TURNS = ['page', 'interface', 'plot', 'page', 'line-art', 'icons', 'page', 'code', 'grid'] as const;
const SCANNED = ['page', 'line-art', 'page', 'plot', 'page', 'icons'] as const;
/** Among so many pictures, one is a scan. */
const SCAN_EVERY = 5;

/** The last tenth of a set, which is drawn with other fonts and icons. */
export const isHeldBack = (number: number, count: number) => number >= Math.floor(count * 0.9);

/** What a scanner makes of a sheet, without its noise. */
export interface Scan {
  /** Degrees. */
  readonly angle: number;
  /** Standard deviation of the blur, pixels. */
  readonly blur: number;
  /** Red, green and blue of the paper, from 0 to 1. */
  readonly tint: readonly number[];
  /** At 1, black ink stays black. */
  readonly density: number;
  /** By how much the light falls from left to right and from top to bottom. */
  readonly falls: readonly [number, number];
}

export interface Graphic {
  readonly kind: Kind;
  readonly scan: Scan | undefined;
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  readonly fonts: readonly string[];
  readonly icons: readonly string[];
}

/** The same numbers and materials give the same graphic. */
export function drawGraphic(materials: Materials, seed: number, number: number): Graphic {
  const scans = Math.floor(number / SCAN_EVERY);
  const isScan = number % SCAN_EVERY === SCAN_EVERY - 1;
  const kind = (isScan ? SCANNED[scans % SCANNED.length] : TURNS[(number - scans) % TURNS.length]) ?? 'page';
  const s = sketch(materials, seed, number, isScan);
  const scan = isScan ? scanFrom(s) : undefined;
  const inside = DRAWINGS[kind](s);
  const turned = `<g transform="rotate(${at(scan?.angle ?? 0)} ${s.width / 2} ${s.height / 2})">${inside}</g>`;
  const size = `width="${s.width}" height="${s.height}"`;
  return {
    kind,
    scan,
    svg: `<svg xmlns="http://www.w3.org/2000/svg" ${size}><rect ${size} fill="${s.theme.paper}"/>${turned}</svg>`,
    width: s.width,
    height: s.height,
    fonts: [...s.used.fonts].sort(),
    icons: [...s.used.icons].sort(),
  };
}

function scanFrom({ uniform, logUniform }: Sketch): Scan {
  const [white, warm] = [uniform(0.86, 1), uniform(0, 0.12)];
  return {
    angle: uniform(-2, 2),
    blur: logUniform(0.4, 1.4),
    tint: [white, white - warm / 3, white - warm],
    density: uniform(0.7, 0.97),
    falls: [uniform(-0.12, 0.12), uniform(-0.12, 0.12)],
  };
}

/** @returns a PNG of 8 bits, sRGB without alpha */
export async function renderGraphic({ svg, scan }: Graphic): Promise<Buffer> {
  const flat = sharp(Buffer.from(svg)).removeAlpha().toColourspace('srgb');
  const { data, info } = await (scan ? flat.blur({ sigma: scan.blur }) : flat)
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  if (scan) scanned(data, width, height, scan);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** In place: paper, times light that falls off, times what the ink lets through. */
function scanned(data: Uint8Array, width: number, height: number, { tint, density, falls }: Scan): void {
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const most = (Math.abs(falls[0]) + Math.abs(falls[1])) / 2;
    const light = 1 - most + falls[0] * (x / width - 0.5) + falls[1] * (y / height - 0.5);
    const ink = 1 - (data[i] as number) / 255;
    data[i] = Math.round(255 * light * (tint[i % 3] as number) * (1 - density * ink));
  }
}
