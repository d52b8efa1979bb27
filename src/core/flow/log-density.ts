// The flow's log density of pictures, log p_sigma(y), and its gradient, the score, without autodiff.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Architecture } from './architecture.js';
import { glow } from './glow.js';
import { noiseCondition } from './networks.js';
import type { ParameterSource } from './parameters.js';

/** y in [0, 1] enters the flow as 4 (y - 1/2). */
const INPUT_GAIN = 4;

export function flowInput<T>(ops: TensorOps<T>, y: T): T {
  return ops.affine(y, INPUT_GAIN, -INPUT_GAIN / 2);
}

export interface DensityAndScore<T> {
  /** ln p_sigma(y), natural units, [B]. */
  readonly logDensity: T;
  /** d logDensity / dy, like y. */
  readonly score: T;
}

/**
 * The flow's log density, for a picture y [B, C, H, W] in [0, 1] and sigma [B, 1] in the same units (ignored by an
 * unconditioned prior). H and W are multiples of the squeeze factor.
 *
 * ln p(y) = logDet + sum over latents of ln N(latent; 0, 1) + N ln 4, for N numbers in a picture.
 *
 * @returns  logDensity [B], nats; `score` computes its gradient
 */
export function flowDensity<T>(
  ops: TensorOps<T>,
  architecture: Architecture,
  source: ParameterSource<T>,
): (y: T, sigma: T) => { readonly logDensity: T; score(): T } {
  const embed = architecture.conditioning ? noiseCondition(ops, source) : undefined;
  const flow = glow(ops, architecture, source);
  return (y, sigma) => {
    const { latents, logDet, pullback } = flow.forward(flowInput(ops, y), embed?.(sigma));
    const constant = ops.shapeOf(y).channels * (Math.log(INPUT_GAIN) - 0.5 * Math.log(2 * Math.PI));
    const pixels = ops.forEachPixel(ops.sumVector(ops.vector(Float32Array.of(1))), y);
    let logDensity = ops.addScalars(logDet, ops.affine(pixels, constant, 0));
    for (const latent of latents)
      logDensity = ops.addScalars(logDensity, ops.affine(ops.sum(ops.mul(latent, latent)), -0.5, 0));
    const score = () => {
      const dx = pullback(latents.map((latent) => ops.affine(latent, -1, 0)));
      return ops.affine(dx, INPUT_GAIN, 0);
    };
    return { logDensity, score };
  };
}

/** Log density and score at once, as inference needs them. */
export function densityAndScore<T>(
  ops: TensorOps<T>,
  architecture: Architecture,
  source: ParameterSource<T>,
): (y: T, sigma: T) => DensityAndScore<T> {
  const density = flowDensity(ops, architecture, source);
  return (y, sigma) => {
    const { logDensity, score } = density(y, sigma);
    return { logDensity, score: score() };
  };
}

/**
 * Pictures drawn from the flow.
 *
 * @param latents  one per split, then the last level's, as `Glow.forward` gives them; N(0, T^2) for temperature T
 * @param sigma    [B, 1], the pictures' noise level; ignored by an unconditioned prior
 * @returns        [B, C, H, W] in [0, 1] units, not clipped
 */
export function flowSampler<T>(
  ops: TensorOps<T>,
  architecture: Architecture,
  source: ParameterSource<T>,
): (latents: readonly T[], sigma: T) => T {
  const embed = architecture.conditioning ? noiseCondition(ops, source) : undefined;
  const flow = glow(ops, architecture, source);
  return (latents, sigma) => ops.affine(flow.inverse(latents, embed?.(sigma)), 1 / INPUT_GAIN, 0.5);
}
