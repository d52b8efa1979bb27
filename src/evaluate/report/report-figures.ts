// The figures of a report: curves against beta and against the noise, and grids of pictures.
import { lineChart, type Series } from '../../figure/line-chart.js';
import { type GridImage, pictureGrid } from '../../figure/picture-grid.js';
import { betaFamilies, betaOf, type Contender, contenderName, methodName, priorName } from '../contender.js';
import { cellAt, type EvaluationResults, levelName, type Measures, meanOf } from '../measure/results.js';
import type { PictureThumbnails } from '../measure/thumbnails.js';
import { type NoiseLevel, noiseAxis } from '../noise-level.js';

export interface ReportFigure {
  /** The file's name. */
  readonly name: string;
  /** Also read by screen readers. */
  readonly title: string;
  readonly svg: string;
}

/** The columns of a grid before the restored ones. */
const OF_THE_PICTURE = ['original', 'noisy'];
/** More curves in one chart could not be told apart. */
const MOST_CURVES = 10;

export type BetaCurve = ReturnType<typeof betaCurves>[number];

/** The methods with several numeric betas; members by beta. */
export function betaCurves({ contenders }: EvaluationResults) {
  return betaFamilies(contenders).flatMap((family) => {
    const members = family.flatMap((contender) => {
      const beta = betaOf(contenders[contender] as Contender);
      return typeof beta === 'number' ? [{ contender, beta }] : [];
    });
    if (members.length < 2) return [];
    const method = methodName(contenders[family[0] as number] as Contender);
    return [{ method, members: members.toSorted((a, b) => a.beta - b.beta) }];
  });
}

interface BetaChart {
  readonly title: string;
  readonly yLabel: string;
  /** Of the file. Default: the title. */
  readonly name?: string;
  /** Default: PSNR. */
  readonly value?: (picture: Measures) => number;
  /** A dashed curve beside a level's. */
  readonly published?: (level: number) => Series;
  /** Default: every method with several betas. */
  readonly curves?: readonly BetaCurve[];
}

export const PSNR_AGAINST_BETA: BetaChart = { title: 'PSNR against beta', yLabel: 'PSNR (dB)' };

/** A chart for each method, with a curve for every noise. */
export function againstBeta(
  results: EvaluationResults,
  levels: readonly number[],
  { title: words, yLabel, name: file = words, value, published, curves = betaCurves(results) }: BetaChart,
): ReportFigure[] {
  return curves.flatMap(({ method, members }) => {
    const series = levels.flatMap((level): Series[] => {
      const points = members.flatMap(({ contender, beta }) => {
        const found = meanOf(cellAt(results, level, contender)?.pictures, value);
        return found === undefined ? [] : [[beta, found] as const];
      });
      if (points.length === 0) return [];
      const name = levelName(results, level);
      const other = published && { ...published(level), group: name, dashed: true };
      return [{ name, points, group: name }, ...(other ? [other] : [])];
    });
    if (series.length === 0) return [];
    const title = `${words}: ${method}`;
    const svg = lineChart({ title, xLabel: 'beta', yLabel, xScale: 'log', series });
    return [{ name: fileName(`${file}-${method}`), title, svg }];
  });
}

/** A curve for every contender over noises of one kind; for cameras, a chart for every way of coding. */
export function psnrAgainstNoise(
  results: EvaluationResults,
  levels: readonly number[],
  contenders: readonly number[],
  published: readonly Series[] = [],
): ReportFigure[] {
  const axes = levels.map((level) => ({ level, ...noiseAxis(results.levels[level] as NoiseLevel) }));
  const quantities = [...new Set(axes.map(({ quantity }) => quantity))];
  return quantities.flatMap((quantity) => {
    const own = axes.filter((axis) => axis.quantity === quantity).toSorted((a, b) => a.value - b.value);
    if (new Set(own.map(({ value }) => value)).size < 2) return [];
    const points = (picturesAt: (level: number) => readonly Measures[] | undefined) =>
      own.map(({ level, value }) => [value, meanOf(picturesAt(level)) ?? Number.NaN] as const);
    const series = [
      ...contenders.slice(0, MOST_CURVES).map((at) => ({
        name: contenderName(results.contenders[at] as Contender),
        points: points((level) => cellAt(results, level, at)?.pictures),
      })),
      ...published,
      { name: 'noisy', points: points((level) => results.noisy[level]), dashed: true },
    ];
    const title = `PSNR against ${quantity}`;
    const [xLabel, yLabel] = [own[0]?.label ?? quantity, 'PSNR (dB)'];
    const svg = lineChart({ title, xLabel, yLabel, xScale: 'log', series });
    return [{ name: fileName(title), title, svg }];
  });
}

/**
 * A grid for every kept picture: noises down; original, noisy and contenders across, all with their PSNR, or 'uneven': the maps
 * of where more or less than the noise was removed.
 */
export function pictureGrids(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  levels: readonly number[],
  contenders: readonly number[],
  words: { readonly name: string; readonly title: string },
  kind: 'restored' | 'uneven' = 'restored',
): ReportFigure[] {
  const columns = [...OF_THE_PICTURE, ...columnNames(results, contenders)];
  const pictures = [...new Set(shown.map(({ picture }) => picture))];
  return pictures.flatMap((picture, at) => {
    const index = results.pictures.findIndex(({ name }) => name === picture);
    const captioned = (image: GridImage | undefined, measured: readonly Measures[] | undefined) => {
      const psnr = measured?.[index]?.psnr;
      if (image === undefined || psnr === undefined || kind === 'uneven') return image;
      return { ...image, caption: `${psnr.toFixed(1)} dB` };
    };
    const rows = levels.flatMap((level) => {
      const entry = shown.find((each) => each.picture === picture && each.level === level);
      const restored = contenders.map((contender) =>
        captioned(entry?.[kind].get(contender), cellAt(results, level, contender)?.pictures),
      );
      if (restored.every((image) => image === undefined)) return [];
      const images: (GridImage | undefined)[] = [
        entry?.clean,
        captioned(entry?.noisy, results.noisy[level]),
        ...restored,
      ];
      return [{ name: levelName(results, level), images }];
    });
    if (rows.length === 0) return [];
    const isUsed = (_: unknown, column: number) => rows.some(({ images }) => images[column] !== undefined);
    const title = `${words.title}: ${picture}`;
    const svg = pictureGrid({
      title,
      columns: columns.filter(isUsed),
      rows: rows.map(({ name, images }) => ({ name, images: images.filter(isUsed) })),
    });
    return [{ name: fileName(`${words.name}-${at + 1}`), title, svg }];
  });
}

/** The contenders' names, without the prior if all have the same. */
function columnNames({ contenders }: EvaluationResults, chosen: readonly number[]): string[] {
  const own = chosen.map((at) => contenders[at] as Contender);
  const priors = new Set(own.flatMap((contender) => (contender.kind === 'given' ? [] : contender.prior)));
  return own.map((contender) => {
    const name = contenderName(contender);
    if (contender.kind === 'given' || priors.size > 1) return name;
    return name.replace(`${priorName(contender.prior)}, `, '');
  });
}

function fileName(words: string): string {
  return words.toLowerCase().replaceAll(/[^a-z0-9.]+/g, '-');
}
