// A report: headings, text, tables and figures, before they become Markdown or HTML.
import type { EvaluationResults } from '../measure/results.js';

export interface ReportTable {
  readonly caption?: string;
  readonly header: readonly string[];
  /** The first cell of a row is its name; the others are figures. */
  readonly rows: readonly (readonly string[])[];
}

export interface ReportFigure {
  /** The file's name. */
  readonly name: string;
  /** Also read by screen readers. */
  readonly title: string;
  readonly svg: string;
}

export interface ReportSection {
  readonly heading: string;
  readonly text: readonly string[];
  readonly tables: readonly ReportTable[];
  readonly figures: readonly ReportFigure[];
}

export interface Report {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly ReportSection[];
}

const KINDS = {
  gaussian: 'Gaussian',
  'poisson-gaussian': 'Poisson-Gaussian',
  camera: 'a simulated camera’s',
} as const;

export function reportFacts(
  { made, settings, pictures, levels }: EvaluationResults,
  command: string | undefined,
): (readonly [string, string])[] {
  const { folder, seed, clip, crop, tileSize } = settings;
  const sizes = [...new Set(pictures.map(({ width, height }) => `${width} x ${height}`))];
  const size = sizes.length <= 2 ? sizes.join(' and ') : `${sizes.length} sizes`;
  const cut =
    crop === 1 ? '' : typeof crop === 'number' ? `, sides cut to multiples of ${crop}` : `, cut to ${crop}`;
  const kinds = [...new Set(levels.map(({ model }) => KINDS[model]))];
  const isClipped = clip || levels.every(({ model }) => model === 'camera');
  return [
    ['Pictures', `${pictures.length} of ${folder}, ${size} pixels${cut}`],
    [
      'Noise',
      `${kinds.join(' and ')}, ${isClipped ? 'cut off at' : 'not cut off at'} black and white, seeds from ${seed} on; what is restored is cut off there`,
    ],
    ...(typeof tileSize === 'number' ? [['Tiles', `at most ${tileSize} pixels`] as const] : []),
    ['Made with', `${made.with}, ${made.date.slice(0, 10)}, in ${durationWords(made.seconds)}`],
    ['On', `${made.on}; engine ${made.engine}`],
    ...(command === undefined ? [] : [['Command', command] as const]),
  ];
}

function durationWords(seconds: number): string {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
