// What becomes of noise that is told and of noise that is found: the posterior mean, PSNR of every picture. Studies:
//   gaussian  CBSD68, not clipped: sigma told, and nothing said
//   clean     CBSD68 as it is, nothing said: how many pictures come back as they were
//   poisson   CBSD68, levels peak/read (counts at white, read noise in counts), not clipped: told, fitted, nothing said
//   grey      CBSD68 made grey (Rec. 601 luma), not clipped: sigma told
//   real      cc15: 15 photographs of several cameras, noise after demosaicing and JPEG, in bytes; no sigma passed.
// With --save rows go to docs/results/noise.json as they are done; rows that are there are not measured again.
// Usage: npm run bench -- noise [studies, or all] [pictures] [levels, separated by commas] [--save]
import { readdir } from 'node:fs/promises';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise, addPoissonGaussianNoise } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import { clamped } from '#src/core/picture.js';
import type { DenoiseCallOptions, Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { sharedPath } from '../../test/shared.js';
import { type BenchPicture, readPicture, readPictures, toFloats } from '../pictures.js';
import { benchArguments, mean, openResults, type Row, rounded } from '../results.js';

const WAYS = ['noisy', 'told', 'fitted', 'unsaid'] as const;
type Way = (typeof WAYS)[number];

/** PSNR in dB by what was said of the noise, and what it was taken for where nothing was. */
export interface Found {
  readonly psnr: Readonly<Partial<Record<Way, number>>>;
  readonly kind?: string;
}

interface Study {
  readonly levels: readonly string[];
  readonly pictures: (count: string) => Promise<readonly Subject[]>;
  readonly measure: (denoiser: Denoiser, subject: Subject, level: string) => Promise<Found>;
}

/** A picture without noise, its number, and what a camera made of it where the noise is real. */
interface Subject {
  readonly index: number;
  readonly clean: BenchPicture;
  readonly taken?: BenchPicture;
}

async function denoised(
  denoiser: Denoiser,
  picture: Picture<Float32Array>,
  clean: Float32Array,
  options: DenoiseCallOptions = {},
): Promise<{ psnr: number; kind: string }> {
  const { data, report } = await denoiser.denoise(picture, options);
  const { model, isCorrelated } = report.noise;
  const kind = report.isUnchanged ? 'clean' : isCorrelated ? 'correlated' : model;
  return { psnr: psnr(clean, clamped(data)), kind };
}

const cbsd68 = async (count: string): Promise<Subject[]> =>
  (await readPictures(count)).map((clean, index) => ({ index, clean }));

/** Rec. 601 luma, [0, 1]. */
const luma = ({ data, width, height }: BenchPicture) =>
  new Float32Array(width * height).map((_, i) => {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
  });

async function cc15(count: string): Promise<Subject[]> {
  const folder = sharedPath('data/cc15/');
  if (!folder) process.exit(0);
  const names = (await readdir(folder)).filter((file) => file.endsWith('_real.png')).sort();
  return Promise.all(
    names.slice(0, Number(count)).map(async (file, index) => ({
      index,
      clean: await readPicture(folder + file.replace('_real', '_mean')),
      taken: await readPicture(folder + file),
    })),
  );
}

export const STUDIES: Readonly<Record<string, Study>> = {
  gaussian: {
    levels: ['5', '15', '25', '50'],
    pictures: cbsd68,
    async measure(denoiser, { index, clean: picture }, level) {
      const clean = toFloats(picture.data);
      const noisy = { ...picture, data: addGaussianNoise(clean, Number(level) / 255, 500 + index) };
      const told = await denoised(denoiser, noisy, clean, { sigma: Number(level) });
      const unsaid = await denoised(denoiser, noisy, clean);
      const before = psnr(clean, clamped(noisy.data));
      return { psnr: { noisy: before, told: told.psnr, unsaid: unsaid.psnr }, kind: unsaid.kind };
    },
  },
  clean: {
    levels: ['0'],
    pictures: cbsd68,
    async measure(denoiser, { clean }) {
      const { report } = await denoiser.denoise(clean, {});
      return { psnr: {}, kind: report.isUnchanged ? 'clean' : report.noise.model };
    },
  },
  poisson: {
    levels: ['4', '10', '30', '120'].flatMap((peak) => ['0', '1', '3'].map((read) => `${peak}/${read}`)),
    pictures: cbsd68,
    async measure(denoiser, { index, clean: picture }, level) {
      const [peak = 1, read = 0] = level.split('/').map(Number);
      const clean = toFloats(picture.data);
      const noise = { gain: 1 / peak, sigma: read / peak, offset: 0 };
      const noisy = { ...picture, data: addPoissonGaussianNoise(clean, noise, 700 + index) };
      const given = { model: 'poisson-gaussian', gain: 255 * noise.gain, sigma: 255 * noise.sigma } as const;
      const told = await denoised(denoiser, noisy, clean, { noise: given });
      const fitted = await denoised(denoiser, noisy, clean, { noise: 'poisson-gaussian' });
      const unsaid = await denoised(denoiser, noisy, clean);
      return {
        psnr: {
          noisy: psnr(clean, clamped(noisy.data)),
          told: told.psnr,
          fitted: fitted.psnr,
          unsaid: unsaid.psnr,
        },
        kind: unsaid.kind,
      };
    },
  },
  grey: {
    levels: ['15', '25', '50'],
    pictures: cbsd68,
    async measure(denoiser, { index, clean: picture }, level) {
      const clean = luma(picture);
      const data = addGaussianNoise(clean, Number(level) / 255, 900 + index);
      const noisy = { ...picture, channels: 1, data } as const;
      const told = await denoised(denoiser, noisy, clean, { sigma: Number(level) });
      return { psnr: { noisy: psnr(clean, clamped(data)), told: told.psnr } };
    },
  },
  real: {
    levels: ['as taken'],
    pictures: cc15,
    async measure(denoiser, { clean: picture, taken = picture }) {
      const clean = toFloats(picture.data);
      const { data, report } = await denoiser.denoise(taken, {});
      const unsaid = psnr(clean, toFloats(data));
      const kind = report.noise.isCorrelated ? 'correlated' : report.noise.model;
      return { psnr: { noisy: psnr(clean, toFloats(taken.data)), unsaid }, kind };
    },
  },
};

/** The posterior mean alone; real noise, whose levels differ from scale to scale, has the preset that takes each scale's. */
export const noiseDenoiser = (study: string) =>
  openDenoiser(study === 'real' ? { preset: 'fast' } : { method: 'posterior-mean' });

function counted(kinds: readonly (string | undefined)[]): string {
  const counts = new Map<string, number>();
  for (const kind of kinds) if (kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/** Of every picture; and what the noise was taken for. */
export async function measureStudy(
  { measure }: Study,
  denoiser: Denoiser,
  subjects: readonly Subject[],
  level: string,
): Promise<Partial<Record<Way, number[]>> & { kinds: string }> {
  const found: Found[] = [];
  for (const subject of subjects) found.push(await measure(denoiser, subject, level));
  const ways = WAYS.filter((way) => found.every(({ psnr }) => psnr[way] !== undefined));
  const figures = ways.map((way) => [way, rounded(found.map(({ psnr }) => psnr[way] ?? Number.NaN))]);
  return { ...Object.fromEntries(figures), kinds: counted(found.map(({ kind }) => kind)) };
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [wanted = 'all', count = '68', levels] = args;
  const keys = ['study', 'level', 'pictures'];
  const results = await openResults('noise', keys, 'npm run bench -- noise --save', isKept);
  for (const name of wanted === 'all' ? Object.keys(STUDIES) : wanted.split(',')) {
    const study = STUDIES[name];
    if (!study) throw new RangeError(`no study ${name}: ${Object.keys(STUDIES).join(', ')}`);
    const denoiser = await noiseDenoiser(name);
    try {
      const subjects = await study.pictures(count);
      for (const level of levels?.split(',') ?? study.levels) {
        const which = { study: name, level, pictures: subjects.length };
        const row: Row = await results.measured(which, () => measureStudy(study, denoiser, subjects, level));
        const means = WAYS.filter((way) => row[way]).map(
          (way) => `${way} ${mean(row[way] as readonly number[]).toFixed(3)}`,
        );
        console.log(
          `${name} ${level}, mean of ${subjects.length}: ${means.join(', ')}; taken for ${row.kinds}`,
        );
      }
    } finally {
      await denoiser.close();
    }
  }
}

// Tests take the measurement from here; the command has run.ts, or this file, as its program.
if (!process.argv[1]?.endsWith('.test.ts')) await main();
