// Where numbers leave the flow as standard normals: half of the channels at a split, the rest at the top. A Gaussian gives
// their mean and scale.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Architecture } from './architecture.js';
import type { Bijection } from './bijections.js';
import type { CouplingNet } from './networks.js';
import type { ParameterSource } from './parameters.js';

const LOG_SCALE_CAP = 3;

/**
 * Split (RealNVP, section 3.6, with Glow's learned prior). A network reads mean and scale from the half that stays:
 * x = (kept, b); (m, q) = net(kept); s = 3 tanh(q / 3); latent = (b - m) exp(-s), logDet = -sum(s), [B]. Both halves are
 * [B, C/2, H, W].
 */
export function split<T>(ops: TensorOps<T>, net: CouplingNet<T>) {
  function gaussian(kept: T, condition?: T) {
    const { h, pullback } = net.forward(kept, condition);
    const [mean, q] = ops.halves(h);
    const bounded = ops.tanh(ops.affine(q, 1 / LOG_SCALE_CAP, 0));
    return { mean, bounded, logScale: ops.affine(bounded, LOG_SCALE_CAP, 0), pullback };
  }
  return {
    forward(x: T, condition?: T) {
      const [kept, b] = ops.halves(x);
      const { mean, bounded, logScale, pullback } = gaussian(kept, condition);
      const inverseScale = ops.exp(ops.affine(logScale, -1, 0));
      const latent = ops.mul(ops.sub(b, mean), inverseScale);
      return {
        kept,
        latent,
        logDet: ops.affine(ops.sum(logScale), -1, 0),
        pullback(dKept: T, dLatent: T): T {
          const db = ops.mul(dLatent, inverseScale);
          // d logScale = -(dLatent latent + 1); d logScale / dq = 1 - tanh^2.
          const dLogScale = ops.affine(ops.mul(dLatent, latent), -1, -1);
          const slope = ops.affine(ops.mul(bounded, bounded), -1, 1);
          const dh = ops.concat(ops.affine(db, -1, 0), ops.mul(dLogScale, slope));
          return ops.concat(ops.add(dKept, pullback(dh)), db);
        },
      };
    },
    inverse(kept: T, latent: T, condition?: T): T {
      const { mean, logScale } = gaussian(kept, condition);
      return ops.concat(kept, ops.add(mean, ops.mul(latent, ops.exp(logScale))));
    },
  };
}

/** At the last level: (m, s) = bias + V e, a vector [2C]; z = (x - m) exp(-s) per channel, logDet = -H W sum(s). */
export function topGaussian<T>(
  ops: TensorOps<T>,
  { conditioning }: Pick<Architecture, 'conditioning'>,
  source: ParameterSource<T>,
): Bijection<T> {
  const bias = source.vector('top.bias');
  const weight = conditioning ? source.matrix('top.condition.weight') : undefined;
  const gaussian = (condition?: T) =>
    ops.halves(weight && condition ? ops.dense(condition, weight, bias) : bias);
  return {
    forward(x, condition) {
      const [mean, logScale] = gaussian(condition);
      const inverseScale = ops.exp(ops.affine(logScale, -1, 0));
      return {
        z: ops.mulVector(ops.addVector(x, ops.affine(mean, -1, 0)), inverseScale),
        logDet: ops.forEachPixel(ops.affine(ops.sumVector(logScale), -1, 0), x),
        pullback: (dz) => ops.mulVector(dz, inverseScale),
      };
    },
    inverse(z, condition) {
      const [mean, logScale] = gaussian(condition);
      return ops.addVector(ops.mulVector(z, ops.exp(logScale)), mean);
    },
  };
}
