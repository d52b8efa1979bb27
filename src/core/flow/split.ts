// Split (RealNVP, section 3.6, with Glow's learned prior): half of the channels leave the flow as a standard normal. A small
// network reads their mean and scale from the half that stays.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { CouplingNet } from './coupling-net.js';

const LOG_SCALE_CAP = 3;

interface SplitForward<T> {
  /** The half that stays, [B, C/2, H, W]. */
  readonly kept: T;
  /** The half that leaves, standardised, [B, C/2, H, W]. */
  readonly latent: T;
  /** ln |det d(kept, latent)/dx|, [B]. */
  readonly logDet: T;
  pullback(dKept: T, dLatent: T): T;
}

export interface Split<T> {
  forward(x: T, condition?: T): SplitForward<T>;
  inverse(kept: T, latent: T, condition?: T): T;
}

/** x = (kept, b); (m, q) = net(kept); s = 3 tanh(q / 3); latent = (b - m) exp(-s), logDet = -sum(s). */
export function split<T>(ops: TensorOps<T>, net: CouplingNet<T>): Split<T> {
  function gaussian(kept: T, condition?: T) {
    const { h, pullback } = net.forward(kept, condition);
    const [mean, q] = ops.halves(h);
    const bounded = ops.tanh(ops.affine(q, 1 / LOG_SCALE_CAP, 0));
    return {
      mean,
      bounded,
      logScale: ops.affine(bounded, LOG_SCALE_CAP, 0),
      pullback,
    };
  }
  return {
    forward(x, condition) {
      const [kept, b] = ops.halves(x);
      const { mean, bounded, logScale, pullback } = gaussian(kept, condition);
      const inverseScale = ops.exp(ops.affine(logScale, -1, 0));
      const latent = ops.mul(ops.sub(b, mean), inverseScale);
      return {
        kept,
        latent,
        logDet: ops.affine(ops.sum(logScale), -1, 0),
        pullback(dKept, dLatent) {
          const db = ops.mul(dLatent, inverseScale);
          // d logScale = -(dLatent latent + 1); d logScale / dq = 1 - tanh^2.
          const dLogScale = ops.affine(ops.mul(dLatent, latent), -1, -1);
          const slope = ops.affine(ops.mul(bounded, bounded), -1, 1);
          const dh = ops.concat(ops.affine(db, -1, 0), ops.mul(dLogScale, slope));
          return ops.concat(ops.add(dKept, pullback(dh)), db);
        },
      };
    },
    inverse(kept, latent, condition) {
      const { mean, logScale } = gaussian(kept, condition);
      return ops.concat(kept, ops.add(mean, ops.mul(latent, ops.exp(logScale))));
    },
  };
}
