// The report of the paper's protocol: its tables and figures repeated, its cells beside ours, and what it leaves open.
import { mean } from '../../core/metrics/index.js';
import { DEFAULT_PRESET } from '../../denoiser/preset.js';
import type { Series } from '../../figure/line-chart.js';
import { betaOf, type Contender, priorName } from '../contender.js';
import { cellAt, contendersAt, type EvaluationResults } from '../measure/results.js';
import type { PictureThumbnails } from '../measure/thumbnails.js';
import type { NoiseLevel } from '../noise-level.js';
import type { ReportSection } from '../report/report.js';
import {
  againstBeta,
  type BetaCurve,
  betaCurves,
  PSNR_AGAINST_BETA,
  pictureGrids,
  psnrAgainstNoise,
  type ReportFigure,
} from '../report/report-figures.js';
import {
  fixed,
  improvedTable,
  measureTables,
  paceTable,
  RESIDUAL_WORDS,
  type ReportTable,
  residualTable,
} from '../report/report-tables.js';
import { besideThePaper, bestTable, gainPerBeta, levelWords, type Reading } from './paper-comparison.js';
import {
  EQUAL_LEVELS,
  PAPER_BETAS,
  PAPER_LEVELS,
  PAPER_PSNR,
  paperBestPsnr,
  SENSOR_LEVELS,
  STATED_LEVELS,
} from './paper-protocol.js';

const indicesOf = (levels: readonly NoiseLevel[]) => levels.map((level) => PAPER_LEVELS.indexOf(level));
const [EQUAL, STATED, SENSOR] = [indicesOf(EQUAL_LEVELS), indicesOf(STATED_LEVELS), indicesOf(SENSOR_LEVELS)];

export function paperSections(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
): ReportSection[] {
  const pictured = contendersAt(results, EQUAL, isPictured);
  return [
    {
      heading: 'Our best and the paper’s best',
      text: [
        'At equal noisy PSNR. “Our best” is the best of the product’s presets, methods and betas at that noise; a climb to convergence is ' +
          'not among them.',
      ],
      tables: [bestTable(results, EQUAL)],
    },
    {
      heading: 'At the noise that the paper’s pictures have',
      text: [
        'The paper’s noisy MSE is 0.447 sigma² at every level, so its noise is 0.669 of the sigma that it states. Here the noise has the ' +
          'paper’s noisy PSNR, and the likelihood uses the sigma that the noise really has.',
      ],
      tables: tablesOf(results, EQUAL),
    },
    {
      heading: 'At the noise that the paper states',
      text: [
        'The same tables with noise of the stated sigma. It is 3.5 dB stronger than what the paper’s pictures had, so its cells are no ' +
          'equals of ours here.',
      ],
      tables: tablesOf(results, STATED),
    },
    {
      heading: 'PSNR against beta and against sigma',
      text: ['Dashed: what the paper prints, at the same noisy PSNR.'],
      figures: besidePublishedCurves(results),
    },
    {
      heading: '“In almost all cases”',
      text: ['How many pictures each measure finds better than their noisy ones.'],
      tables: [improvedTable(results, [...EQUAL, ...STATED])],
    },
    convergenceSection(results),
    {
      heading: 'Uneven removal',
      text: [
        RESIDUAL_WORDS,
        'In the maps a block of 8 x 8 pixels is white where as much was taken off as there was noise, blue where less, orange where more; ' +
          'full colour is 50% of the noise.',
      ],
      tables: [residualTable(results, EQUAL)],
      figures: [
        ...againstBeta(results, EQUAL, {
          title: 'Unevenness against beta',
          yLabel: 'spread of the strength over blocks',
          value: ({ residual }) => residual.unevenness,
        }),
        ...groupsOf(
          results,
          pictured.filter((at) => results.contenders[at]?.kind !== 'given'),
        ).flatMap(({ name, members }) => {
          const title = `Where the noise was taken off, ${name} (the paper’s Figure 4)`;
          return pictureGrids(results, shown, EQUAL, members, { name: `uneven-${name}`, title }, 'uneven');
        }),
      ],
    },
    {
      heading: 'Noise that grows with the signal',
      text: [
        'Poisson-Gaussian noise of 120, 30 and 10 photons at white and a read noise of 2, in 8-bit units, told to the denoiser.',
      ],
      tables: [...measureTables(results, SENSOR), improvedTable(results, SENSOR)],
      figures: pictureGrids(results, shown, SENSOR, contendersAt(results, SENSOR, isPictured), {
        name: 'sensor',
        title: 'A sensor’s noise',
      }),
    },
    {
      heading: 'Pictures',
      text: [
        'The noise grows downwards (the paper’s Figure 2), beta to the right (its Figure 3). Below each picture its PSNR. Of what has ' +
          'no beta of the paper’s, the grids show the default preset and other programs.',
      ],
      figures: groupsOf(results, pictured).flatMap(({ name, members }) => {
        const title = `Original, noisy, restored, ${name} (the paper’s Figures 2 and 3)`;
        return pictureGrids(results, shown, EQUAL, members, { name: `faces-${name}`, title });
      }),
    },
    { heading: 'Time', tables: [paceTable(results, EQUAL)] },
  ];
}

function tablesOf(results: EvaluationResults, reading: Reading): ReportTable[] {
  const measures = ['ssim', 'psnr', 'mse'] as const;
  return [
    ...measures.map((measure) => besideThePaper(results, reading, measure)),
    gainPerBeta(results, reading),
  ];
}

function besidePublishedCurves(results: EvaluationResults): ReportFigure[] {
  const published = (level: number): Series => {
    const { noisy, betas = [] } = PAPER_PSNR[EQUAL.indexOf(level)] ?? {};
    const points = PAPER_BETAS.map((beta, i) => [beta, betas[i] ?? Number.NaN] as const);
    return { name: `the paper, ${noisy} dB`, points };
  };
  const bests = {
    name: 'the paper’s best',
    dashed: true,
    points: EQUAL_LEVELS.map(({ sigma }, row) => [sigma, paperBestPsnr(row)] as const),
  };
  const contenders = contendersAt(results, EQUAL, (contender) => typeof betaOf(contender) !== 'number');
  return [
    ...againstBeta(results, EQUAL, { ...PSNR_AGAINST_BETA, published }),
    ...psnrAgainstNoise(results, EQUAL, contenders, [bests]),
  ];
}

/** |C_hat - N| against beta, at convergence. */
function convergenceSection(results: EvaluationResults): ReportSection {
  const climbs = betaCurves(results).filter(({ members }) =>
    members.every(({ contender }) => isClimb(results, contender)),
  );
  return {
    heading: 'The change of the picture against beta, at convergence',
    text: [
      'The larger beta, the closer the maximum lies to the noisy picture N. A change of less than 1 sigma leaves noise, one of ' +
        'more takes structure: the prior generalises too much. A climb begins at the noisy picture; where the clean prior breaks down ' +
        'there, at the posterior mean.',
    ],
    tables: climbs.map((curve) => climbTable(results, curve)),
    figures: againstBeta(results, EQUAL, {
      title: 'Change of the picture against beta',
      yLabel: '|C_hat − N|, in sigma a number',
      name: 'change-against-beta',
      value: ({ residual }) => residual.rms,
      curves: climbs,
    }),
  };
}

function climbTable(results: EvaluationResults, { method, members }: BetaCurve): ReportTable {
  const rows = EQUAL.map((level) => {
    const cells = members.map(({ contender }) => cellAt(results, level, contender)?.pictures ?? []);
    const changes = cells.map((pictures) => pictures.map(({ residual }) => residual.rms));
    const count = Math.min(...changes.map(({ length }) => length));
    const isFalling = (_: unknown, i: number) =>
      changes.every((own, at) => at === 0 || (own[i] as number) < (changes[at - 1]?.[i] as number));
    const falls = changes[0]?.slice(0, count).filter(isFalling).length;
    const all = cells.flat();
    const nearer = all.filter(({ start }) => start === 'posterior-mean').length;
    const broken = all.filter(({ fallbackTiles }) => fallbackTiles !== undefined).length;
    return [
      levelWords(results, level),
      `${falls} of ${count}`,
      fixed(mean(all.flatMap(({ evaluations }) => evaluations ?? [])), 0),
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
}

/** Whether a contender climbs to convergence, by its kind or by its prior's calibration. */
function isClimb({ contenders, cells }: EvaluationResults, at: number): boolean {
  if (contenders[at]?.kind === 'converged') return true;
  const pictures = cells.find(({ contender }) => contender === at)?.pictures ?? [];
  return pictures.some(({ evaluations = 0 }) => evaluations > 30);
}

/** The grids have room for what users get, the paper's betas, and other programs. */
function isPictured(contender: Contender): boolean {
  if (contender.kind === 'preset') return contender.preset === DEFAULT_PRESET;
  return contender.kind === 'given' || typeof betaOf(contender) === 'number';
}

const AT_CONVERGENCE = ' at convergence';

/** The contenders in groups: the product's for each prior, with other programs'; and its climbs to convergence. */
function groupsOf({ contenders }: EvaluationResults, chosen: readonly number[]) {
  const groupOf = (at: number) => {
    const contender = contenders[at] as Contender;
    if (contender.kind === 'given') return undefined;
    return priorName(contender.prior) + (contender.kind === 'converged' ? AT_CONVERGENCE : '');
  };
  const names = new Set(chosen.flatMap((at) => groupOf(at) ?? []));
  return [...names].map((name) => {
    const other = name.endsWith(AT_CONVERGENCE) ? undefined : name;
    return { name, members: chosen.filter((at) => (groupOf(at) ?? other) === name) };
  });
}
