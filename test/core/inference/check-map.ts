// What makes a map of pictures a bijection with a known log-determinant, checked by numbers alone: the inverse
// undoes it, logDet is that of the numerical Jacobian, the pullback is the numerical gradient.
import * as assert from 'uvu/assert';
import type { Bijection } from '#src/core/flow/bijections.js';
import type { split } from '#src/core/flow/latents.js';
import { logAbsDet } from '#src/core/ops/small-matrix.js';
import { expectBelow, relativeDifference } from '../flow/differences.js';
import { type Tensor64, tensor64 } from '../flow/float64-ops.js';
import { randomNumbers } from '../flow/random-weights.js';

/** A map from one picture to one or several; `glow` is one as it stands. */
export interface CheckedMap {
  forward(
    x: Tensor64,
    condition?: Tensor64,
  ): {
    readonly latents: readonly Tensor64[];
    readonly logDet: Tensor64;
    pullback(dLatents: readonly Tensor64[]): Tensor64;
  };
  inverse(latents: readonly Tensor64[], condition?: Tensor64): Tensor64;
}

export function bijectionAsMap({ forward, inverse }: Bijection<Tensor64>): CheckedMap {
  return {
    forward(x, condition) {
      const { z, logDet, pullback } = forward(x, condition);
      return { latents: [z], logDet, pullback: ([dz]) => pullback(dz as Tensor64) };
    },
    inverse: ([z], condition) => inverse(z as Tensor64, condition),
  };
}

export function splitAsMap({ forward, inverse }: ReturnType<typeof split<Tensor64>>): CheckedMap {
  return {
    forward(x, condition) {
      const { kept, latent, logDet, pullback } = forward(x, condition);
      return {
        latents: [kept, latent],
        logDet,
        pullback: ([dKept, dLatent]) => pullback(dKept as Tensor64, dLatent as Tensor64),
      };
    },
    inverse: ([kept, latent], condition) => inverse(kept as Tensor64, latent as Tensor64, condition),
  };
}

const flat = (tensors: readonly Tensor64[]) => Float64Array.from(tensors.flatMap(({ data }) => [...data]));
const norm = (values: Float64Array) => Math.hypot(...values);
const difference = (a: Float64Array, b: Float64Array) => a.map((value, i) => value - (b[i] as number));

/** d f / d x_i by central differences, for f with any number of values: one array per coordinate of x. */
export function numericalDerivatives(
  f: (x: Float64Array) => Float64Array,
  x: Float64Array,
  step = 1e-4,
): Float64Array[] {
  return Array.from(x, (_, i) => {
    const moved = (by: number) => f(x.map((value, k) => (k === i ? value + by : value)));
    // Richardson: the h^2 terms of two step sizes cancel.
    const [near, far] = [
      difference(moved(step), moved(-step)),
      difference(moved(2 * step), moved(-2 * step)),
    ];
    return near.map((value, k) => (8 * value - (far[k] as number)) / (12 * step));
  });
}

/** Checks all three on a batch of two different pictures; `condition` is [2, E]. */
export function checkMap(
  map: CheckedMap,
  [C, H, W]: readonly [number, number, number],
  condition?: Tensor64,
) {
  const size = C * H * W;
  const x = tensor64(randomNumbers(2 * size, 1, 900), [2, C, H, W]);
  const { latents, logDet, pullback } = map.forward(x, condition);
  const z = flat(latents);
  expectBelow(norm(difference(map.inverse(latents, condition).data, x.data)) / norm(x.data), 1e-9, 'inverse');
  assert.is(z.length, x.data.length);

  const logDets = logDet.data.length === 1 ? [0, 1].map(() => logDet.data[0] as number) : [...logDet.data];
  for (const b of [0, 1]) {
    const width = condition ? condition.data.length / 2 : 0;
    const own = condition && tensor64(condition.data.slice(b * width, (b + 1) * width), [1, width]);
    const alone = (values: Float64Array) => flat(map.forward(tensor64(values, [1, C, H, W]), own).latents);
    const jacobian = numericalDerivatives(alone, x.data.slice(b * size, (b + 1) * size));
    const expected = logAbsDet(flat(jacobian.map((data) => tensor64(data, [size]))), size);
    expectBelow(Math.abs((logDets[b] as number) - expected), 1e-7 * (1 + Math.abs(expected)), 'logDet');
  }

  const weights = randomNumbers(z.length, 1, 901);
  const objective = (values: Float64Array) => {
    const forward = map.forward(tensor64(values, x.shape), condition);
    const images = flat(forward.latents).reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
    const logDetSum = forward.logDet.data.reduce((sum, value) => sum + value, 0);
    return Float64Array.of(images + logDetSum * (forward.logDet.data.length === 1 ? 2 : 1));
  };
  const gradient = flat(numericalDerivatives(objective, x.data).map((data) => tensor64(data, [1])));
  let offset = 0;
  const dLatents = latents.map(({ data, shape }) => {
    offset += data.length;
    return tensor64(weights.slice(offset - data.length, offset), shape);
  });
  expectBelow(relativeDifference(pullback(dLatents).data, gradient), 1e-6, 'pullback');
}
