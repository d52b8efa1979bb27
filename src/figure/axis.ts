// One axis of a chart: the positions of values, and the ticks. The scales are d3's.
import { scaleLinear, scaleLog } from 'd3-scale';

export type ScaleKind = 'linear' | 'log';

export interface Axis {
  /** A value's position, in the units of the range. */
  readonly position: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly label: string }[];
}

interface AxisRequest {
  readonly kind: ScaleKind;
  /** All finite; above 0 on a logarithmic axis. */
  readonly values: readonly number[];
  /** The positions of the smallest and the largest value. */
  readonly range: readonly [number, number];
  /** The least distance between ticks, in the units of the range. */
  readonly spacing: number;
  /** Whether the axis begins and ends at ticks rather than at the values. */
  readonly isRounded: boolean;
}

/** With more values than this, they are a curve and do not get ticks of their own. */
const MOST_SETTINGS = 8;

/** Beyond this, differences overflow. */
const LARGEST = 1e100;

/** Values with a smaller relative difference count as equal. */
const SAME = 1e-12;

export function isShowable(kind: ScaleKind, value: number): boolean {
  return Math.abs(value) <= LARGEST && (kind === 'linear' || value >= 1 / LARGEST);
}

export function axisOf({ kind, values, range, spacing, isRounded }: AxisRequest): Axis {
  const [low, high] = domainOf(kind, values);
  const made = kind === 'log' ? scaleLog([low, high], range) : scaleLinear([low, high], range);
  const scale = isRounded && kind === 'linear' ? made.nice() : made;
  const room = Math.max(2, Math.floor(Math.abs(range[1] - range[0]) / spacing));
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const isApart = (candidates: readonly number[]) =>
    candidates.every(
      (value, i) => i === 0 || Math.abs(scale(value) - scale(candidates[i - 1] ?? 0)) >= spacing,
    );
  const areSettings = distinct.length > 1 && distinct.length <= MOST_SETTINGS && !isRounded;
  const chosen = areSettings && isApart(distinct) ? distinct : tidyTicks(kind, scale.ticks(room), isApart);
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

/** On a logarithmic axis d3 gives 1, 2, 3 ... 9 in every decade. Takes the densest choice that leaves room. */
function tidyTicks(
  kind: ScaleKind,
  ticks: readonly number[],
  isApart: (candidates: readonly number[]) => boolean,
): readonly number[] {
  if (kind === 'linear' || isApart(ticks)) return ticks;
  const leading = (tick: number) => Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9));
  const halves = ticks.filter((tick) => [1, 2, 5].includes(leading(tick)));
  if (isApart(halves)) return halves;
  const decades = ticks.filter((tick) => leading(tick) === 1);
  if (isApart(decades)) return decades;
  const every = Math.ceil(decades.length / 6);
  return decades.filter((_, i) => i % every === 0);
}

/** A number in its shortest form: 0.025, 12000, 1e-7. */
export function numberLabel(value: number): string {
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(6));
  const text = size !== 0 && (size < 1e-4 || size >= 1e6) ? rounded.toExponential() : String(rounded);
  return text.replace('e+', 'e').replaceAll('-', '\u2212');
}
