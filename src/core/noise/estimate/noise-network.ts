// The network that tells noise from texture: for every cell of 16 x 16 pixels it says how strong the noise is in each
// detail band of each opponent channel, and how sure it is. Written over TensorOps, as the flow is: ONNX Runtime and
// TensorFlow.js run it, training differentiates it. Learned on a simulated camera: docs/noise.md.
import type { ParameterSource } from '../../flow/parameters.js';
import type { TensorOps } from '../../ops/tensor-ops.js';
import { MEASURED } from '../model/bands.js';

/** Pixels along a cell's side: four squeezes. */
export const CELL = 16;

/** Opponent channels times detail bands. */
export const LEVELS = 3 * MEASURED;

/** Each convolution: kernel size, channels out. Before every stage the picture is squeezed. */
const STAGES: readonly (readonly (readonly [kernel: number, out: number])[])[] = [
  [
    [3, 32],
    [3, 32],
  ],
  [
    [1, 48],
    [3, 48],
    [3, 48],
  ],
  [
    [1, 64],
    [3, 64],
    [3, 64],
  ],
  [
    [1, 96],
    [3, 64],
    [3, 64],
    [1, 2 * LEVELS],
  ],
];

const layerName = (stage: number, layer: number) => `stages.${stage}.${layer}`;

/** Every tensor's shape by name, as in the weights file. */
export function noiseNetworkShapes(): Readonly<Record<string, readonly number[]>> {
  const shapes: Record<string, readonly number[]> = {};
  let channels = 3;
  for (const [stage, layers] of STAGES.entries()) {
    channels *= 4;
    for (const [layer, [kernel, out]] of layers.entries()) {
      shapes[`${layerName(stage, layer)}.weight`] = [out, channels, kernel, kernel];
      shapes[`${layerName(stage, layer)}.bias`] = [out];
      channels = out;
    }
  }
  return shapes;
}

/**
 * @param picture  [B, 3, H, W], RGB in [0, 1], H and W multiples of `CELL`
 * @returns        [B, 2 * LEVELS, H / 16, W / 16]: first what `levelsOf` reads as levels, then as their uncertainty;
 *                 channel-major, finest band first
 */
export function noiseNetwork<T>(ops: TensorOps<T>, parameters: ParameterSource<T>, picture: T): T {
  let x = ops.affine(picture, 4, -2);
  for (const [stage, layers] of STAGES.entries()) {
    x = ops.squeeze(x);
    for (const layer of layers.keys()) {
      const name = layerName(stage, layer);
      x = ops.conv2d(x, parameters.kernel(`${name}.weight`), parameters.vector(`${name}.bias`));
      if (stage < STAGES.length - 1 || layer < layers.length - 1) x = ops.relu(x);
    }
  }
  return x;
}

/** Below this level, 8-bit units, noise is nothing to the network: the rounding of samples is 0.29. */
export const FLOOR_255 = 0.35;

/** ln of the standard deviation of noise in 8-bit units, floor included: what the network is taught. */
export function logLevel(variance: number): number {
  return 0.5 * Math.log(variance * 255 * 255 + FLOOR_255 * FLOOR_255);
}

/** The second half of the network's output is kept within what a level can be uncertain by: ln of the variance of `logLevel`. */
export const UNCERTAINTY = { centre: -1, reach: 3.5 } as const;
