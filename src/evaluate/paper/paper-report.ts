// The report of the paper's protocol: its tables and figures repeated, its cells beside ours, and what it leaves open.
import { DEFAULT_PRESET } from '../../denoiser/preset.js';
import { betaOf, type Contender, isProduct, priorName } from '../contender.js';
import { type EvaluationResults, statisticOf } from '../measure/results.js';
import type { PictureThumbnails } from '../measure/thumbnails.js';
import {
  type Report,
  type ReportFigure,
  type ReportSection,
  type ReportTable,
  reportFacts,
} from '../report/report.js';
import {
  againstBeta,
  betaFamilies,
  pictureGrids,
  psnrAgainstBeta,
  psnrAgainstNoise,
  unevenGrids,
} from '../report/report-figures.js';
import {
  improvedTable,
  MEASURE_NAMES,
  measureTable,
  paceTable,
  RESIDUAL_WORDS,
  residualTable,
} from '../report/report-tables.js';
import { cellAt, fixed, hasMet, levelIndex } from '../report/result-queries.js';
import { besideThePaper, bestTable, gainPerBeta, levelWords, type Reading } from './paper-comparison.js';
import { EQUAL_LEVELS, SENSOR_LEVELS, STATED_LEVELS } from './paper-protocol.js';
import { PAPER_BETAS, PAPER_TABLES, paperBestPsnr } from './paper-tables.js';

const NOTHING = { text: [], tables: [], figures: [] };

export function paperReport(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  command: string | undefined,
): Report {
  const [equal = [], stated = [], sensor = []] = [EQUAL_LEVELS, STATED_LEVELS, SENSOR_LEVELS].map((levels) =>
    levels.map((level) => levelIndex(results, level)),
  );
  const sections = [
    bestSection(results, equal),
    tablesSection(results, equal, 'At the noise that the paper’s pictures have', READING_AT_EQUAL_PSNR),
    tablesSection(results, stated, 'At the noise that the paper states', READING_AS_STATED),
    curvesSection(results, equal),
    improvedSection(results, [...equal, ...stated]),
    convergenceSection(results, equal),
    unevenSection(results, shown, equal),
    sensorSection(results, shown, sensor),
    picturesSection(results, shown, equal),
    { ...NOTHING, heading: 'Time', tables: [paceTable(results, equal)] },
  ];
  return {
    title: 'The experiments of “Image Denoising with a Normalizing-Flow Prior” again',
    facts: reportFacts(results, command),
    sections: sections.filter(({ tables, figures }) => tables.length + figures.length > 0),
  };
}

const READING_AT_EQUAL_PSNR =
  'The paper’s noisy MSE is 0.447 sigma² at every level, so its noise is 0.669 of the sigma that it states. Here the noise has the ' +
  'paper’s noisy PSNR, and the likelihood uses the sigma that the noise really has.';
const READING_AS_STATED =
  'The same tables with noise of the stated sigma. It is 3.5 dB stronger than what the paper’s pictures had, so its cells are no ' +
  'equals of ours here.';

function bestSection(results: EvaluationResults, equal: Reading): ReportSection {
  return {
    ...NOTHING,
    heading: 'Our best and the paper’s best',
    text: [
      'At equal noisy PSNR. “Our best” is the best of the product’s presets, methods and betas at that noise; a climb to convergence is ' +
        'not among them.',
    ],
    tables: [bestTable(results, equal)],
  };
}

function tablesSection(
  results: EvaluationResults,
  reading: Reading,
  heading: string,
  words: string,
): ReportSection {
  const [ssim, psnr, mse] = (['ssim', 'psnr', 'mse'] as const).map((measure) =>
    besideThePaper(results, reading, measure),
  );
  const tables = [ssim, psnr, mse].filter((table) => table !== undefined);
  return { ...NOTHING, heading, text: [words], tables: [...tables, gainPerBeta(results, reading)] };
}

function curvesSection(results: EvaluationResults, equal: Reading): ReportSection {
  const published = (level: number) => {
    const row = equal.indexOf(level);
    const cells = PAPER_TABLES.psnr.mean[row] ?? [];
    return {
      name: `the paper, ${PAPER_TABLES.psnr.noisy[row]} dB`,
      points: PAPER_BETAS.map((beta, i) => [beta, cells[i] ?? Number.NaN] as const),
    };
  };
  const bests = {
    name: 'the paper’s best',
    dashed: true,
    points: equal.map(
      (level, row) => [results.levels[level]?.sigma ?? Number.NaN, paperBestPsnr(row)] as const,
    ),
  };
  const contenders = indices(results, equal, (contender) => {
    return contender.kind === 'given' || (isProduct(contender) && typeof betaOf(contender) !== 'number');
  });
  return {
    ...NOTHING,
    heading: 'PSNR against beta and against sigma',
    text: ['Dashed: what the paper prints, at the same noisy PSNR.'],
    figures: [
      ...psnrAgainstBeta(results, equal, published),
      ...psnrAgainstNoise(results, equal, contenders, [bests]),
    ],
  };
}

function improvedSection(results: EvaluationResults, levels: readonly number[]): ReportSection {
  return {
    ...NOTHING,
    heading: '“In almost all cases”',
    text: ['How many pictures each measure finds better than their noisy ones.'],
    tables: [improvedTable(results, levels)],
  };
}

/** |C_hat - N| against beta, at convergence. */
function convergenceSection(results: EvaluationResults, equal: Reading): ReportSection {
  const families = betaFamilies(results).filter(({ members }) =>
    members.every(({ contender }) => isClimb(results, contender)),
  );
  const figures = families.flatMap(({ method, members }) =>
    againstBeta(
      results,
      equal,
      members,
      {
        title: `Change of the picture against beta: ${method}`,
        yLabel: '|C_hat − N|, in sigma a number',
        name: `change-against-beta-${method}`,
      },
      (level, contender) => meanResidual(results, level, contender, 'rms'),
    ),
  );
  const tables = families.map(({ method, members }): ReportTable => {
    const rows = equal.map((level) => {
      const cells = members.map(({ contender }) => cellAt(results, level, contender)?.pictures ?? []);
      const count = Math.min(...cells.map((pictures) => pictures.length));
      const falls = Array.from({ length: count }, (_, i) =>
        cells.every((pictures, at) => {
          const before = at === 0 ? Number.POSITIVE_INFINITY : (cells[at - 1]?.[i]?.residual.rms ?? 0);
          return (pictures[i]?.residual.rms ?? 0) < before;
        }),
      ).filter(Boolean).length;
      const all = cells.flat();
      const steps = all.flatMap(({ evaluations }) => evaluations ?? []);
      const nearer = all.filter(({ start }) => start === 'posterior-mean').length;
      const broken = all.filter(({ fallbackTiles }) => fallbackTiles !== undefined).length;
      return [
        levelWords(results, level),
        `${falls} of ${count}`,
        fixed(steps.length > 0 ? statisticOf(steps).mean : undefined, 0),
        `${nearer} of ${all.length}`,
        `${broken} of ${all.length}`,
      ];
    });
    return {
      caption: method,
      header: [
        'noise',
        'pictures whose change falls with every larger beta',
        'evaluations a climb, mean',
        'climbs begun at the posterior mean',
        'climbs broken off',
      ],
      rows,
    };
  });
  return {
    ...NOTHING,
    heading: 'The change of the picture against beta, at convergence',
    text: [
      'The larger beta, the closer the maximum lies to the noisy picture N. A change of less than 1 sigma leaves noise, one of ' +
        'more takes structure: the prior generalises too much. A climb begins at the noisy picture; where the clean prior breaks down ' +
        'there, at the posterior mean.',
    ],
    tables,
    figures,
  };
}

function unevenSection(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  equal: Reading,
): ReportSection {
  const charts = betaFamilies(results).flatMap(({ method, members }) =>
    againstBeta(
      results,
      equal,
      members,
      {
        title: `Unevenness against beta: ${method}`,
        yLabel: 'spread of the strength over blocks',
        name: `unevenness-against-beta-${method}`,
      },
      (level, contender) => meanResidual(results, level, contender, 'unevenness'),
    ),
  );
  const contenders = indices(
    results,
    equal,
    (contender) => contender.kind !== 'given' && isPictured(contender),
  );
  const maps = groupsOf(results, contenders).flatMap(({ name, members }) =>
    unevenGrids(results, shown, equal, members, {
      name: `uneven-${name}`,
      title: `Where the noise was taken off, ${name} (the paper’s Figure 4)`,
    }),
  );
  return {
    ...NOTHING,
    heading: 'Uneven removal',
    text: [
      RESIDUAL_WORDS,
      'In the maps a block of 8 x 8 pixels is white where as much was taken off as there was noise, blue where less, orange where more; ' +
        'full colour is 50% of the noise.',
    ],
    tables: [residualTable(results, equal)],
    figures: [...charts, ...maps],
  };
}

function sensorSection(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  sensor: readonly number[],
): ReportSection {
  if (sensor.some((level) => level < 0)) return { ...NOTHING, heading: 'Noise that grows with the signal' };
  const contenders = indices(results, sensor, isPictured);
  return {
    ...NOTHING,
    heading: 'Noise that grows with the signal',
    text: [
      'Poisson-Gaussian noise of 120, 30 and 10 photons at white and a read noise of 2, in 8-bit units, told to the denoiser.',
    ],
    tables: [
      ...MEASURE_NAMES.map((measure) => measureTable(results, sensor, measure)),
      improvedTable(results, sensor),
    ],
    figures: pictureGrids(results, shown, sensor, contenders, { name: 'sensor', title: 'A sensor’s noise' }),
  };
}

function picturesSection(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  equal: Reading,
): ReportSection {
  const contenders = indices(results, equal, isPictured);
  const figures: ReportFigure[] = groupsOf(results, contenders).flatMap(({ name, members }) =>
    pictureGrids(results, shown, equal, members, {
      name: `faces-${name}`,
      title: `Original, noisy, restored, ${name} (the paper’s Figures 2 and 3)`,
    }),
  );
  return {
    ...NOTHING,
    heading: 'Pictures',
    text: [
      'The noise grows downwards (the paper’s Figure 2), beta to the right (its Figure 3). Below each picture its PSNR. Of what has ' +
        'no beta of the paper’s, the grids show the default preset and other programs.',
    ],
    figures,
  };
}

/** The grids have room for what users get, the paper's betas, and other programs. */
function isPictured(contender: Contender): boolean {
  if (contender.kind === 'preset') return contender.preset === DEFAULT_PRESET;
  return contender.kind === 'given' || typeof betaOf(contender) === 'number';
}

/** The contenders in groups: the product's for each prior, with other programs'; and its climbs to convergence. */
function groupsOf(
  { contenders }: EvaluationResults,
  chosen: readonly number[],
): { readonly name: string; readonly members: readonly number[] }[] {
  const nameOf = (contender: Contender | undefined) => {
    if (contender === undefined || contender.kind === 'given') return undefined;
    const name = priorName(contender.prior);
    return contender.kind === 'converged' ? `${name} at convergence` : name;
  };
  const names = [...new Set(chosen.flatMap((at) => nameOf(contenders[at]) ?? []))];
  return names.map((name) => {
    const isOwn = (at: number) =>
      contenders[at]?.kind === 'given' ? !name.includes(' at ') : nameOf(contenders[at]) === name;
    return { name, members: chosen.filter(isOwn) };
  });
}

function indices(
  results: EvaluationResults,
  levels: readonly number[],
  isWanted: (contender: EvaluationResults['contenders'][number]) => boolean,
): number[] {
  return results.contenders.flatMap((contender, at) =>
    isWanted(contender) && hasMet(results, at, levels) ? [at] : [],
  );
}

/** Whether a contender climbs to convergence, by its kind or by its prior's calibration. */
function isClimb({ contenders, cells }: EvaluationResults, at: number): boolean {
  if (contenders[at]?.kind === 'converged') return true;
  const pictures = cells.find(({ contender }) => contender === at)?.pictures ?? [];
  return pictures.some(({ evaluations = 0 }) => evaluations > 30);
}

function meanResidual(
  results: EvaluationResults,
  level: number,
  contender: number,
  key: 'rms' | 'unevenness',
): number | undefined {
  const pictures = cellAt(results, level, contender)?.pictures;
  return pictures && statisticOf(pictures.map(({ residual }) => residual[key])).mean;
}
