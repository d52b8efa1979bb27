// Tiles against one tile over the whole picture: how the two results differ around tile borders (the 4 pixels around each)
// and elsewhere, RMS in 8-bit units; the loss of PSNR in dB; and the pixels computed, of the picture's. The pictures are the
// astronaut of examples/photos and the first of CBSD68. With --save rows go to docs/results/seams.json as they are done;
// rows that are there are not measured again.
// Usage: npm run bench -- seams [sigmas] [overlaps] [tile sizes] [approaches, as method:ensemble:scales] [pictures of CBSD68] [--save]
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { planTiles } from '#src/tile/plan.js';
import { nearBorder } from '../../test/denoiser/tile-borders.js';
import { type BenchPicture, readPicture, readPictures, toFloats } from '../pictures.js';
import { approachFrom, approachText, benchArguments, openResults, rms, rounded } from '../results.js';

const MULTIPLE = 8;

export interface SeamsCase {
  readonly approach: string;
  readonly sigma: number;
  readonly tile: number;
  readonly overlap: number;
}

interface Reference {
  readonly clean: Float32Array;
  readonly image: Omit<BenchPicture, 'data'> & { readonly data: Float32Array };
  readonly whole: Float32Array;
}

/** The astronaut, and so many pictures of CBSD68. */
export async function seamsPictures(count: string): Promise<BenchPicture[]> {
  const astronaut = await readPicture('examples/photos/astronaut.png');
  return [astronaut, ...(count === '0' ? [] : await readPictures(count))];
}

/** Each picture with noise, denoised in one tile. */
export async function seamsReferences(
  { approach, sigma }: Pick<SeamsCase, 'approach' | 'sigma'>,
  pictures: readonly BenchPicture[],
): Promise<Reference[]> {
  const denoiser = await openDenoiser({ ...approachFrom(approach), tileSize: 4096, overlap: 0 });
  try {
    const references: Reference[] = [];
    for (const [index, picture] of pictures.entries()) {
      const clean = toFloats(picture.data);
      const image = { ...picture, data: addGaussianNoise(clean, sigma / 255, 7 + index) };
      references.push({ clean, image, whole: (await denoiser.denoise(image, { sigma })).data });
    }
    return references;
  } finally {
    await denoiser.close();
  }
}

/** By picture. */
export async function measureSeams(
  { approach, sigma, tile, overlap }: SeamsCase,
  references: readonly Reference[],
) {
  const denoiser = await openDenoiser({ ...approachFrom(approach), tileSize: tile, overlap });
  const [border, elsewhere, loss]: [number[], number[], number[]] = [[], [], []];
  let computed = 0;
  try {
    for (const { clean, image, whole } of references) {
      const { data } = await denoiser.denoise(image, { sigma });
      const { width, height } = image;
      const plan = planTiles({ width, height, tileSize: tile, overlap, multiple: MULTIPLE });
      const columns = nearBorder(plan.xs, plan.tileWidth, width);
      const rows = nearBorder(plan.ys, plan.tileHeight, height);
      const [near, far]: [number[], number[]] = [[], []];
      for (const [i, value] of data.entries()) {
        const pixel = Math.floor(i / 3);
        const isNear = columns[pixel % width] || rows[Math.floor(pixel / width)];
        (isNear ? near : far).push(value - (whole[i] as number));
      }
      border.push(255 * rms(near));
      elsewhere.push(255 * rms(far));
      loss.push(psnr(clean, whole) - psnr(clean, data));
      const share = (plan.tiles.length * plan.tileWidth * plan.tileHeight) / (width * height);
      computed += share / references.length;
    }
  } finally {
    await denoiser.close();
  }
  return {
    border: rounded(border),
    elsewhere: rounded(elsewhere),
    loss: rounded(loss),
    computed: Number(computed.toFixed(3)),
  };
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [
    sigmas = '20,30,50',
    overlaps = '16,24,32',
    tiles = '256',
    approaches = 'posterior-mean,posterior-mean:1:3',
    count = '2',
  ] = args;
  const pictures = await seamsPictures(count);
  const keys = ['approach', 'sigma', 'tile', 'overlap', 'pictures'];
  const results = await openResults('seams', keys, 'npm run bench -- seams --save', isKept);
  for (const approach of approaches.split(',').map((text) => approachText(approachFrom(text))))
    for (const sigma of sigmas.split(',').map(Number)) {
      let references: Reference[] | undefined;
      for (const tile of tiles.split(',').map(Number))
        for (const overlap of overlaps.split(',').map(Number)) {
          const which = { approach, sigma, tile, overlap };
          const key = { ...which, pictures: pictures.length };
          const { border, elsewhere, loss, computed } = await results.measured(key, async () => {
            references ??= await seamsReferences(which, pictures);
            return measureSeams(which, references);
          });
          console.log(
            `${approach} sigma ${sigma} tile ${tile} overlap ${overlap}: RMS at borders ${border.join(', ')}, ` +
              `elsewhere ${elsewhere.join(', ')}, loss ${loss.join(', ')} dB, computed ${computed.toFixed(2)} x`,
          );
        }
    }
}

// Tests take the measurement from here; the command has run.ts, or this file, as its program.
if (!process.argv[1]?.endsWith('.test.ts')) await main();
