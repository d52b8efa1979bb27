// Invertible 1x1 convolution (Glow, section 3.2): one matrix mixes the channels of every pixel.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Bijection } from './bijection.js';

/** z = W x per pixel, W a kernel [C, C, 1, 1]; logDet = H W ln |det W|. */
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
