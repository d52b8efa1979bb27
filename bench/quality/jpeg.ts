// Denoises noisy JPEGs without a sigma: CBSD68 with Gaussian noise, written as JPEG. PSNR is against the picture before both.
// A cell is a sigma, a quality and a chroma sampling. Its best white sigma is one for all pictures of the cell, chosen
// against the clean pictures on a grid of factor 1.25. Preset fast.
// With --save rows go to docs/results/jpeg.json as they are done; rows that are there are not measured again.
// Usage: npm run bench -- jpeg [pictures] [sigmas] [qualities] [--save]
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { readPictures, toBytes, toFloats } from '../pictures.js';
import { benchArguments, mean, openResults, rounded } from '../results.js';

const SAMPLINGS = ['4:2:0', '4:4:4'] as const;
const STEP = 1.25;
/** What the prior knows, 8-bit units. */
const LEAST = 2.5;

const { args, isKept } = benchArguments();
const [count = '12', sigmas = '5,15,30', qualities = '60,80,95'] = args;
const keys = ['sigma', 'quality', 'sampling', 'pictures'];
const results = await openResults('jpeg', keys, 'npm run bench -- jpeg --save', isKept);
const cleans = await readPictures(count);
const denoiser = await openDenoiser({ preset: 'fast' });

for (const sigma of sigmas.split(',').map(Number))
  for (const quality of qualities.split(',').map(Number))
    for (const sampling of SAMPLINGS) {
      const which = { sigma, quality, sampling, pictures: cleans.length };
      const row = await results.measured(which, () => measureCell(sigma, quality, sampling));
      const [noisy, unsaid, white] = [mean(row.noisy), mean(row.unsaid), mean(row.white)];
      const share = (100 * (unsaid - noisy)) / (white - noisy);
      console.log(
        `sigma ${sigma}, JPEG ${quality} ${sampling}: ${noisy.toFixed(2)} -> ${unsaid.toFixed(2)}, ` +
          `best white sigma ${row.whiteSigma.toFixed(1)} ${white.toFixed(2)} (${share.toFixed(0)}% of its gain), ` +
          `${row.clean} taken for clean`,
      );
    }
await denoiser.close();

async function measureCell(sigma: number, quality: number, chromaSubsampling: string) {
  const shots = await Promise.all(
    cleans.map(async ({ data, width, height, channels }, i) => {
      const clean = toFloats(data);
      const noisy = addGaussianNoise(clean, sigma / 255, 2600 + i);
      const jpeg = await sharp(toBytes(noisy), { raw: { width, height, channels } })
        .jpeg({ quality, chromaSubsampling })
        .toBuffer();
      return {
        clean,
        file: { data: new Uint8Array(await sharp(jpeg).raw().toBuffer()), width, height, channels },
      };
    }),
  );
  const restored = async (options: { readonly sigma?: number }) => {
    let clean = 0;
    const values: number[] = [];
    for (const shot of shots) {
      const { data, report } = await denoiser.denoise(shot.file, options);
      if (report.isUnchanged) clean += 1;
      values.push(psnr(shot.clean, toFloats(data)));
    }
    return { values, clean };
  };
  const unsaid = await restored({});
  let best = { sigma: 0, values: shots.map((shot) => psnr(shot.clean, toFloats(shot.file.data))) };
  const noisy = best.values;
  // Downwards from the noise before JPEG, which JPEG weakens, then upwards if that was too little.
  for (const [start, factor] of [
    [sigma, 1 / STEP],
    [sigma * STEP, STEP],
  ] as const)
    for (let white = start; white >= LEAST; white *= factor) {
      const { values } = await restored({ sigma: white });
      if (mean(values) <= mean(best.values)) break;
      best = { sigma: white, values };
    }
  return {
    noisy: rounded(noisy),
    unsaid: rounded(unsaid.values),
    white: rounded(best.values),
    whiteSigma: best.sigma,
    clean: unsaid.clean,
  };
}
