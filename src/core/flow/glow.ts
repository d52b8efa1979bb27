// Glow (Kingma and Dhariwal 2018): levels of squeeze, steps and split, chained into one bijection between a picture and
// standard normal latents.
import type { TensorOps } from '../ops/tensor-ops.js';
import { affineCoupling } from './affine-coupling.js';
import { type Architecture, levelPlans } from './architecture.js';
import { actnorm, type Bijection, invertibleConv1x1, squeeze } from './bijections.js';
import { split, topGaussian } from './latents.js';
import { couplingNet } from './networks.js';
import type { ParameterSource } from './parameters.js';

export interface GlowForward<T> {
  /** One per split, then the last level's; each is standard normal under the model. */
  readonly latents: readonly T[];
  readonly logDet: T;
  pullback(dLatents: readonly T[]): T;
}

export interface Glow<T> {
  forward(x: T, condition?: T): GlowForward<T>;
  inverse(latents: readonly T[], condition?: T): T;
}

/** Every level's squeeze, then actnorm, 1x1 convolution and coupling for every step; and its split, if it has one. */
function buildLevels<T>(ops: TensorOps<T>, architecture: Architecture, source: ParameterSource<T>) {
  const net = (prefix: string) => couplingNet(ops, source, prefix, architecture);
  return levelPlans(architecture).map(({ level, splits }, i) => {
    const bijections: Bijection<T>[] = [squeeze(ops)];
    for (let k = 0; k < level.steps; k++) {
      const step = `levels.${i}.steps.${k}`;
      bijections.push(
        actnorm(ops, {
          bias: source.vector(`${step}.actnorm.bias`),
          logScale: source.vector(`${step}.actnorm.logScale`),
        }),
        invertibleConv1x1(ops, source.kernel(`${step}.conv1x1.weight`)),
        affineCoupling(ops, net(`${step}.coupling`), architecture),
      );
    }
    return { bijections, splitOff: splits ? split(ops, net(`levels.${i}.split`)) : undefined };
  });
}

export function glow<T>(ops: TensorOps<T>, architecture: Architecture, source: ParameterSource<T>): Glow<T> {
  const levels = buildLevels(ops, architecture, source);
  const top = topGaussian(ops, architecture, source);
  return {
    forward(x, condition) {
      const latents: T[] = [];
      // Each part's inverse gradient, in the order of the parts; a split also takes its latent's gradient.
      const pullbacks: ((d: T, dLatents: readonly T[]) => T)[] = [];
      let current = x;
      let logDet = ops.sumVector(ops.vector(Float32Array.of(0)));
      for (const { bijections, splitOff } of levels) {
        for (const bijection of bijections) {
          const { z, logDet: own, pullback } = bijection.forward(current, condition);
          current = z;
          logDet = ops.addScalars(logDet, own);
          pullbacks.push(pullback);
        }
        if (splitOff) {
          const { kept, latent, logDet: own, pullback } = splitOff.forward(current, condition);
          const index = latents.push(latent) - 1;
          current = kept;
          logDet = ops.addScalars(logDet, own);
          pullbacks.push((d, dLatents) => pullback(d, dLatents[index] as T));
        }
      }
      const last = top.forward(current, condition);
      latents.push(last.z);
      return {
        latents,
        logDet: ops.addScalars(logDet, last.logDet),
        pullback: (dLatents) =>
          pullbacks.reduceRight((d, pullback) => pullback(d, dLatents), last.pullback(dLatents.at(-1) as T)),
      };
    },
    inverse(latents, condition) {
      let index = latents.length - 1;
      let x = top.inverse(latents[index] as T, condition);
      for (const { bijections, splitOff } of [...levels].reverse()) {
        if (splitOff) x = splitOff.inverse(x, latents[--index] as T, condition);
        for (const bijection of [...bijections].reverse()) x = bijection.inverse(x, condition);
      }
      return x;
    },
  };
}
