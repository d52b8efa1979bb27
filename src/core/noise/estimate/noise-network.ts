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

/** [out, in, kernel, kernel] of every learned convolution. */
const LAYERS = {
  raw: [WIDTHS.raw, 12, 3, 3],
  rawQuarter: [WIDTHS.raw, 4 * WIDTHS.raw, 1, 1],
  quarter1: [WIDTHS.quarter, 2 * DETAILS + 3 + WIDTHS.raw, 3, 3],
  quarter2: [WIDTHS.quarter, WIDTHS.quarter, 3, 3],
  toEighth: [WIDTHS.eighth, 4 * WIDTHS.quarter, 1, 1],
  eighth1: [WIDTHS.eighth, WIDTHS.eighth + DETAILS, 3, 3],
  eighth2: [WIDTHS.eighth, WIDTHS.eighth, 3, 3],
  toSixteenth: [WIDTHS.sixteenth, 4 * WIDTHS.eighth, 1, 1],
  sixteenth1: [WIDTHS.sixteenth, WIDTHS.sixteenth + DETAILS, 3, 3],
  sixteenth2: [WIDTHS.sixteenth, WIDTHS.sixteenth, 3, 3],
  out: [2 * LEVELS, WIDTHS.sixteenth, 1, 1],
} as const;

type Layer = keyof typeof LAYERS;

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Every tensor's shape by name, as in the weights file. */
export const noiseNetworkShapes = () => shapesOf(LAYERS);

/** The shapes of weights and biases, of the weights' shapes by layer. */
export function shapesOf(layers: Shapes): Shapes {
  return Object.fromEntries(
    Object.entries(layers).flatMap(([name, shape]) => [
      [`${name}.weight`, shape],
      [`${name}.bias`, shape.slice(0, 1)],
    ]),
  );
}

type Matrix = readonly (readonly number[])[];

/** A kernel of `side` x `side` from a matrix, [out][in side side]. */
function kernelOf<T>(ops: TensorOps<T>, rows: Matrix, side = 1): T {
  const inputs = (rows[0] as readonly number[]).length / (side * side);
  return ops.kernel(Float32Array.from(rows.flat()), [rows.length, inputs, side, side]);
}

/** The same rows for each of some channels, which stay apart. */
function perChannel(channels: number, rows: Matrix): Matrix {
  const indices = Array.from({ length: channels }, (_, c) => c);
  return indices.flatMap((c) => rows.map((row) => indices.flatMap((k) => row.map((v) => (k === c ? v : 0)))));
}

/** The orthonormal Haar transform of a squeezed plane: mean, then the three details. */
const HAAR = [
  [0.5, 0.5, 0.5, 0.5],
  [0.5, -0.5, 0.5, -0.5],
  [0.5, 0.5, -0.5, -0.5],
  [0.5, -0.5, -0.5, 0.5],
] as const;

/** (0.25 / 255)^2: what a detail's power is lifted by before its logarithm. */
const LIFT = 1e-6;

/** The logarithm of details' local power, brought to a few units around 0. */
function logPower<T>(ops: TensorOps<T>, details: T, isFine: boolean): T {
  const power = ops.mul(details, details);
  // The mean of a squeezed picture's four places, or over 3 x 3 pixels, channel by channel.
  const local = isFine
    ? ops.conv2d(ops.squeeze(power), kernelOf(ops, perChannel(DETAILS, [Array(4).fill(1 / 4)])))
    : ops.conv2d(power, kernelOf(ops, perChannel(DETAILS, [Array(9).fill(1 / 9)]), 3));
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
  const means = kernelOf(ops, perChannel(3, HAAR.slice(0, 1)));
  const details = kernelOf(ops, perChannel(3, HAAR.slice(1)));

  const half = ops.squeeze(ops.conv2d(picture, kernelOf(ops, OPPONENT)));
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
