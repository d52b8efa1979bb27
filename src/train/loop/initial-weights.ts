// The initial parameters: last layers zero, 1x1 matrices random rotations (Glow, section 3), and actnorm fitted to a first
// batch, once.
import * as tf from '@tensorflow/tfjs-core';
import { affineCoupling } from '../../core/flow/affine-coupling.js';
import { type Architecture, levelPlans, parameterShapes } from '../../core/flow/architecture.js';
import { actnorm, type Bijection, invertibleConv1x1, squeeze } from '../../core/flow/bijections.js';
import { flowInput } from '../../core/flow/log-density.js';
import { couplingNet, noiseCondition } from '../../core/flow/networks.js';
import { parametersFrom, type WeightArray, type Weights } from '../../core/flow/parameters.js';
import { gaussianGenerator } from '../../core/noise/random.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';

/** Keeps a constant channel from being scaled without bound. */
const LEAST_DEVIATION = 1e-6;

/** A random rotation, row-major: Gram-Schmidt over Gaussian rows. */
function rotation(size: number, normal: () => number): Float32Array {
  const rows: Float64Array[] = [];
  while (rows.length < size) {
    const row = Float64Array.from({ length: size }, normal);
    for (const other of rows) {
      const share = row.reduce((sum, value, i) => sum + value * (other[i] as number), 0);
      for (let i = 0; i < size; i++) row[i] = (row[i] as number) - share * (other[i] as number);
    }
    const length = Math.hypot(...row);
    // A row nearly spanned by the others would be rounding noise.
    if (length > 0.1) rows.push(row.map((value) => value / length));
  }
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

/** Random parameters; actnorm is still the identity. */
export function randomWeights(architecture: Architecture, seed: number): Map<string, WeightArray> {
  const normal = gaussianGenerator(seed);
  const weights = new Map<string, WeightArray>();
  for (const [name, shape] of Object.entries(parameterShapes(architecture))) {
    const [outputs = 1] = shape;
    const zeros = new Float32Array(tf.util.sizeFromShape([...shape]));
    const deviation = Math.sqrt(outputs / zeros.length);
    const isZero = shape.length === 1 || name.includes('.conv3.') || name === 'top.condition.weight';
    const drawn = () => (isZero ? zeros : zeros.map(() => deviation * normal()));
    weights.set(name, { shape, data: name.endsWith('conv1x1.weight') ? rotation(outputs, normal) : drawn() });
  }
  return weights;
}

/** The actnorm that gives every channel of x, [B, H, W, C], mean 0 and deviation 1. */
function actnormFor(x: tf.Tensor): { bias: WeightArray; logScale: WeightArray } {
  const [mean, deviation] = tf.tidy(() => {
    const moments = tf.moments(x, [0, 1, 2]);
    return [moments.mean.dataSync(), tf.sqrt(moments.variance).dataSync()] as const;
  });
  const vector = (value: (c: number) => number): WeightArray => ({
    shape: [mean.length],
    data: Float32Array.from({ length: mean.length }, (_, c) => value(c)),
  });
  return {
    bias: vector((c) => -(mean[c] as number)),
    logScale: vector((c) => -Math.log(Math.max(LEAST_DEVIATION, deviation[c] as number))),
  };
}

/** Fits every actnorm, from the first to the last, to its input for noisy pictures y, [B, H, W, C], and sigma, [B, 1]. */
export function initializeActnorm(
  architecture: Architecture,
  weights: Weights,
  y: tf.Tensor,
  sigma: tf.Tensor,
): Weights {
  const fitted = new Map(weights);
  tf.tidy(() => {
    const source = parametersFrom(tfjsOps, weights);
    const condition = architecture.conditioning ? noiseCondition(tfjsOps, source)(sigma) : undefined;
    let x = flowInput(tfjsOps, y);
    const go = (bijection: Bijection<tf.Tensor>) => {
      x = bijection.forward(x, condition).z;
    };
    for (const [i, { level, splits }] of levelPlans(architecture).entries()) {
      go(squeeze(tfjsOps));
      for (let k = 0; k < level.steps; k++) {
        const step = `levels.${i}.steps.${k}`;
        const { bias, logScale } = actnormFor(x);
        fitted.set(`${step}.actnorm.bias`, bias).set(`${step}.actnorm.logScale`, logScale);
        go(actnorm(tfjsOps, { bias: tfjsOps.vector(bias.data), logScale: tfjsOps.vector(logScale.data) }));
        go(invertibleConv1x1(tfjsOps, source.kernel(`${step}.conv1x1.weight`)));
        const net = couplingNet(tfjsOps, source, `${step}.coupling`, architecture);
        go(affineCoupling(tfjsOps, net, architecture));
      }
      if (splits) [x] = tfjsOps.halves(x);
    }
  });
  return fitted;
}
