// The pictures of the HTML report: copies in sRGB and upright, as data URLs, small enough for a page; and a detail, pixel
// for pixel, from where there is most to see. Before and after are made alike. No HTML here.
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { decodePicture } from '../image/index.js';
import { whiteLevel } from '../tile/picture.js';

/** The same place before and after, both of one size. */
export interface PreviewPair {
  readonly width: number;
  readonly height: number;
  /** Data URLs; no `after` where the picture stayed as it was. */
  readonly before: string;
  readonly after: string | undefined;
}

/** A part of the upright picture, in its own pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Previews {
  /** Of the upright picture. */
  readonly width: number;
  readonly height: number;
  readonly whole: PreviewPair;
  /** Undefined where the whole picture is there pixel for pixel. */
  readonly detail: { readonly region: Region; readonly pair: PreviewPair } | undefined;
}

/** Longest sides in pixels. */
export interface PreviewSizes {
  readonly whole: number;
  readonly detail: number;
}

const WHOLE_QUALITY = 86;
const DETAIL_QUALITY = 92;

/** The sizes that keep a page of so many pictures openable: full up to 48, then the fewer pixels the more there are. */
export function previewSizes(pictures: number): PreviewSizes {
  const scale = Math.min(1, Math.sqrt(48 / pictures));
  return { whole: Math.max(720, Math.round(1600 * scale)), detail: Math.max(320, Math.round(480 * scale)) };
}

/**
 * Makes the previews of one picture.
 *
 * @param before  the file that came: its path or its bytes
 * @param after   the file that was made of it; undefined where it stayed as it was
 */
export async function makePreviews(
  before: string | Buffer,
  after: Buffer | undefined,
  sizes: PreviewSizes,
): Promise<Previews> {
  const source = await openUpright(before);
  const result = after && (await openUpright(after));
  const { width, height } = source;
  const wholeBefore = await shrunk(source, sizes.whole);
  const wholeAfter = result && (await shrunk(result, sizes.whole));
  const whole = {
    width: wholeBefore.width,
    height: wholeBefore.height,
    before: await dataUrl(ofRaw(wholeBefore), source.hasAlpha, WHOLE_QUALITY),
    after: wholeAfter && (await dataUrl(ofRaw(wholeAfter), result.hasAlpha, WHOLE_QUALITY)),
  };
  if (wholeBefore.width === width && wholeBefore.height === height)
    return { width, height, whole, detail: undefined };

  const region = mostToSee(wholeBefore, wholeAfter ?? wholeBefore, { width, height }, sizes.detail);
  const cut = ({ open, hasAlpha }: Upright): Promise<string> =>
    dataUrl(open().extract(region), hasAlpha, DETAIL_QUALITY);
  const pair = {
    width: region.width,
    height: region.height,
    before: await cut(source),
    after: result && (await cut(result)),
  };
  return { width, height, whole, detail: { region, pair } };
}

interface Upright {
  readonly open: () => Sharp;
  readonly hasAlpha: boolean;
  readonly width: number;
  readonly height: number;
}

interface Raw {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** sharp applies the profile; without one, samples are taken for sRGB, as browsers do. */
async function openUpright(file: string | Buffer): Promise<Upright> {
  const limits = { limitInputPixels: false } as const;
  const metadata = await sharp(file, limits).metadata();
  const source = metadata.depth === 'float' ? await asIntegers(file, metadata.orientation) : file;
  const { width, height } = metadata.autoOrient;
  const open = (): Sharp => sharp(source, limits).autoOrient().toColourspace('srgb');
  return { open, hasAlpha: metadata.hasAlpha, width, height };
}

/** libvips would take the floats of a TIFF for linear light; here, as in the denoiser, 1 is white and the scale is as in 8 bits. */
async function asIntegers(file: string | Buffer, orientation = 1): Promise<Buffer> {
  const { picture } = await decodePicture(typeof file === 'string' ? await readFile(file) : file, '', {
    maxPixels: Number.POSITIVE_INFINITY,
  });
  const { width, height, channels } = picture;
  const scale = 255 / whiteLevel(picture.data);
  const data = Uint8ClampedArray.from(picture.data, (value) => value * scale);
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .withMetadata({ orientation })
    .tiff({ compression: 'none' })
    .toBuffer();
}

async function shrunk({ open }: Upright, side: number): Promise<Raw> {
  const { data, info } = await open()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels as Raw['channels'] };
}

function ofRaw({ data, width, height, channels }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/** JPEG with all its chroma, where the noise is; WebP for what may be transparent. */
async function dataUrl(picture: Sharp, hasAlpha: boolean, quality: number): Promise<string> {
  const encoded = hasAlpha
    ? picture.webp({ quality, smartSubsample: true })
    : picture.jpeg({ quality, chromaSubsampling: '4:4:4' });
  const bytes = await encoded.toBuffer();
  return `data:image/${hasAlpha ? 'webp' : 'jpeg'};base64,${bytes.toString('base64')}`;
}

const BLOCK = 8;

/**
 * Where to look closely: the square with the most structure left and the most noise gone, each against its mean over
 * the picture, so that neither decides alone.
 *
 * @param side  of the square, in pixels of the full picture
 */
export function mostToSee(
  before: Raw,
  after: Raw,
  full: { readonly width: number; readonly height: number },
  side: number,
): Region {
  const width = Math.min(side, full.width);
  const height = Math.min(side, full.height);
  const columns = Math.max(1, Math.floor(after.width / BLOCK));
  const rows = Math.max(1, Math.floor(after.height / BLOCK));
  const scores = blockScores(before, after, columns, rows);
  const scale = full.width / after.width;
  const across = Math.min(columns, Math.max(1, Math.round(width / scale / BLOCK)));
  const down = Math.min(rows, Math.max(1, Math.round(height / scale / BLOCK)));
  const step = Math.max(1, Math.floor(Math.min(across, down) / 8));
  let best = { score: Number.NEGATIVE_INFINITY, column: 0, row: 0 };
  for (let row = 0; row + down <= rows; row += step) {
    for (let column = 0; column + across <= columns; column += step) {
      let score = 0;
      for (let y = row; y < row + down; y++)
        for (let x = column; x < column + across; x++) score += scores[y * columns + x] ?? 0;
      if (score > best.score) best = { score, column, row };
    }
  }
  const place = (block: number, length: number, all: number): number =>
    Math.min(Math.round(block * BLOCK * scale), all - length);
  return {
    left: place(best.column, width, full.width),
    top: place(best.row, height, full.height),
    width,
    height,
  };
}

function blockScores(before: Raw, after: Raw, columns: number, rows: number): Float64Array {
  const structure = new Float64Array(columns * rows);
  const noise = new Float64Array(columns * rows);
  const { width, channels } = after;
  const line = width * channels;
  for (let y = 0; y < Math.min(rows * BLOCK, after.height) - 1; y++) {
    for (let x = 0; x < Math.min(columns * BLOCK, width) - 1; x++) {
      const i = y * line + x * channels;
      const here = after.data[i] ?? 0;
      const block = Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK);
      const slope =
        Math.abs(here - (after.data[i + channels] ?? 0)) + Math.abs(here - (after.data[i + line] ?? 0));
      structure[block] = (structure[block] ?? 0) + slope;
      noise[block] = (noise[block] ?? 0) + Math.abs(here - (before.data[i] ?? 0));
    }
  }
  const mean = (values: Float64Array): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanStructure, meanNoise] = [mean(structure) || 1, mean(noise) || 1];
  return structure.map((value, i) => value / meanStructure + (noise[i] ?? 0) / meanNoise);
}
