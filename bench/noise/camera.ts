// What a simulated camera's noise is taken for and what is gained: CBSD68 as scenes, ISO 400 to 51200, files without and
// with JPEG. Against the camera's picture without noise: PSNR as taken, with the best white sigma (chosen against
// the clean picture, on a grid of factor 1.4 from the noise's RMS on until nothing is gained), and with no sigma; preset fast.
// Of the noise that is found, against the same file without noise: the RMS over brightnesses of ln(level found / true), and
// that of ln(band power found / true) of the spectra, where a band has above a tenth of the strongest one's power.
// With --save rows go to docs/results/camera.json as they are done; rows that are there are not measured again.
// Usage: npm run bench -- camera [pictures] [ISO speeds, separated by commas] [--save]
import { psnr } from '#src/core/metrics/index.js';
import { profileFromPair } from '#src/core/noise/estimate/profile-from-pair.js';
import { type NoiseProfile, varianceAt } from '#src/core/noise/model/noise-profile.js';
import { clamped } from '#src/core/picture.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openNoiseAnalyser } from '#src/denoiser/noise/analyse-noise.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import type { CameraNoise, JpegSettings } from '#src/evaluate/noise-level.js';
import { cameraShot, fileOf } from '#src/evaluate/pictures.js';
import { type BenchPicture, readPictures, toFloats } from '../pictures.js';
import { benchArguments, mean, openResults, type Row, rms, rounded } from '../results.js';

const ISO = '400,3200,12800,51200';
const CODINGS: readonly (JpegSettings | undefined)[] = [
  undefined,
  { quality: 90, chromaSubsampling: '4:4:4' },
  { quality: 75, chromaSubsampling: '4:2:0' },
];
const codingWords = (jpeg: JpegSettings | undefined) =>
  jpeg ? `JPEG ${jpeg.quality} ${jpeg.chromaSubsampling}` : 'none';

/** Steps between sigmas that are tried. */
const STEP = 1.4;
/** What the prior knows, 8-bit units. */
const [LEAST, MOST] = [2.5, 100];
/** Bands weaker than this share of the strongest say little. */
const WEAK = 0.1;

export interface CameraFigures {
  readonly noisy: number;
  readonly white: number;
  readonly unsaid: number;
  /** RMS of ln(found / true); NaN where the picture is taken for clean. */
  readonly level: number;
  readonly spectrum: number;
  readonly kind: string;
}

type Analyser = ReturnType<typeof openNoiseAnalyser>;

/** The standard deviation over all channels at a brightness. */
const levelAt = (profile: NoiseProfile, brightness: number) =>
  Math.sqrt(mean(profile.channels.map((channel) => varianceAt(profile, channel, brightness))));

export function levelError(found: NoiseProfile, truth: NoiseProfile): number {
  return rms(truth.brightness.map((v) => Math.log(levelAt(found, v) / levelAt(truth, v))));
}

/** Of the shapes: each channel's spectrum has a mean of 1. */
export function spectrumError(found: NoiseProfile, truth: NoiseProfile): number {
  const powers = truth.channels.map(({ level, spectrum }) =>
    spectrum.map((share) => share * mean(level.map((value) => value ** 2))),
  );
  const strongest = Math.max(...powers.flat());
  const errors = powers.flatMap((channel, c) =>
    channel.flatMap((power, b) => {
      const [ours, theirs] = [found, truth].map(({ channels }) => channels[c]?.spectrum[b] ?? Number.NaN);
      return power > WEAK * strongest ? [Math.log((ours as number) / (theirs as number))] : [];
    }),
  );
  return rms(errors);
}

export async function measureShot(
  denoiser: Denoiser,
  analyser: Analyser,
  picture: BenchPicture,
  level: CameraNoise,
  seed: number,
): Promise<CameraFigures> {
  const scene = { ...picture, name: 'scene', data: toFloats(picture.data) };
  const { reference, noisy } = await cameraShot(scene, level, seed);
  const restored = async (sigma?: number) => {
    const { data, report } = await denoiser.denoise(noisy, sigma === undefined ? {} : { sigma });
    return {
      psnr: psnr(reference.data, clamped(data)),
      kind: report.isUnchanged ? 'clean' : report.noise.model,
    };
  };
  const before = psnr(reference.data, noisy.data);
  const unsaid = await restored();
  // On one grid for all pictures, so that they share what the engine prepares for a sigma.
  const steps = Math.round(Math.log((255 * 10 ** (-before / 20)) / LEAST) / Math.log(STEP));
  const start = LEAST * STEP ** Math.max(0, steps);
  const first = (await restored(start)).psnr;
  const walk = async (factor: number) => {
    let [best, sigma] = [first, start * factor];
    for (; sigma >= LEAST && sigma <= MOST; sigma *= factor) {
      const next = (await restored(sigma)).psnr;
      if (next <= best) break;
      best = next;
    }
    return best;
  };
  const up = await walk(STEP);
  const best = up > first ? up : await walk(1 / STEP);
  // The file's own errors, as JPEG's, are in both pictures and no noise.
  const truth = profileFromPair(noisy, await fileOf(reference, level.jpeg));
  const { profile, isClean } = await analyser.analyse(noisy);
  const found = isClean ? undefined : profile;
  return {
    noisy: before,
    white: Math.max(before, best),
    unsaid: unsaid.psnr,
    level: found ? levelError(found, truth) : Number.NaN,
    spectrum: found ? spectrumError(found, truth) : Number.NaN,
    kind: unsaid.kind,
  };
}

function rowOf(figures: readonly CameraFigures[]): Row {
  const of = (key: 'noisy' | 'white' | 'unsaid' | 'level' | 'spectrum') =>
    rounded(figures.map((each) => each[key]).filter(Number.isFinite));
  const clean = figures.filter(({ kind }) => kind === 'clean').length;
  return {
    noisy: of('noisy'),
    white: of('white'),
    unsaid: of('unsaid'),
    level: of('level'),
    spectrum: of('spectrum'),
    clean,
  };
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [count = '12', speeds = ISO] = args;
  const keys = ['coding', 'iso', 'pictures'];
  const results = await openResults('camera', keys, 'npm run bench -- camera --save', isKept);
  const pictures = await readPictures(count);
  const denoiser = await openDenoiser({ preset: 'fast' });
  const analyser = openNoiseAnalyser();
  try {
    for (const jpeg of CODINGS)
      for (const iso of speeds.split(',').map(Number)) {
        const which = { coding: codingWords(jpeg), iso, pictures: pictures.length };
        const row: Row = await results.measured(which, async () => {
          const level: CameraNoise = { model: 'camera', iso, ...(jpeg && { jpeg }) };
          const figures: CameraFigures[] = [];
          for (const [i, picture] of pictures.entries())
            figures.push(await measureShot(denoiser, analyser, picture, level, 1300 + i));
          return rowOf(figures);
        });
        const words = (['noisy', 'white', 'unsaid', 'level', 'spectrum'] as const).map((key) => {
          const values = row[key] as readonly number[];
          return `${key} ${values.length > 0 ? mean(values).toFixed(3) : '-'}`;
        });
        console.log(`ISO ${iso}, ${which.coding}: ${words.join(', ')}; ${row.clean} taken for clean`);
      }
  } finally {
    await Promise.all([denoiser.close(), analyser.close()]);
  }
}

// Tests take the measurement from here; the command has run.ts, or this file, as its program.
if (!process.argv[1]?.endsWith('.test.ts')) await main();
