// The flow's simple bijections: squeeze, actnorm, the invertible 1x1 convolution. And the interface of every bijection: an
// invertible map with its log-determinant and its gradient.
import type { TensorOps } from '../ops/tensor-ops.js';

interface Forward<T> {
  /** The image of x. */
  readonly z: T;
  /** ln |det dz/dx| per picture: [B], or [] if it is the same for every picture. */
  readonly logDet: T;
  /** From dL/dz to dL/dx, for L = (what comes after) + logDet, so it includes the log-determinant's own gradient. */
  pullback(dz: T): T;
}

export interface Bijection<T> {
  /** @param condition the noise level's embedding [B, E]; undefined for an unconditioned prior */
  forward(x: T, condition?: T): Forward<T>;
  /** The x whose image is z. Only sampling and tests need it. */
  inverse(z: T, condition?: T): T;
}

/**
 * Squeeze (RealNVP, Dinh et al. 2017, section 3.6): space to channels, volume preserving.
 * [B, C, H, W] -> [B, 4C, H/2, W/2]: channel c, row dy, column dx becomes channel 4c + 2dy + dx.
 */
export function squeeze<T>(ops: TensorOps<T>): Bijection<T> {
  return {
    forward: (x) => ({
      z: ops.squeeze(x),
      logDet: ops.sumVector(ops.vector(Float32Array.of(0))),
      pullback: (dz) => ops.unsqueeze(dz),
    }),
    inverse: (z) => ops.unsqueeze(z),
  };
}

/**
 * Actnorm (Glow, Kingma and Dhariwal 2018, section 3.1): z = (x + bias) exp(logScale) per channel; logDet = H W sum(logScale).
 * Both parameters are vectors [C].
 */
export function actnorm<T>(
  ops: TensorOps<T>,
  { bias, logScale }: { readonly bias: T; readonly logScale: T },
): Bijection<T> {
  const scale = ops.exp(logScale);
  const logDetPerPixel = ops.sumVector(logScale);
  return {
    forward: (x) => ({
      z: ops.mulVector(ops.addVector(x, bias), scale),
      logDet: ops.forEachPixel(logDetPerPixel, x),
      pullback: (dz) => ops.mulVector(dz, scale),
    }),
    inverse: (z) =>
      ops.addVector(ops.mulVector(z, ops.exp(ops.affine(logScale, -1, 0))), ops.affine(bias, -1, 0)),
  };
}

/** Invertible 1x1 convolution (Glow, section 3.2): z = W x per pixel, W a kernel [C, C, 1, 1]; logDet = H W ln |det W|. */
export function invertibleConv1x1<T>(ops: TensorOps<T>, weight: T): Bijection<T> {
  const transposed = ops.transposeKernel(weight);
  const logDetPerPixel = ops.logAbsDet(weight);
  return {
    forward: (x) => ({
      z: ops.conv2d(x, weight),
      logDet: ops.forEachPixel(logDetPerPixel, x),
      pullback: (dz) => ops.conv2d(dz, transposed),
    }),
    inverse: (z) => ops.conv2d(z, ops.invertKernel(weight)),
  };
}
