// A line chart as one <svg> without styles, ids or scripts. In a page it takes the page's text colour; for a file see
// standaloneSvg.
import { line, type SymbolType, symbol, symbolsFill } from 'd3-shape';
import { type Axis, axisOf, isShowable, numberLabel, type ScaleKind } from './axis.js';
import { escapedMarkup } from './html-page.js';

export type { ScaleKind } from './axis.js';

export interface Series {
  readonly name: string;
  /** [x, y]. Values that a scale cannot show (not finite; 0 or less on a logarithmic one) are gaps in the line. */
  readonly points: readonly (readonly [number, number])[];
  readonly dashed?: boolean;
  /** Series of one group share colour and mark, such as a published series and a measured one. */
  readonly group?: string;
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale?: ScaleKind;
  readonly yScale?: ScaleKind;
  readonly series: readonly Series[];
  /** Size of the figure, in pixels unless the page scales it. */
  readonly width?: number;
  readonly height?: number;
}

/** For colour-blind readers (Okabe and Ito 2008), adjusted to stand out on black and white. */
const COLOURS = ['#0b7bc1', '#d1600a', '#14966b', '#b8579a', '#a8860a', '#7a6ff0', '#4d8fa8', '#c24f4f'];
/** With more points than this, marks would cover the curve. */
const MOST_MARKS = 24;
const FONT = 12;
const LINE_HEIGHT = 15;
/** A letter's mean width in the system's fonts, relative to the font size: an SVG file cannot measure text. */
const LETTER = 0.56;
const GRID = 'stroke="currentColor" stroke-opacity=".16"';

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const round = (value: number) => Number(value.toFixed(2));
const textWidth = (text: string) => text.length * FONT * LETTER;
const colourOf = (index: number) => COLOURS[index % COLOURS.length] ?? 'currentColor';
const markOf = (index: number) => symbolsFill[index % symbolsFill.length] as SymbolType;

/** @returns  an `<svg>` with the title as its name, and the numbers as its description, for screen readers */
export function lineChart(chart: LineChart): string {
  const { title, xLabel, yLabel, xScale = 'linear', yScale = 'linear', width = 640, height = 400 } = chart;
  const groups = [...new Set(chart.series.map(({ name, group = name }) => group))];
  const series = chart.series.map((each) => ({
    ...each,
    look: groups.indexOf(each.group ?? each.name),
    points: each.points.map(([x, y]): readonly [number, number] | undefined =>
      isShowable(xScale, x) && isShowable(yScale, y) ? [x, y] : undefined,
    ),
  }));
  const shown = series.flatMap(({ points }) => points.filter((point) => point !== undefined));
  const longest = series.reduce((most, { name }) => Math.max(most, textWidth(name)), 0);
  const top = LINE_HEIGHT * 2 + 8;
  const bottom = height - LINE_HEIGHT * 2 - 16;
  const y = axisOf({
    kind: yScale,
    values: shown.map(([, value]) => value),
    range: [bottom, top],
    spacing: 34,
    isRounded: true,
  });
  const widest = y.ticks.reduce((most, { label }) => Math.max(most, textWidth(label)), 0);
  const frame: Frame = {
    left: widest + 18,
    right: width - Math.min(longest + 42, width * 0.4),
    top,
    bottom,
  };
  const x = axisOf({
    kind: xScale,
    values: shown.map(([value]) => value),
    range: [frame.left + 10, frame.right - 10],
    spacing: 44,
    isRounded: false,
  });
  const body = [
    text(title, 0, LINE_HEIGHT, 'font-weight="600"'),
    text(yLabel, 0, top - 10, 'fill-opacity=".75"'),
    text(xLabel, (frame.left + frame.right) / 2, height - 6, 'text-anchor="middle" fill-opacity=".75"'),
    axes(x, y, frame),
    ...series.map((each) => drawn(each, x, y)),
    labels(series, y, frame),
    shown.length === 0
      ? text('no values', (frame.left + frame.right) / 2, (top + bottom) / 2, 'text-anchor="middle"')
      : '',
  ];
  const name = escapedMarkup(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="${FONT}" fill="currentColor"><title>${name}</title><desc>${escapedMarkup(toldInNumbers(series, xLabel, yLabel))}</desc>${body.join('')}</svg>`;
}

/** The chart as a file, with a text colour for light and dark screens. */
export function standaloneSvg(svg: string): string {
  const style = '<style>svg{color:#1d1d1c}@media(prefers-color-scheme:dark){svg{color:#e8e8e6}}</style>';
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.replace('</desc>', `</desc>${style}`)}\n`;
}

function text(words: string, x: number, y: number, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escapedMarkup(words)}</text>`;
}

function axes(x: Axis, y: Axis, { left, right, top, bottom }: Frame): string {
  const rows = y.ticks.map(({ value, label }) => {
    const at = round(y.position(value));
    return `<path d="M${round(left)} ${at}H${round(right)}" ${GRID}/>${text(label, left - 8, at + FONT / 3, 'text-anchor="end"')}`;
  });
  const columns = x.ticks.map(({ value, label }) => {
    const at = round(x.position(value));
    return `<path d="M${at} ${round(top)}V${round(bottom + 4)}" ${GRID}/>${text(label, at, bottom + 4 + LINE_HEIGHT, 'text-anchor="middle"')}`;
  });
  return [...rows, ...columns].join('');
}

type ShownSeries = Omit<Series, 'points'> & {
  readonly look: number;
  readonly points: readonly (readonly [number, number] | undefined)[];
};

function drawn({ points, dashed, look }: ShownSeries, x: Axis, y: Axis): string {
  const colour = colourOf(look);
  const path = line<readonly [number, number] | undefined>()
    .defined((point) => point !== undefined)
    .x((point) => round(x.position(point?.[0] ?? 0)))
    .y((point) => round(y.position(point?.[1] ?? 0)))(points);
  const dashes = dashed ? ' stroke-dasharray="6 4"' : '';
  const curve = path
    ? `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"${dashes}/>`
    : '';
  if (points.length > MOST_MARKS) return curve;
  const mark = symbol(markOf(look), 42)() ?? '';
  const marks = points.flatMap((point) =>
    point === undefined
      ? []
      : `<path transform="translate(${round(x.position(point[0]))} ${round(y.position(point[1]))})" d="${mark}" fill="${colour}"/>`,
  );
  return curve + marks.join('');
}

/** Writes each line's name at its end; names that would overlap are moved apart. */
function labels(series: readonly ShownSeries[], y: Axis, { right, top, bottom }: Frame): string {
  const ends = series.flatMap(({ name, points, dashed, look }) => {
    const last = points.findLast((point) => point !== undefined);
    return last === undefined ? [] : [{ name, dashed, look, at: y.position(last[1]) }];
  });
  ends.sort((a, b) => a.at - b.at);
  const places: number[] = [];
  for (const { at } of ends) places.push(Math.max(at, (places.at(-1) ?? top - LINE_HEIGHT) + LINE_HEIGHT));
  let lowest = bottom + LINE_HEIGHT;
  for (let i = places.length - 1; i >= 0; i--) {
    lowest = Math.min(places[i] ?? 0, lowest - LINE_HEIGHT);
    places[i] = lowest;
  }
  return ends
    .map(({ name, dashed, look }, i) => {
      const at = round(places[i] ?? 0);
      const mark = symbol(markOf(look), 42)() ?? '';
      const stroke = `stroke="${colourOf(look)}" stroke-width="2"${dashed ? ' stroke-dasharray="3 2"' : ''}`;
      const key = `<path d="M${round(right + 2)} ${at}h20" ${stroke}/><path transform="translate(${round(right + 12)} ${at})" d="${mark}" fill="${colourOf(look)}"/>`;
      return key + text(name, right + 28, at + FONT / 3);
    })
    .join('');
}

function toldInNumbers(series: readonly ShownSeries[], xLabel: string, yLabel: string): string {
  const told = series.map(({ name, points }) => {
    const few = points.length > MOST_MARKS ? [points[0], points.at(-1)] : points;
    const pairs = few.flatMap((point) => (point ? `${numberLabel(point[0])}: ${numberLabel(point[1])}` : []));
    return `${name}: ${pairs.join(', ')}`;
  });
  return `${yLabel} against ${xLabel}. ${told.join('. ')}.`;
}

const STACKED_WIDTH = 640;
const STACKED_HEIGHT = 400;

/** Stacks charts in one `<svg>`, named by its title. Each chart keeps its name and description. */
export function stackedCharts(title: string, charts: readonly LineChart[]): string {
  const parts = charts.map((chart, i) =>
    lineChart({ ...chart, width: STACKED_WIDTH, height: STACKED_HEIGHT }).replace(
      '<svg ',
      `<svg y="${i * STACKED_HEIGHT}" `,
    ),
  );
  const name = escapedMarkup(title);
  const height = STACKED_HEIGHT * charts.length;
  const told = `${charts.length} charts: ${charts.map((chart) => chart.title).join('; ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${STACKED_WIDTH} ${height}" width="${STACKED_WIDTH}" height="${height}" role="img" aria-label="${name}" fill="currentColor"><title>${name}</title><desc>${escapedMarkup(told)}</desc>${parts.join('')}</svg>`;
}
