// Several charts of lines in one <svg>, one below the other.
import { type LineChart, lineChart } from './line-chart.js';
import { escapedMarkup } from './markup.js';

const WIDTH = 640;
const HEIGHT = 400;

/** @returns  a whole `<svg>`, named by its title; each chart keeps its own name and description */
export function stackedCharts(title: string, charts: readonly LineChart[]): string {
  const parts = charts.map((chart, i) =>
    lineChart({ ...chart, width: WIDTH, height: HEIGHT }).replace('<svg ', `<svg y="${i * HEIGHT}" `),
  );
  const name = escapedMarkup(title);
  const height = HEIGHT * charts.length;
  const told = `${charts.length} charts: ${charts.map((chart) => chart.title).join('; ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${name}" fill="currentColor"><title>${name}</title><desc>${escapedMarkup(told)}</desc>${parts.join('')}</svg>`;
}
