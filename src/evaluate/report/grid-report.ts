// The report of a grid: noise x method x beta over a folder.
import type { EvaluationResults } from '../measure/results.js';
import type { PictureThumbnails } from '../measure/thumbnails.js';
import { type Report, type ReportSection, reportFacts } from './report.js';
import { pictureGrids, psnrAgainstBeta, psnrAgainstNoise } from './report-figures.js';
import {
  improvedTable,
  MEASURE_NAMES,
  measureTable,
  paceTable,
  RESIDUAL_WORDS,
  residualTable,
} from './report-tables.js';
import { hasMet } from './result-queries.js';

export function gridReport(
  results: EvaluationResults,
  shown: readonly PictureThumbnails[],
  command: string | undefined,
): Report {
  const levels = results.levels.map((_, level) => level);
  const contenders = results.contenders
    .map((_, contender) => contender)
    .filter((at) => hasMet(results, at, levels));
  const none = { text: [], tables: [], figures: [] };
  const curves = [...psnrAgainstBeta(results, levels), ...psnrAgainstNoise(results, levels, contenders)];
  const sections: ReportSection[] = [
    {
      ...none,
      heading: 'Quality',
      tables: MEASURE_NAMES.map((measure) => measureTable(results, levels, measure)),
    },
    ...(curves.length > 0 ? [{ ...none, heading: 'Curves', figures: curves }] : []),
    { ...none, heading: 'Pictures improved', tables: [improvedTable(results, levels)] },
    {
      ...none,
      heading: 'What was taken off',
      text: [RESIDUAL_WORDS],
      tables: [residualTable(results, levels)],
    },
    { ...none, heading: 'Time', tables: [paceTable(results, levels)] },
    {
      ...none,
      heading: 'Pictures',
      figures: pictureGrids(results, shown, levels, contenders, {
        name: 'pictures',
        title: 'Original, noisy, restored',
      }),
    },
  ];
  return {
    title: `Evaluation of ${results.settings.folder}`,
    facts: reportFacts(results, command),
    sections: sections.filter(({ tables, figures }) => tables.length + figures.length > 0),
  };
}
