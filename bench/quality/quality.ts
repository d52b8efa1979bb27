// Quality: the pictures of CBSD68 with Gaussian noise that is not clipped, for each shipped prior and approach; PSNR of
// every picture (results clamped to [0, 1], default tiles). Published figures of others: bench/published.json. With --save
// rows go to docs/results/quality.json as they are done; rows that are there are not measured again.
// Usage: npm run bench -- quality [pictures] [sigmas] [priors] [approaches, as method:ensemble:scales] [--save]
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { clamped } from '#src/core/picture.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { type BenchPicture, readPictures, toFloats } from '../pictures.js';
import { approachFrom, benchArguments, mean, openResults, rounded } from '../results.js';

export interface QualityCase {
  readonly prior: string;
  readonly approach: string;
  readonly sigma: number;
}

/** PSNR of each picture, dB; the picture's number seeds its noise. */
export async function measureQuality(
  { prior, approach, sigma }: QualityCase,
  pictures: readonly BenchPicture[],
): Promise<{ noisy: number[]; psnr: number[] }> {
  const denoiser = await openDenoiser({ prior, ...approachFrom(approach) });
  const [before, after]: [number[], number[]] = [[], []];
  try {
    for (const [index, picture] of pictures.entries()) {
      const clean = toFloats(picture.data);
      const noisy = addGaussianNoise(clean, sigma / 255, 1000 + index);
      const { data } = await denoiser.denoise({ ...picture, data: noisy }, { sigma });
      before.push(psnr(clean, clamped(noisy)));
      after.push(psnr(clean, clamped(data)));
    }
  } finally {
    await denoiser.close();
  }
  return { noisy: rounded(before), psnr: rounded(after) };
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [
    count = '68',
    sigmas = '15,25,50',
    priors = 'natural,faces64',
    approaches = 'posterior-mean,posterior-mean:1:3,posterior-mean:4:3,posterior-mean:8:3,beta-map',
  ] = args;
  const pictures = await readPictures(count);
  const keys = ['prior', 'approach', 'sigma', 'pictures'];
  const results = await openResults('quality', keys, 'npm run bench -- quality --save', isKept);
  for (const sigma of sigmas.split(',').map(Number))
    for (const prior of priors.split(','))
      for (const approach of approaches.split(',')) {
        const which = { prior, approach, sigma };
        const row = { ...which, pictures: pictures.length };
        const figures = await results.measured(row, () => measureQuality(which, pictures));
        console.log(
          `${prior} ${approach} sigma ${sigma}: noisy ${mean(figures.noisy).toFixed(2)}, ` +
            `denoised ${mean(figures.psnr).toFixed(3)} dB, mean of ${pictures.length}`,
        );
      }
}

// Tests take the measurement from here; the command has run.ts, or this file, as its program.
if (!process.argv[1]?.endsWith('.test.ts')) await main();
