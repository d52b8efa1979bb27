// The network that tells noise from texture: for every cell of 16 x 16 pixels it says how strong the noise is in each
// detail band of each opponent channel, and how sure it is. Written over TensorOps, as the flow is: ONNX Runtime and
// TensorFlow.js run it, training differentiates it. Learned on a simulated camera: docs/noise.md.
import type { ParameterSource } from '../../flow/parameters.js';
import type { TensorOps } from '../../ops/tensor-ops.js';
import { MEASURED } from '../model/bands.js';
import { OPPONENT } from '../model/opponents.js';

/** Pixels along a cell's side: four squeezes. */
export const CELL = 16;

/** Opponent channels times detail bands. */
export const LEVELS = 3 * MEASURED;

/** Numbers by which a cell is described to picture-head.ts. */
export const FEATURES = 64;

/** Channels of the learned layers at a half, a quarter, an eighth and a sixteenth of the size. */
const WIDTHS = { raw: 24, quarter: 48, eighth: 64, sixteenth: FEATURES } as const;
/** Opponent channels times the three orientations of a Haar detail. */
const DETAILS = 9;

/** [out, in, kernel] of every learned convolution. */
const LAYERS = {
  raw: [WIDTHS.raw, 12, 3],
  rawQuarter: [WIDTHS.raw, 4 * WIDTHS.raw, 1],
  quarter1: [WIDTHS.quarter, 2 * DETAILS + 3 + WIDTHS.raw, 3],
  quarter2: [WIDTHS.quarter, WIDTHS.quarter, 3],
  toEighth: [WIDTHS.eighth, 4 * WIDTHS.quarter, 1],
  eighth1: [WIDTHS.eighth, WIDTHS.eighth + DETAILS, 3],
  eighth2: [WIDTHS.eighth, WIDTHS.eighth, 3],
  toSixteenth: [WIDTHS.sixteenth, 4 * WIDTHS.eighth, 1],
  sixteenth1: [WIDTHS.sixteenth, WIDTHS.sixteenth + DETAILS, 3],
  sixteenth2: [WIDTHS.sixteenth, WIDTHS.sixteenth, 3],
  out: [2 * LEVELS, WIDTHS.sixteenth, 1],
} as const satisfies Record<string, readonly [number, number, number]>;

type Layer = keyof typeof LAYERS;

/** Every tensor's shape by name, as in the weights file. */
export function noiseNetworkShapes(): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    Object.entries(LAYERS).flatMap(([name, [out, inputs, kernel]]) => [
      [`${name}.weight`, [out, inputs, kernel, kernel]],
      [`${name}.bias`, [out]],
    ]),
  );
}

/** A 1x1 kernel from a matrix, [out][in]. */
function mixing<T>(ops: TensorOps<T>, rows: readonly (readonly number[])[]): T {
  return ops.kernel(Float32Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0, 1, 1]);
}

/** The orthonormal Haar transform of a squeezed plane: mean, then the three details. */
const HAAR = [
  [0.5, 0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5, -0.5],
  [0.5, 0.5, -0.5, -0.5],
  [0.5, -0.5, -0.5, 0.5],
] as const;

/** Rows `from` to `to` of `matrix` for each of three channels. */
function perChannel(
  matrix: readonly (readonly number[])[],
  from: number,
  to: number,
): readonly (readonly number[])[] {
  return [0, 1, 2].flatMap((c) =>
    matrix.slice(from, to).map((row) => [0, 1, 2].flatMap((k) => row.map((v) => (k === c ? v : 0)))),
  );
}

/** The mean over 3x3 pixels, channel by channel. */
function boxKernel<T>(ops: TensorOps<T>, channels: number): T {
  const data = new Float32Array(channels * channels * 9);
  for (let c = 0; c < channels; c++) data.fill(1 / 9, (c * channels + c) * 9, (c * channels + c + 1) * 9);
  return ops.kernel(data, [channels, channels, 3, 3]);
}

/** The mean of a squeezed picture's four places, channel by channel. */
function placesKernel<T>(ops: TensorOps<T>, channels: number): T {
  const rows = Array.from({ length: channels }, (_, c) =>
    Array.from({ length: 4 * channels }, (_, i) => (Math.floor(i / 4) === c ? 0.25 : 0)),
  );
  return mixing(ops, rows);
}

/** (0.25 / 255)^2: what a detail's power is lifted by before its logarithm. */
const LIFT = 1e-6;

/** The logarithm of details' local power, brought to a few units around 0. */
function logPower<T>(ops: TensorOps<T>, details: T, isFine: boolean): T {
  const power = ops.mul(details, details);
  const local = isFine
    ? ops.conv2d(ops.squeeze(power), placesKernel(ops, DETAILS))
    : ops.conv2d(power, boxKernel(ops, DETAILS));
  return ops.affine(ops.log(ops.affine(local, 1, LIFT)), 0.3, 2.8);
}

/**
 * @param picture  [B, 3, H, W], RGB in [0, 1], H and W multiples of `CELL`
 * @returns        [B, 2 * LEVELS + FEATURES, H / 16, W / 16]: `logLevel` of the noise, opponent channel by channel,
 *                 finest band first; in the same order what `uncertaintyOf` reads; the cell's features
 */
export function noiseNetwork<T>(ops: TensorOps<T>, parameters: ParameterSource<T>, picture: T): T {
  const apply = (x: T, name: Layer) =>
    ops.conv2d(x, parameters.kernel(`${name}.weight`), parameters.vector(`${name}.bias`));
  const layer = (x: T, name: Layer) => ops.relu(apply(x, name));
  const means = mixing(ops, perChannel(HAAR, 0, 1));
  const details = mixing(ops, perChannel(HAAR, 1, 4));

  const half = ops.squeeze(ops.conv2d(picture, mixing(ops, OPPONENT)));
  const quarter = ops.squeeze(ops.conv2d(half, means));
  const eighth = ops.squeeze(ops.conv2d(quarter, means));
  const sixteenth = ops.squeeze(ops.conv2d(eighth, means));
  const powers = (x: T, isFine = false) => logPower(ops, ops.conv2d(x, details), isFine);
  const brightness = ops.affine(ops.conv2d(quarter, means), 0.5, 0);

  const raw = layer(ops.squeeze(layer(ops.affine(half, 4, 0), 'raw')), 'rawQuarter');
  const told = ops.concat(ops.concat(powers(half, true), powers(quarter)), ops.concat(brightness, raw));
  let x = layer(layer(told, 'quarter1'), 'quarter2');
  x = layer(ops.squeeze(x), 'toEighth');
  x = layer(layer(ops.concat(x, powers(eighth)), 'eighth1'), 'eighth2');
  x = layer(ops.squeeze(x), 'toSixteenth');
  x = layer(layer(ops.concat(x, powers(sixteenth)), 'sixteenth1'), 'sixteenth2');
  return ops.concat(apply(x, 'out'), x);
}

/** Below this level, 8-bit units, noise is nothing to the network: the rounding of samples is 0.29. */
export const FLOOR_255 = 0.35;

/** ln of the standard deviation of noise in 8-bit units, floor included: what the network is taught. */
export function logLevel(variance: number): number {
  return 0.5 * Math.log(variance * 255 * 255 + FLOOR_255 * FLOOR_255);
}

/** What the network's second half is kept within: ln of the variance of `logLevel`. */
export const UNCERTAINTY = { centre: -1, reach: 3.5 } as const;

/** Cells agree no better than this, whatever they state: neighbours share their errors. */
export const LEAST_DEVIATION = 0.12;

/** The standard deviation of `logLevel` that a number of the second half stands for. */
export function uncertaintyOf(raw: number): number {
  const { centre, reach } = UNCERTAINTY;
  return Math.exp((centre + reach * Math.tanh(raw / reach)) / 2);
}
