// Decoded pictures of the training folders, kept in memory up to a number of bytes. sharp decodes in its own threads.

import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import type { Size } from '../../core/picture.js';
import { DEFAULT_MAX_PIXELS } from '../../image/index.js';
import { CHANNELS, type RgbPicture } from './cut-crop.js';
import { firstLine, type PictureFile, type SkippedFile } from './picture-files.js';

interface DecodedPictures {
  /** The file's picture at a scale up to 1 (the default); undefined if it cannot be decoded, which is reported once. */
  get(file: PictureFile, scale?: number): Promise<RgbPicture | undefined>;
  /** Waits for decoding to end, and forgets everything. */
  close(): Promise<void>;
}

/** A picture's size at a scale. */
export function scaled({ width, height }: Size, scale: number): Size {
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** The bytes of a file's picture in memory. */
export function decodedBytes({ width, height }: Size): number {
  return width * height * CHANNELS;
}

/**
 * @param bytes      memory for decoded pictures; a few more are held while they are decoded or shrunk
 * @param onSkipped  called for a file with a good header and bad pixels
 */
export function openDecodedPictures(bytes: number, onSkipped: (file: SkippedFile) => void): DecodedPictures {
  interface Entry {
    readonly picture: Promise<RgbPicture | undefined>;
    /** 0 while it is decoded, and if it cannot be. */
    bytes: number;
  }
  // By scale and path. A map keeps its order, so the least recently used is the first.
  const entries = new Map<string, Entry>();
  let held = 0;
  let isClosed = false;
  let free = Math.min(4, availableParallelism());
  const waiting: (() => void)[] = [];

  async function decodeInTurn(file: PictureFile): Promise<RgbPicture | undefined> {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free--;
    try {
      return isClosed ? undefined : await decode(file);
    } catch (error) {
      onSkipped({ path: file.path, reason: firstLine(error) });
      return undefined;
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  }

  function makeRoom(): void {
    for (const [key, entry] of entries) {
      if (held <= bytes) return;
      if (entry.bytes === 0) continue;
      held -= entry.bytes;
      entries.delete(key);
    }
  }

  async function shrink(file: PictureFile, scale: number): Promise<RgbPicture | undefined> {
    const picture = await get(file);
    return picture && shrunk(picture, scale);
  }

  async function read(file: PictureFile, scale: number, key: string): Promise<Entry> {
    const entry: Entry = { picture: scale < 1 ? shrink(file, scale) : decodeInTurn(file), bytes: 0 };
    entries.set(key, entry);
    // A picture that cannot be decoded stays, with 0 bytes, so that it is tried and reported once.
    entry.bytes = (await entry.picture)?.data.length ?? 0;
    held += entry.bytes;
    makeRoom();
    return entry;
  }

  async function get(file: PictureFile, scale = 1): Promise<RgbPicture | undefined> {
    const key = `${scale} ${file.path}`;
    const known = entries.get(key);
    if (known === undefined) return (await read(file, scale, key)).picture;
    entries.delete(key);
    entries.set(key, known);
    return known.picture;
  }

  return {
    get,
    async close() {
      isClosed = true;
      await Promise.all([...entries.values()].map(({ picture }) => picture));
      entries.clear();
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
