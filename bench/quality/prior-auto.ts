// How often `prior: 'auto'` decides right: faces and photographs with Gaussian noise, rounded to bytes as a file's, with
// sigma told (or `auto`: nothing said); and how often the prior that it takes is the one with the higher PSNR (posterior
// mean). Beside it what the flows' own log densities say of the middle 64 x 64 pixels. With --save rows go to
// docs/results/prior-auto.json as they are done; rows that are there are not measured again.
// Usage: npm run bench -- prior-auto [sigmas] [faces] [photographs] [auto] [--save]
import type { Engine } from '#src/core/engine/engine.js';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { psnr } from '#src/core/metrics/index.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import type { PriorModel } from '#src/core/model/model-json.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { priorsToChooseFrom } from '#src/denoiser/auto-denoiser.js';
import { choosePrior } from '#src/denoiser/choose-prior.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { createSchedule, type Schedule } from '#src/tile/schedule.js';
import { type BenchPicture, middleSquare, readPictures, toBytes, toFloats } from '../pictures.js';
import { benchArguments, median, openResults, rounded } from '../results.js';

const SIDE = 64;

/** Where the pictures lie, and the prior that is right for them. */
export const SETS = [
  { set: 'faces', folder: 'data/faces64/validation', right: 'faces64' },
  { set: 'photographs', folder: 'data/cbsd68', right: 'natural' },
] as const;

interface OpenPrior {
  readonly name: string;
  readonly model: PriorModel;
  readonly engine: Engine;
  readonly denoiser: Denoiser;
  readonly schedule: Schedule;
}

export interface Choice {
  /** The prior that `auto` takes. */
  readonly chosen: string;
  /** By how much the right one is likelier than the other, nats per sample; undefined where nothing was compared. */
  readonly margin: number | undefined;
  /** The prior with the higher PSNR. */
  readonly better: string;
  /** The one whose flow gives the middle of the picture the larger log density. */
  readonly denser: string;
}

export function openPriors(): Promise<OpenPrior[]> {
  return priorsToChooseFrom().then((found) =>
    Promise.all(
      found.map(async ({ name, model }) => {
        const engine = await openEngine(await loadPrior(findPrior(name)), {
          engine: 'auto',
          threads: undefined,
        });
        const denoiser = await openDenoiser({ prior: name, method: 'posterior-mean' });
        return { name, model, engine, denoiser, schedule: createSchedule(engine) };
      }),
    ),
  );
}

export async function closePriors(priors: readonly OpenPrior[]): Promise<void> {
  for (const { engine, denoiser } of priors) {
    await denoiser.close();
    await engine.close();
  }
}

/** Its thread starts where `auto` is told. */
const meter = openNoiseMeter();

/** @param said  the noise that `auto` is told */
export async function measureChoice(
  priors: readonly OpenPrior[],
  picture: BenchPicture & { readonly index: number },
  sigma: number,
  right: string,
  said: number | 'auto' = sigma,
): Promise<Choice> {
  const data = toBytes(addGaussianNoise(toFloats(picture.data), sigma / 255, 100 + picture.index));
  const candidates = priors.map(({ name, model, schedule }) => ({ name, model, open: async () => schedule }));
  const options = { noise: 'auto', strength: 1, sigma: said } as const;
  const { prior, figures } = await choosePrior({ ...picture, data }, options, candidates, {
    method: 'beta-map',
    meter,
  });
  const of = (isRight: boolean) => figures.find((each) => (each.prior === right) === isRight)?.natsPerSample;
  const [ours, others] = [of(true), of(false)];
  return {
    chosen: prior,
    margin: ours === undefined || others === undefined ? undefined : ours - others,
    better: await largest(priors, async ({ denoiser }) => {
      const result = await denoiser.denoise({ ...picture, data }, { sigma });
      return psnr(toFloats(picture.data), toFloats(result.data));
    }),
    denser: await largest(priors, ({ engine }) => ownDensity(engine, { ...picture, data }, sigma / 255)),
  };
}

async function largest(
  priors: readonly OpenPrior[],
  value: (prior: OpenPrior) => Promise<number>,
): Promise<string> {
  let best = { name: '', value: Number.NEGATIVE_INFINITY };
  for (const prior of priors) {
    const each = { name: prior.name, value: await value(prior) };
    if (each.value > best.value) best = each;
  }
  return best.name;
}

/** The log density of the middle of the picture under the flow at that noise level. */
async function ownDensity(engine: Engine, picture: BenchPicture, sigma: number): Promise<number> {
  const y = middleSquare(picture, SIDE);
  const shape = { channels: 3, height: SIDE, width: SIDE };
  return (await engine.evaluate({ shape, y, sigma })).logDensity;
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [sigmas = '4.28,8.5,17,34', faces = '32', photographs = '12', said = 'sigma'] = args;
  const results = await openResults(
    'prior-auto',
    ['set', 'sigma', 'pictures', 'said'],
    'npm run bench -- prior-auto --save',
    isKept,
  );
  const priors = await openPriors();
  try {
    for (const { set, folder, right } of SETS) {
      const pictures = await readPictures(set === 'faces' ? faces : photographs, folder);
      for (const sigma of sigmas.split(',').map(Number)) {
        const key = { set, sigma, pictures: pictures.length, said };
        const row = await results.measured(key, async () => {
          const told = said === 'auto' ? said : sigma;
          const choices: Choice[] = [];
          for (const [index, picture] of pictures.entries())
            choices.push(await measureChoice(priors, { ...picture, index }, sigma, right, told));
          return {
            right: choices.filter(({ chosen }) => chosen === right).length,
            better: choices.filter(({ chosen, better }) => chosen === better).length,
            denser: choices.filter(({ denser }) => denser === right).length,
            margins: rounded(choices.flatMap(({ margin }) => (margin === undefined ? [] : [margin]))),
          };
        });
        const { margins } = row;
        console.log(
          `${set}, sigma ${sigma}: takes ${right} for ${row.right} of ${row.pictures}, the better by PSNR for ${row.better}; ` +
            `nats per sample for ${right}: least ${Math.min(...margins).toFixed(4)}, median ${median(margins).toFixed(4)}; ` +
            `by the flows' own densities ${row.denser}`,
        );
      }
    }
  } finally {
    await closePriors(priors);
  }
}

// Tests take the measurement from here; the command has run.ts, or this file, as its program.
if (!process.argv[1]?.endsWith('.test.ts')) await main();
