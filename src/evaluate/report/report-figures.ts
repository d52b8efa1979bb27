// The figures of a report: curves against beta and against the noise, and grids of pictures.
import { lineChart, type Series } from '../../figure/line-chart.js';
import { type GridImage, pictureGrid } from '../../figure/picture-grid.js';
import { betaOf, type Contender, contenderName, methodName, priorName } from '../contender.js';
import { type EvaluationResults, statisticOf } from '../measure/results.js';
import type { PictureThumbnails, Thumbnail } from '../measure/thumbnails.js';
import { type NoiseLevel, noiseAxis } from '../noise-level.js';
import type { ReportFigure } from './report.js';
import { cellAt, levelName, meanAt, noisyValues } from './result-queries.js';

/** The columns of a grid before the restored ones: original and noisy. */
const OF_THE_PICTURE = 2;
/** More curves in one chart could not be told apart. */
const MOST_CURVES = 10;

/** Contenders that differ only in a numeric beta, grouped by method; single ones are left out. */
export function betaFamilies({ contenders }: EvaluationResults): {
  readonly method: string;
  readonly members: readonly { readonly contender: number; readonly beta: number }[];
}[] {
  const families = new Map<string, { contender: number; beta: number }[]>();
  for (const [contender, each] of contenders.entries()) {
    const beta = betaOf(each);
    if (typeof beta !== 'number') continue;
    const name = methodName(each);
    families.set(name, [...(families.get(name) ?? []), { contender, beta }]);
  }
  return [...families]
    .filter(([, members]) => members.length > 1)
    .map(([method, members]) => ({ method, members: members.toSorted((a, b) => a.beta - b.beta) }));
}

/** A chart for every method with several betas, with a curve for every noise. */
export function psnrAgainstBeta(
  results: EvaluationResults,
  levels: readonly number[],
  published: (level: number) => Series | undefined = () => undefined,
): ReportFigure[] {
  return betaFamilies(results).flatMap(({ method, members }) => {
    const series = levels.flatMap((level): Series[] => {
      const points = pointsOf(members, (contender) => meanAt(results, level, contender, 'psnr'));
      const name = levelName(results, level);
      const other = published(level);
      if (points.length === 0) return [];
      return [{ name, points, group: name }, ...(other ? [{ ...other, group: name, dashed: true }] : [])];
    });
    if (series.length === 0) return [];
    const title = `PSNR against beta: ${method}`;
    const svg = lineChart({ title, xLabel: 'beta', yLabel: 'PSNR (dB)', xScale: 'log', series });
    return [{ name: fileName(`psnr-against-beta-${method}`), title, svg }];
  });
}

/** A curve for every contender over noises of one kind; for cameras, a chart for every way of coding. */
export function psnrAgainstNoise(
  results: EvaluationResults,
  levels: readonly number[],
  contenders: readonly number[],
  published: readonly Series[] = [],
): ReportFigure[] {
  const axisOf = (level: number) => noiseAxis(results.levels[level] as NoiseLevel);
  const quantities = [...new Set(levels.map((level) => axisOf(level).quantity))];
  return quantities.flatMap((quantity) => {
    const own = levels.filter((level) => axisOf(level).quantity === quantity);
    return noiseCurves(results, own, contenders, published, axisOf);
  });
}

function noiseCurves(
  results: EvaluationResults,
  levels: readonly number[],
  contenders: readonly number[],
  published: readonly Series[],
  axisOf: (level: number) => ReturnType<typeof noiseAxis>,
): ReportFigure[] {
  const x = (level: number) => axisOf(level).value;
  const [first] = levels;
  if (first === undefined || new Set(levels.map(x)).size < 2) return [];
  const ordered = levels.toSorted((a, b) => x(a) - x(b));
  const curve = (name: string, value: (level: number) => number | undefined): Series => ({
    name,
    points: ordered.map((level) => [x(level), value(level) ?? Number.NaN]),
  });
  const series = [
    ...contenders
      .slice(0, MOST_CURVES)
      .map((contender) =>
        curve(nameOf(results, contender), (level) => meanAt(results, level, contender, 'psnr')),
      ),
    ...published,
    { ...curve('noisy', (level) => statisticOf(noisyValues(results, level, 'psnr')).mean), dashed: true },
  ];
  const { quantity, label } = axisOf(first);
  const title = `PSNR against ${quantity}`;
  const svg = lineChart({ title, xLabel: label, yLabel: 'PSNR (dB)', xScale: 'log', series });
  return [{ name: fileName(title), title, svg }];
}

/** A quantity against beta for one method, with a curve for every noise. */
export function againstBeta(
  results: EvaluationResults,
  levels: readonly number[],
  members: readonly { readonly contender: number; readonly beta: number }[],
  words: { readonly title: string; readonly yLabel: string; readonly name: string },
  value: (level: number, contender: number) => number | undefined,
): ReportFigure[] {
  const series = levels.map((level) => ({
    name: levelName(results, level),
    points: pointsOf(members, (contender) => value(level, contender)),
  }));
  const { title, yLabel, name } = words;
  const svg = lineChart({ title, xLabel: 'beta', yLabel, xScale: 'log', series });
  return series.every(({ points }) => points.length === 0) ? [] : [{ name: fileName(name), title, svg }];
}

/** For every kept picture: noises down; original, noisy and restored across. */
export function pictureGrids(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  levels: readonly number[],
  contenders: readonly number[],
  words: { readonly name: string; readonly title: string },
): ReportFigure[] {
  return gridsOf(results, shown, levels, contenders, words, (entry, psnr) => [
    image(entry.clean),
    image(entry.noisy, psnr.noisy),
    ...contenders.map((contender) => image(entry.restored.get(contender), psnr.restored(contender))),
  ]);
}

/** Maps of where more or less than the noise was removed, in the same layout. */
export function unevenGrids(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  levels: readonly number[],
  contenders: readonly number[],
  words: { readonly name: string; readonly title: string },
): ReportFigure[] {
  return gridsOf(results, shown, levels, contenders, words, (entry) => [
    image(entry.clean),
    image(entry.noisy),
    ...contenders.map((contender) => image(entry.uneven.get(contender))),
  ]);
}

/** The contenders' names, without the prior if all have the same. */
function columnsOf({ contenders }: EvaluationResults, chosen: readonly number[]): string[] {
  const own = chosen.flatMap((at) => contenders[at] ?? []);
  const priors = new Set(own.flatMap((contender) => ('prior' in contender ? contender.prior : [])));
  const isOne = priors.size === 1;
  const name = (contender: Contender) =>
    isOne && 'prior' in contender
      ? contenderName(contender).replace(`${priorName(contender.prior)}, `, '')
      : contenderName(contender);
  return ['original', 'noisy', ...own.map(name)];
}

interface ShownPsnr {
  readonly noisy: number | undefined;
  restored(contender: number): number | undefined;
}

function gridsOf(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  levels: readonly number[],
  contenders: readonly number[],
  { name, title }: { readonly name: string; readonly title: string },
  images: (entry: PictureThumbnails, psnr: ShownPsnr) => (GridImage | undefined)[],
): ReportFigure[] {
  const columns = columnsOf(results, contenders);
  const pictures = [...new Set(shown.map(({ picture }) => picture))];
  return pictures.flatMap((picture, at) => {
    const index = results.pictures.findIndex((each) => each.name === picture);
    const rows = levels.flatMap((level) => {
      const entry = shown.find((each) => each.picture === picture && each.level === level);
      if (entry === undefined) return [];
      const psnr = {
        noisy: results.noisy[level]?.[index]?.psnr,
        restored: (contender: number) => cellAt(results, level, contender)?.pictures[index]?.psnr,
      };
      const own = images(entry, psnr);
      const isEmpty = own.slice(OF_THE_PICTURE).every((image) => image === undefined);
      return isEmpty ? [] : [{ name: levelName(results, level), images: own }];
    });
    const isUsed = (_: unknown, column: number) => rows.some(({ images }) => images[column] !== undefined);
    if (rows.length === 0) return [];
    const full = `${title}: ${picture}`;
    const svg = pictureGrid({
      title: full,
      columns: columns.filter(isUsed),
      rows: rows.map(({ name, images }) => ({ name, images: images.filter(isUsed) })),
    });
    return [{ name: fileName(`${name}-${at + 1}`), title: full, svg }];
  });
}

function image(shown: Thumbnail | undefined, psnr?: number): GridImage | undefined {
  if (shown === undefined || psnr === undefined) return shown;
  return { ...shown, caption: `${psnr.toFixed(1)} dB` };
}

function pointsOf(
  members: readonly { readonly contender: number; readonly beta: number }[],
  value: (contender: number) => number | undefined,
): (readonly [number, number])[] {
  return members.flatMap(({ contender, beta }) => {
    const found = value(contender);
    return found === undefined ? [] : [[beta, found] as const];
  });
}

function nameOf({ contenders }: EvaluationResults, contender: number): string {
  const found = contenders[contender];
  return found === undefined ? '' : contenderName(found);
}

function fileName(words: string): string {
  return words.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
}
