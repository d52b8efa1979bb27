// Every part of the flow on the float64 oracle, see check-map. Exact formulas, so tolerances are float64's.
import { test } from 'uvu';
import { affineCoupling } from '#src/core/flow/affine-coupling.js';
import type { Architecture } from '#src/core/flow/architecture.js';
import { actnorm, invertibleConv1x1, squeeze } from '#src/core/flow/bijections.js';
import { split, topGaussian } from '#src/core/flow/latents.js';
import { couplingNet } from '#src/core/flow/networks.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { bijectionAsMap, checkMap, splitAsMap } from '../inference/check-map.js';
import { float64Ops as ops, type Tensor64, tensor64 } from './float64-ops.js';
import { randomMatrix, randomNumbers, randomWeights } from './random-weights.js';

type Size = readonly [channels: number, height: number, width: number];

const SIZES: readonly Size[] = [
  [2, 1, 1],
  [4, 3, 2],
  [6, 2, 5],
  [12, 4, 1],
];
const FEATURES = 3;
const random = (shape: readonly number[], scale: number, seed: number): Tensor64 =>
  tensor64(
    randomNumbers(
      shape.reduce((a, b) => a * b, 1),
      scale,
      seed,
    ),
    shape,
  );
const condition = random([2, FEATURES], 1, 7);

/** A flow with `channels` after its first squeeze, and random parameters. */
function flowOf(channels: number, isConditioned: boolean, seed: number, changed: Partial<Architecture> = {}) {
  const architecture: Architecture = {
    channels: channels / 4,
    levels: [
      { steps: 1, width: 5, kernel: 1, splitWidth: 4 },
      { steps: 1, width: 2, kernel: 1 },
    ],
    scaleCap: 1,
    conditioning: isConditioned ? { kind: 'log-sigma', features: FEATURES } : null,
    ...changed,
  };
  return { architecture, source: parametersFrom(ops, randomWeights(architecture, seed)) };
}

test('squeeze', () => {
  for (const size of [
    [1, 2, 2],
    [3, 4, 2],
    [2, 2, 6],
  ] as const)
    checkMap(bijectionAsMap(squeeze(ops)), size);
});

test('squeeze puts channel c, row dy, column dx into channel 4c + 2dy + dx', () => {
  const { z } = squeeze(ops).forward(tensor64([0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2]));
  if (z.shape.join() !== '1,8,1,1' || z.data.some((value, k) => value !== k))
    throw new Error(`squeezed to [${z.shape}]: ${z.data}`);
});

test('actnorm', () => {
  for (const [C, H, W] of SIZES) {
    const parameters = { bias: random([C], 1, 10 + C), logScale: random([C], 0.6, 20 + C) };
    checkMap(bijectionAsMap(actnorm(ops, parameters)), [C, H, W]);
  }
});

test('invertible 1x1 convolution', () => {
  for (const [C, H, W] of SIZES) {
    const weight = tensor64(randomMatrix(C, 30 + C), [C, C, 1, 1]);
    checkMap(bijectionAsMap(invertibleConv1x1(ops, weight)), [C, H, W]);
  }
});

for (const isConditioned of [false, true]) {
  const suffix = isConditioned ? 'with a condition' : 'without a condition';
  const given = isConditioned ? condition : undefined;

  const coupling = (...flow: Parameters<typeof flowOf>) => {
    const { architecture, source } = flowOf(...flow);
    const net = couplingNet(ops, source, 'levels.0.steps.0.coupling', architecture);
    return bijectionAsMap(affineCoupling(ops, net, architecture));
  };

  for (const kernel of [1, 3] as const)
    test(`affine coupling, kernel ${kernel}, ${suffix}`, () => {
      for (const [i, [C, H, W]] of SIZES.entries()) {
        const scaleCap = [0.5, 1, 2, 1.3][i] as number;
        const levels = [{ steps: 1, width: 5, kernel }];
        checkMap(coupling(C, isConditioned, 40 + 10 * i, { levels, scaleCap }), [C, H, W], given);
      }
    });

  test(`affine coupling as in Glow's code, ReLU and sigmoid, ${suffix}`, () => {
    const changed = { activation: 'relu', couplingScale: 'sigmoid' } as const;
    for (const [i, [C, H, W]] of SIZES.entries())
      checkMap(coupling(C, isConditioned, 40 + 10 * i, changed), [C, H, W], given);
  });

  test(`split, ${suffix}`, () => {
    for (const [i, [C, H, W]] of SIZES.entries()) {
      const { architecture, source } = flowOf(C, isConditioned, 80 + 10 * i);
      const net = couplingNet(ops, source, 'levels.0.split', architecture);
      checkMap(splitAsMap(split(ops, net)), [C, H, W], given);
    }
  });

  test(`the top Gaussian, ${suffix}`, () => {
    for (const [H, W] of [
      [1, 1],
      [2, 3],
    ] as const) {
      const architecture: Architecture = {
        channels: 1,
        levels: [{ steps: 1, width: 2, kernel: 1 }],
        scaleCap: 1,
        conditioning: isConditioned ? { kind: 'log-sigma', features: FEATURES } : null,
      };
      const source = parametersFrom(ops, randomWeights(architecture, 120));
      checkMap(bijectionAsMap(topGaussian(ops, architecture, source)), [4, H, W], given);
    }
  });
}

test.run();
