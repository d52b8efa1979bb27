// How often `prior: 'auto'` decides right: faces and photographs with Gaussian noise, rounded to bytes as a file's, with
// sigma given or nothing said; and how often the prior that it takes is the one with the higher PSNR (posterior mean).
// Beside it what the flows' own log densities say of the middle 64 x 64 pixels.
// Usage: node --import tsx bench/prior-auto.ts [sigmas] [faces] [photographs] [auto]
import { openEngine } from '#src/core/engine/open-engine.js';
import { psnr } from '#src/core/metrics/index.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { priorsToChooseFrom } from '#src/denoiser/auto-denoiser.js';
import { choosePrior } from '#src/denoiser/choose-prior.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { createSchedule } from '#src/tile/schedule.js';
import { type BenchPicture, readPictures, toBytes, toFloats } from './pictures.js';

const SIDE = 64;
const [sigmas = '4.28,8.5,17,34,50', faces = '32', photographs = '12', said] = process.argv.slice(2);

const priors = await Promise.all(
  (await priorsToChooseFrom()).map(async ({ name, model }) => {
    const engine = await openEngine(await loadPrior(findPrior(name)), { engine: 'auto', threads: undefined });
    const denoiser = await openDenoiser({ prior: name, method: 'posterior-mean' });
    return { name, model, engine, denoiser, schedule: createSchedule(engine) };
  }),
);
const candidates = priors.map(({ name, model, schedule }) => ({ name, model, open: async () => schedule }));

for (const [folder, count, right] of [
  ['data/faces64/validation', faces, 'faces64'],
  ['data/cbsd68', photographs, 'natural'],
] as const) {
  const pictures = await readPictures(count, folder);
  for (const sigma of sigmas.split(',').map(Number)) {
    const chosen: Record<string, number> = {};
    const likeliest: Record<string, number> = {};
    const margins: number[] = [];
    let agreed = 0;
    for (const [index, picture] of pictures.entries()) {
      const noisy = toBytes(addGaussianNoise(toFloats(picture.data), sigma / 255, 100 + index));
      const options = { noise: 'auto', strength: 1, sigma: said === 'auto' ? said : sigma } as const;
      const choice = await choosePrior({ ...picture, data: noisy }, options, candidates, 'beta-map');
      const { prior, figures } = choice;
      const best = await bestByPsnr(picture, noisy, sigma);
      if (figures.length === 0 || best === prior) agreed += 1;
      count1(chosen, figures.length === 0 ? choice.why : prior);
      const of = (isRight: boolean) =>
        figures.find((each) => (each.prior === right) === isRight)?.natsPerSample;
      margins.push((of(true) ?? 0) - (of(false) ?? 0));
      count1(likeliest, await byOwnDensity({ ...picture, data: noisy }, sigma / 255));
    }
    margins.sort((a, b) => a - b);
    if (pictures.length === 0) continue;
    const [least, middle] = [margins[0], margins[margins.length >> 1]].map((margin) => margin?.toFixed(4));
    console.log(
      `${folder}, sigma ${sigma}: ${chosen[right] ?? 0} of ${pictures.length} right ${JSON.stringify(chosen)}, ${agreed} the better by PSNR; ` +
        `nats per sample for ${right}: least ${least}, median ${middle}; by the flows' own densities ${JSON.stringify(likeliest)}`,
    );
  }
}
for (const { engine, denoiser } of priors) {
  await denoiser.close();
  await engine.close();
}

function count1(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

async function bestByPsnr(picture: BenchPicture, data: Uint8Array, sigma: number): Promise<string> {
  let best = { name: '', decibels: Number.NEGATIVE_INFINITY };
  for (const { name, denoiser } of priors) {
    const result = await denoiser.denoisePicture({ ...picture, data }, { sigma });
    const decibels = psnr(toFloats(picture.data), toFloats(result.data));
    if (decibels > best.decibels) best = { name, decibels };
  }
  return best.name;
}

/** The prior whose flow gives the middle of the picture the largest log density. */
async function byOwnDensity({ data, width, height }: BenchPicture, sigma: number): Promise<string> {
  const [left, top] = [(width - SIDE) >> 1, (height - SIDE) >> 1];
  const y = Float32Array.from({ length: 3 * SIDE * SIDE }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / SIDE ** 2), Math.floor(i / SIDE) % SIDE, i % SIDE];
    return (data[((top + row) * width + left + column) * 3 + channel] as number) / 255;
  });
  const shape = { batch: 1, channels: 3, height: SIDE, width: SIDE };
  let best = { name: '', density: Number.NEGATIVE_INFINITY };
  for (const { name, engine } of priors) {
    const { logDensity } = await engine.evaluate({ shape, y: y.slice(), sigma: Float32Array.of(sigma) });
    const density = logDensity[0] ?? Number.NaN;
    if (density > best.density) best = { name, density };
  }
  return best.name;
}
