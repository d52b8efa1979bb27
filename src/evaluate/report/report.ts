// A report: headings, text, tables and figures, before they become Markdown or HTML. And the report of a grid:
// noise x method x beta over a folder.
import { contendersAt, type EvaluationResults } from '../measure/results.js';
import type { PictureThumbnails } from '../measure/thumbnails.js';
import {
  againstBeta,
  PSNR_AGAINST_BETA,
  pictureGrids,
  psnrAgainstNoise,
  type ReportFigure,
} from './report-figures.js';
import {
  improvedTable,
  measureTables,
  paceTable,
  RESIDUAL_WORDS,
  type ReportTable,
  residualTable,
} from './report-tables.js';

/** One without tables and figures is left out. */
export interface ReportSection {
  readonly heading: string;
  readonly text?: readonly string[];
  readonly tables?: readonly ReportTable[];
  readonly figures?: readonly ReportFigure[];
}

export interface Report {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly ReportSection[];
}

export function gridSections(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
): ReportSection[] {
  const levels = [...results.levels.keys()];
  const contenders = contendersAt(results, levels);
  const grids = { name: 'pictures', title: 'Original, noisy, restored' };
  return [
    { heading: 'Quality', tables: measureTables(results, levels) },
    {
      heading: 'Curves',
      figures: [
        ...againstBeta(results, levels, PSNR_AGAINST_BETA),
        ...psnrAgainstNoise(results, levels, contenders),
      ],
    },
    { heading: 'Pictures improved', tables: [improvedTable(results, levels)] },
    { heading: 'What was taken off', text: [RESIDUAL_WORDS], tables: [residualTable(results, levels)] },
    { heading: 'Time', tables: [paceTable(results, levels)] },
    { heading: 'Pictures', figures: pictureGrids(results, shown, levels, contenders, grids) },
  ];
}

const KINDS = {
  gaussian: 'Gaussian',
  'poisson-gaussian': 'Poisson-Gaussian',
  camera: 'a simulated camera’s',
} as const;

export function reportFacts(
  { made, settings, pictures, levels }: EvaluationResults,
  command: string | undefined,
): Report['facts'] {
  const { folder, seed, clip, crop, tileSize } = settings;
  const sizes = [...new Set(pictures.map(({ width, height }) => `${width} x ${height}`))];
  const size = sizes.length <= 2 ? sizes.join(' and ') : `${sizes.length} sizes`;
  const cut =
    crop === 1 ? '' : typeof crop === 'number' ? `, sides cut to multiples of ${crop}` : `, cut to ${crop}`;
  const kinds = [...new Set(levels.map(({ model }) => KINDS[model]))];
  const isClipped = clip || levels.every(({ model }) => model === 'camera');
  const { seconds } = made;
  const duration = seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  return [
    ['Pictures', `${pictures.length} of ${folder}, ${size} pixels${cut}`],
    [
      'Noise',
      `${kinds.join(' and ')}, ${isClipped ? 'cut off at' : 'not cut off at'} black and white, seeds from ${seed} on; what is restored is cut off there`,
    ],
    ...(typeof tileSize === 'number' ? [['Tiles', `at most ${tileSize} pixels`] as const] : []),
    ['Made with', `${made.with}, ${made.date.slice(0, 10)}, in ${duration}`],
    ['On', `${made.on}; engine ${made.engine}`],
    ...(command === undefined ? [] : [['Command', command] as const]),
  ];
}
