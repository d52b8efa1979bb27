// Pictures for the tests of training whose pixels say where they are from: red is x, green is y, blue the picture.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

/** An empty folder that goes when the process does what it is told at the end. */
export async function temporaryFolder(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-train-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Interleaved RGB, sides up to 256. */
export function locatedPixels(width: number, height: number, blue: number): Buffer {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.set([x, y, blue], 3 * (y * width + x));
  return data;
}

export function locatedPng(width: number, height: number, blue: number): Promise<Buffer> {
  return sharp(locatedPixels(width, height, blue), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** Writes files below a folder, their own folders made. */
export async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}

/** `count` PNGs named by their blue, of sides that differ. */
export async function locatedFiles(count: number, least: number): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (let blue = 0; blue < count; blue++)
    files[`${String(blue).padStart(3, '0')}.png`] = await locatedPng(
      least + (blue % 5),
      least + ((3 * blue) % 7),
      blue,
    );
  return files;
}
