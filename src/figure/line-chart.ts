// A line chart as one <svg>. Scales and lines are d3's.
import { scaleLinear, scaleLog } from 'd3-scale';
import { line, type SymbolType, symbol, symbolsFill } from 'd3-shape';
import { FONT_SIZE, round, svg, svgText, textWidth } from './markup.js';

type ScaleKind = 'linear' | 'log';

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
const LINE_HEIGHT = 15;
const GRID = 'stroke="currentColor" stroke-opacity=".16"';

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Point = readonly [x: number, y: number];

/** A series as it is drawn. */
interface Line extends Series {
  /** Undefined where the scales cannot show a point. */
  readonly shown: readonly (Point | undefined)[];
  readonly colour: string;
  /** The path of its mark, around 0, 0. */
  readonly mark: string;
}

/** @returns  an `<svg>` with the title as its name, and the numbers as its description, for screen readers */
export function lineChart(chart: LineChart): string {
  const { title, xLabel, yLabel, xScale = 'linear', yScale = 'linear', width = 640, height = 400 } = chart;
  const groups = [...new Set(chart.series.map(({ name, group = name }) => group))];
  const lines = chart.series.map((series): Line => {
    const look = groups.indexOf(series.group ?? series.name);
    return {
      ...series,
      shown: series.points.map((point) =>
        isShowable(xScale, point[0]) && isShowable(yScale, point[1]) ? point : undefined,
      ),
      colour: COLOURS[look % COLOURS.length] ?? 'currentColor',
      mark: symbol(symbolsFill[look % symbolsFill.length] as SymbolType, 42)() ?? '',
    };
  });
  const points = lines.flatMap(({ shown }) => shown.filter((point) => point !== undefined));
  const longest = lines.reduce((most, { name }) => Math.max(most, textWidth(name)), 0);
  const [top, bottom] = [LINE_HEIGHT * 2 + 8, height - LINE_HEIGHT * 2 - 16];
  const [xs, ys] = [points.map(([value]) => value), points.map(([, value]) => value)];
  const y = axisOf(yScale, ys, [bottom, top], 34, true);
  const widest = y.ticks.reduce((most, { label }) => Math.max(most, textWidth(label)), 0);
  const [left, right] = [widest + 18, width - Math.min(longest + 42, width * 0.4)];
  const x = axisOf(xScale, xs, [left + 10, right - 10], 44);
  const frame: Frame = { left, right, top, bottom };
  const centred = (words: string, at: number, attributes = '') =>
    svgText(words, (left + right) / 2, at, `text-anchor="middle"${attributes}`);
  const body = [
    svgText(title, 0, LINE_HEIGHT, 'font-weight="600"'),
    svgText(yLabel, 0, top - 10, 'fill-opacity=".75"'),
    centred(xLabel, height - 6, ' fill-opacity=".75"'),
    axes(x, y, frame),
    ...lines.map((each) => drawn(each, x, y)),
    labels(lines, y, frame),
    points.length === 0 ? centred('no values', (top + bottom) / 2) : '',
  ];
  return svg(title, toldInNumbers(lines, xLabel, yLabel), [width, height], body);
}

function axes(x: Axis, y: Axis, { left, right, top, bottom }: Frame): string {
  const rows = y.ticks.map(({ value, label }) => {
    const at = round(y.position(value));
    return `<path d="M${round(left)} ${at}H${round(right)}" ${GRID}/>${svgText(label, left - 8, at + FONT_SIZE / 3, 'text-anchor="end"')}`;
  });
  const columns = x.ticks.map(({ value, label }) => {
    const at = round(x.position(value));
    return `<path d="M${at} ${round(top)}V${round(bottom + 4)}" ${GRID}/>${svgText(label, at, bottom + 4 + LINE_HEIGHT, 'text-anchor="middle"')}`;
  });
  return [...rows, ...columns].join('');
}

function drawn(series: Line, x: Axis, y: Axis): string {
  const { dashed, colour } = series;
  const placed = series.shown.map(
    (point) => point && ([x.position(point[0]), y.position(point[1])] as const),
  );
  const path = line<Point | undefined>()
    .defined((point) => point !== undefined)
    .digits(2)(placed);
  const dashes = dashed ? ' stroke-dasharray="6 4"' : '';
  const curve = path
    ? `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"${dashes}/>`
    : '';
  if (placed.length > MOST_MARKS) return curve;
  return curve + placed.map((point) => (point ? marked(series, ...point) : '')).join('');
}

function marked({ mark, colour }: Line, x: number, y: number): string {
  return `<path transform="translate(${round(x)} ${round(y)})" d="${mark}" fill="${colour}"/>`;
}

/** Writes each line's name at its end; names that would overlap are moved apart. */
function labels(lines: readonly Line[], y: Axis, { right, top, bottom }: Frame): string {
  const ends = lines.flatMap((series) => {
    const last = series.shown.findLast((point) => point !== undefined);
    return last === undefined ? [] : [{ series, at: y.position(last[1]) }];
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
    .map(({ series }, i) => {
      const at = round(places[i] ?? 0);
      const dashes = series.dashed ? ' stroke-dasharray="3 2"' : '';
      const key = `<path d="M${round(right + 2)} ${at}h20" stroke="${series.colour}" stroke-width="2"${dashes}/>`;
      return key + marked(series, right + 12, at) + svgText(series.name, right + 28, at + FONT_SIZE / 3);
    })
    .join('');
}

function toldInNumbers(lines: readonly Line[], xLabel: string, yLabel: string): string {
  const told = lines.map(({ name, shown }) => {
    const few = shown.length > MOST_MARKS ? [shown[0], shown.at(-1)] : shown;
    const pairs = few.flatMap((point) => (point ? `${numberLabel(point[0])}: ${numberLabel(point[1])}` : []));
    return `${name}: ${pairs.join(', ')}`;
  });
  return `${yLabel} against ${xLabel}. ${told.join('. ')}.`;
}

/** Stacks charts in one `<svg>`, named by its title. Each chart keeps its name and description. */
export function stackedCharts(title: string, charts: readonly LineChart[]): string {
  const [width, height] = [640, 400];
  const parts = charts.map((chart, i) =>
    lineChart({ ...chart, width, height }).replace('<svg ', `<svg y="${i * height}" `),
  );
  const told = `${charts.length} charts: ${charts.map((chart) => chart.title).join('; ')}`;
  return svg(title, told, [width, height * charts.length], parts);
}

/** One axis of a chart. */
interface Axis {
  /** A value's position, in the units of the range. */
  readonly position: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

/** With more values than this, they are a curve and do not get ticks of their own. */
const MOST_SETTINGS = 8;

/** Beyond this, differences overflow. */
const LARGEST = 1e100;

/** Values with a smaller relative difference count as equal. */
const SAME = 1e-12;

function isShowable(kind: ScaleKind, value: number): boolean {
  return Math.abs(value) <= LARGEST && (kind === 'linear' || value >= 1 / LARGEST);
}

/**
 * @param values     all finite; above 0 on a logarithmic axis
 * @param range      the positions of the smallest and the largest value
 * @param spacing    the least distance between ticks, in the units of the range
 * @param isRounded  whether the axis begins and ends at ticks rather than at the values
 */
export function axisOf(
  kind: ScaleKind,
  values: readonly number[],
  range: readonly [number, number],
  spacing: number,
  isRounded = false,
): Axis {
  const [low, high] = domainOf(kind, values);
  const made = kind === 'log' ? scaleLog([low, high], range) : scaleLinear([low, high], range);
  const scale = isRounded && kind === 'linear' ? made.nice() : made;
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const isApart = (candidates: readonly number[]) =>
    candidates.every(
      (value, i) => i === 0 || Math.abs(scale(value) - scale(candidates[i - 1] ?? 0)) >= spacing,
    );
  const areSettings = distinct.length > 1 && distinct.length <= MOST_SETTINGS && !isRounded;
  const ticks = scale.ticks(Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / spacing)));
  const choices = kind === 'log' ? thinned(ticks) : [ticks];
  const chosen = [...(areSettings ? [distinct] : []), ...choices].find(isApart) ?? choices.at(-1) ?? [];
  return { position: scale, ticks: chosen.map((value) => ({ value, label: numberLabel(value) })) };
}

/** The smallest and the largest value, apart even if there is only one, or none. */
function domainOf(kind: ScaleKind, values: readonly number[]): readonly [number, number] {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  if (low > high) return kind === 'log' ? [1, 10] : [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high), 1 / LARGEST);
  if (high - low > size * SAME) return [low, high];
  if (kind === 'log') return [low / 2, high * 2];
  const margin = size > 1 / LARGEST ? size / 10 : 1;
  return [low - margin, high + margin];
}

/** On a logarithmic axis d3 gives 1, 2, 3 ... 9 in every decade: these and ever fewer of them. */
function thinned(ticks: readonly number[]): readonly (readonly number[])[] {
  const leading = (tick: number) => Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
  const decades = ticks.filter((tick) => leading(tick) === 1);
  const every = Math.ceil(decades.length / 6);
  return [
    ticks,
    ticks.filter((tick) => [1, 2, 5].includes(leading(tick))),
    decades,
    decades.filter((_, i) => i % every === 0),
  ];
}

/** A number in its shortest form: 0.025, 12000, 1e-7. */
export function numberLabel(value: number): string {
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(6));
  const text = size !== 0 && (size < 1e-4 || size >= 1e6) ? rounded.toExponential() : String(rounded);
  return text.replace('e+', 'e').replaceAll('-', '\u2212');
}
