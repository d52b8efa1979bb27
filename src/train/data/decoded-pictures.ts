// Decoded pictures of the training folders, kept in memory up to a number of bytes, and crops cut out of them. A file holds one
// picture, or as a contact sheet many of one size, edge to edge: its tiles.
import sharp from 'sharp';
import type { Region, Size } from '../../core/picture.js';
import { DEFAULT_MAX_PIXELS } from '../../image/index.js';
import { firstLine, type PictureFile, type SkippedFile } from './picture-files.js';

/** Interleaved 8-bit RGB. */
export interface RgbPicture extends Size {
  readonly data: Uint8Array;
}

export const CHANNELS = 3;
/** As many as sharp decodes at a time. Further ones wait here, where closing drops them. */
const LANES = 4;

export function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/**
 * @param bytes      memory for decoded pictures; a few more are held while they are decoded or shrunk
 * @param onSkipped  called for a file with a good header and bad pixels
 */
export function openDecodedPictures(bytes: number, onSkipped: (file: SkippedFile) => void) {
  // By scale and path. A map keeps its order, so the least recently used is the first.
  const entries = new Map<string, { readonly picture: Promise<RgbPicture | undefined>; bytes: number }>();
  const lanes: Promise<unknown>[] = [];
  let held = 0;
  let begun = 0;
  let isClosed = false;

  function decodeInTurn(file: PictureFile): Promise<RgbPicture | undefined> {
    const lane = begun++ % LANES;
    const picture = Promise.resolve(lanes[lane])
      .then(() => (isClosed ? undefined : decode(file)))
      .catch((error: unknown) => {
        onSkipped({ path: file.path, reason: firstLine(error) });
        return undefined;
      });
    lanes[lane] = picture;
    return picture;
  }

  /** The file's picture at a scale up to 1; undefined if it cannot be decoded, which is reported once. */
  async function get(file: PictureFile, scale = 1): Promise<RgbPicture | undefined> {
    const key = `${scale} ${file.path}`;
    const known = entries.get(key);
    if (known !== undefined) {
      entries.delete(key);
      entries.set(key, known);
      return known.picture;
    }
    const picture = scale < 1 ? get(file).then((whole) => whole && shrunk(whole, scale)) : decodeInTurn(file);
    const entry = { picture, bytes: 0 };
    entries.set(key, entry);
    // A picture that cannot be decoded stays, with 0 bytes, so that it is tried and reported once.
    entry.bytes = (await picture)?.data.length ?? 0;
    held += entry.bytes;
    for (const [oldest, { bytes: freed }] of entries) {
      if (held <= bytes) break;
      if (freed > 0 && entries.delete(oldest)) held -= freed;
    }
    return picture;
  }

  return {
    get,
    /** Waits for decoding to end. */
    async close() {
      isClosed = true;
      await Promise.all([...entries.values()].map(({ picture }) => picture));
    },
  };
}

/** By Lanczos' kernel, which takes away what is too fine for the new size. */
async function shrunk({ data, width, height }: RgbPicture, scale: number): Promise<RgbPicture> {
  const size = scaled({ width, height }, scale);
  const small = await sharp(data, { raw: { width, height, channels: CHANNELS } })
    .resize({ ...size, fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer();
  return { data: small, ...size };
}

/** Decodes to upright 8-bit sRGB with three channels. Drops alpha, as denoising does. */
async function decode({ path, width, height }: PictureFile): Promise<RgbPicture> {
  const { data, info } = await sharp(path, { failOn: 'error', limitInputPixels: DEFAULT_MAX_PIXELS })
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.width !== width || info.height !== height || info.channels !== CHANNELS)
    throw new Error(`its size changed to ${info.width} x ${info.height} since training began`);
  return { data, width, height };
}

/** Bits of a symmetry of the square: first mirror across the diagonal, then left-right, then upside down. */
const MIRROR = 1;
const UPSIDE_DOWN = 2;
const DIAGONAL = 4;

/** A square of a picture, [size, size, 3], under a symmetry from 0 (as it is) to 7; 1 is left-right. */
export function cutCrop(
  { data, width }: RgbPicture,
  left: number,
  top: number,
  size: number,
  symmetry: number,
): Uint8Array {
  const crop = new Uint8Array(size * size * CHANNELS);
  const right = (symmetry & DIAGONAL) === 0 ? 1 : width;
  const down = (symmetry & DIAGONAL) === 0 ? width : 1;
  const [alongX, startX] = (symmetry & MIRROR) === 0 ? [right, 0] : [-right, (size - 1) * right];
  const [alongY, startY] = (symmetry & UPSIDE_DOWN) === 0 ? [down, 0] : [-down, (size - 1) * down];
  const first = top * width + left + startX + startY;
  let to = 0;
  for (let y = 0; y < size; y++) {
    let from = (first + y * alongY) * CHANNELS;
    for (let x = 0; x < size; x++) {
      crop[to++] = data[from] as number;
      crop[to++] = data[from + 1] as number;
      crop[to++] = data[from + 2] as number;
      from += alongX * CHANNELS;
    }
  }
  return crop;
}

/** The number of pictures in a file. What is left at a sheet's right and lower edge is ignored. */
export function tilesOf({ width, height }: Size, sheetTile: number | undefined): number {
  return sheetTile === undefined ? 1 : Math.floor(width / sheetTile) * Math.floor(height / sheetTile);
}

/**
 * A file's picture, counted by rows from the upper left; undefined for an empty one. A sheet's tile of one colour is empty: a
 * flow's density has no bound on such a picture.
 */
export function tileAt(
  picture: RgbPicture,
  sheetTile: number | undefined,
  index: number,
): Region | undefined {
  const { width, height } = picture;
  if (sheetTile === undefined) return { left: 0, top: 0, width, height };
  const columns = Math.floor(width / sheetTile);
  const region = {
    left: (index % columns) * sheetTile,
    top: Math.floor(index / columns) * sheetTile,
    width: sheetTile,
    height: sheetTile,
  };
  const tile = cutCrop(picture, region.left, region.top, sheetTile, 0);
  return tile.some((value, i) => value !== tile[i % CHANNELS]) ? region : undefined;
}
