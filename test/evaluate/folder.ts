// A folder of small clean pictures for evaluations, made of the example photographs.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const photos = fileURLToPath(new URL('../../examples/photos/', import.meta.url));

/** `<root>/clean` with a.png (40 x 35), b.png (32 x 32) and below/c.png (48 x 32); removed afterwards. */
export async function withCleanFolder<T>(use: (root: string, folder: string) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'flow-denoise-evaluate-'));
  const folder = join(root, 'clean');
  try {
    await mkdir(join(folder, 'below'), { recursive: true });
    const cut = (name: string, left: number, width: number, height: number, to: string) =>
      sharp(join(photos, name))
        .extract({ left, top: 60, width, height })
        .removeAlpha()
        .png()
        .toFile(join(folder, to));
    await cut('chelsea.png', 150, 40, 35, 'a.png');
    await cut('coffee.png', 200, 32, 32, 'b.png');
    await cut('astronaut.png', 180, 48, 32, 'below/c.png');
    return await use(root, folder);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
