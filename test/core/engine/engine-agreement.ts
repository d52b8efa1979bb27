// The tests that every engine passes: an engine never changes the answer, and a tile's neighbours in a batch do not
// either. A file for each engine calls them.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkTile } from '#src/core/engine/check-tile.js';
import type { Engine, EngineName } from '#src/core/engine/engine.js';
import { runEstimation } from '#src/core/engine/engine.js';
import { squeezeFactor } from '#src/core/flow/architecture.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import type { Estimate, Estimation } from '#src/core/inference/estimation.js';
import { posteriorMean } from '#src/core/inference/posterior-mean.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior, type Prior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { gaussianNoise } from '#src/core/noise/likelihood/noise-model.js';
import { FIXTURES, type Fixture, loadFixture, tilesOf } from '../fixture.js';
import { expectBelow, relativeDifference, rmsDifference } from '../flow/differences.js';
import { float64Ops, tensor64 } from '../flow/float64-ops.js';
import { randomNumbers, randomWeights } from '../flow/random-weights.js';
import { openIfAvailable } from './available-engines.js';

const natural = await loadPrior(findPrior('natural'));
const fixtures = await Promise.all(FIXTURES.map(loadFixture));
const small = (fixtures[FIXTURES.indexOf('conditioned')] as Fixture).prior;

/** Two pixels are left at the coarsest level: a GPU that is a program takes minutes for larger tiles. */
const sideOf = ({ model }: Prior) => 2 * squeezeFactor(model);

/** A noisy tile of its own for every number. */
function tile(prior: Prior, number: number, sigma: number): Float32Array {
  const { y } = checkTile(sideOf(prior));
  const shifted = y.map((_, i) => y[(i + 7 * number) % y.length] as number);
  return addGaussianNoise(shifted, sigma, number);
}

/** Climbs that end after different numbers of steps: by their number, because they converge, or never going far. */
function climbs(prior: Prior): Estimation[] {
  const priorSigma = prior.model.sigmaRange[0];
  const common = { start: 'posterior-mean', polish: true, priorSigma } as const;
  const side = sideOf(prior);
  const sigmas = Float32Array.from({ length: side * side }, (_, i) => (i % side < side / 2 ? 0.05 : 0.15));
  return [
    betaMap(tile(prior, 1, 0.1), 0.1, { ...common, beta: 4, steps: 20, rate: 0.05 }),
    betaMap(tile(prior, 2, 0.05), 0.05, { ...common, beta: 2, steps: 3, rate: 0.05 }),
    betaMap(tile(prior, 3, 0.2), 0.2, { ...common, beta: 5, steps: 9, rate: 0.002 }),
    betaMap(tile(prior, 4, 0.1), 0.1, {
      ...common,
      beta: 4,
      steps: 12,
      rate: 0.1,
      noise: gaussianNoise(sigmas),
    }),
    betaMap(tile(prior, 5, 0.1), 0.1, { ...common, beta: 1, steps: 6, rate: 0.05, start: 'noisy' }),
  ];
}

function estimateOf<E extends Estimate>(engine: Engine, prior: Prior, estimation: Estimation<E>): Promise<E> {
  const side = sideOf(prior);
  return runEstimation(engine, { channels: 3, height: side, width: side }, estimation);
}

/** The same tiles on ONNX Runtime, a step at a time, alone. */
async function expectedEstimates(prior: Prior, estimations: Iterable<Estimation>): Promise<Float32Array[]> {
  const onnx = await opened('onnx', prior);
  const estimates: Float32Array[] = [];
  for (const estimation of estimations) estimates.push((await estimateOf(onnx, prior, estimation)).estimate);
  await onnx.close();
  return estimates;
}

/** An engine that is known to be available. */
async function opened(name: EngineName, prior: Prior): Promise<Engine> {
  const engine = await openIfAvailable(name, prior);
  if (typeof engine === 'string') throw new Error(engine);
  return engine;
}

/** Defines and runs the tests for an engine; one that is not available is skipped, and the output says why. */
export async function testEngine(name: EngineName): Promise<void> {
  const first = await openIfAvailable(name, natural);
  const test = suite(name);
  if (typeof first === 'string') {
    console.log(`SKIP ${first}`);
    test.skip(name, () => {});
    test.run();
    return;
  }
  // One engine per prior: a GPU compiles its kernels anew for each.
  const engines = new Map([[natural, first]]);
  test.after(async () => {
    for (const engine of engines.values()) await engine.close();
  });
  async function engineFor(prior: Prior): Promise<Engine> {
    const engine = engines.get(prior) ?? (await opened(name, prior));
    engines.set(prior, engine);
    return engine;
  }

  test('the fixtures of an independent implementation', async () => {
    for (const [i, { prior, batch, logDensity, score }] of fixtures.entries()) {
      const engine = await engineFor(prior);
      const results = await Promise.all(tilesOf(batch).map(engine.evaluate));
      const what = FIXTURES[i] as string;
      const scores = results.flatMap((result) => [...result.score]);
      expectBelow(relativeDifference(scores, score), 1e-4, `score of ${what}`);
      const densities = results.map((result) => result.logDensity);
      expectBelow(relativeDifference(densities, logDensity), 1e-4, `log density of ${what}`);
    }
  });

  test("a flow with Glow's ReLU and sigmoid, against float64", async () => {
    const architecture = {
      channels: 3 as const,
      levels: [
        { steps: 2, width: 6, kernel: 1 as const, splitWidth: 4 },
        { steps: 1, width: 8, kernel: 3 as const },
      ],
      scaleCap: 1,
      couplingScale: 'sigmoid' as const,
      activation: 'relu' as const,
      conditioning: null,
    };
    const weights = randomWeights(architecture, 900);
    const engine = await engineFor({ ...small, model: { ...small.model, ...architecture }, weights });
    const values = randomNumbers(3 * 16 * 8, 0.3, 4).map((value) => value + 0.5);
    const y = Float32Array.from(values);
    const truth = densityAndScore(
      float64Ops,
      architecture,
      parametersFrom(float64Ops, weights),
    )(tensor64(y, [1, 3, 16, 8]), tensor64([1], [1, 1]));
    const { logDensity, score } = await engine.evaluate({
      shape: { channels: 3, height: 16, width: 8 },
      y,
      sigma: 1,
    });
    expectBelow(relativeDifference(score, truth.score.data), 1e-4, 'score');
    expectBelow(relativeDifference([logDensity], truth.logDensity.data), 1e-4, 'log density');
  });

  test('the shipped prior: the posterior mean, and beta-MAP', async () => {
    const few = () => betaMap(tile(natural, 1, 0.1), 0.1, { ...options, steps: 2 });
    const options = {
      beta: 4,
      rate: 0.05,
      start: 'posterior-mean',
      polish: true,
      priorSigma: 2 / 255,
    } as const;
    const mean = () => posteriorMean(tile(natural, 6, 0.1), 0.1);
    const expected = await expectedEstimates(natural, [few(), mean()]);
    for (const [i, estimation] of [few(), mean()].entries())
      expectBelow(
        rmsDifference((await estimateOf(first, natural, estimation)).estimate, expected[i] as Float32Array),
        1e-4,
        `estimate ${i + 1}`,
      );
  });

  test('a batch whose tiles converge at different times', async () => {
    const alone: Float32Array[] = [];
    const expected = await expectedEstimates(small, climbs(small));
    const engine = await engineFor(small);
    for (const estimation of climbs(small))
      alone.push((await estimateOf(engine, small, estimation)).estimate);
    // Three times all, more than fit: places are taken over by tiles that wait.
    const many = [1, 2, 3].flatMap(() => climbs(small));
    const together = await Promise.all(many.map((estimation) => estimateOf(engine, small, estimation)));
    for (const [i, estimate] of alone.entries())
      expectBelow(rmsDifference(estimate, expected[i] as Float32Array), 1e-4, `tile ${i + 1} alone`);
    for (const [i, { estimate }] of together.entries())
      expectBelow(rmsDifference(estimate, alone[i % 5] as Float32Array), 1e-5, `tile ${i + 1}`);
  });

  test('a climb tells its steps, its objective and whether it converged', async () => {
    const options = {
      beta: 4,
      priorSigma: small.model.sigmaRange[0],
      start: 'noisy',
      polish: false,
    } as const;
    const host = await opened('onnx', small);
    const engine = await engineFor(small);
    for (const [steps, rate] of [
      [4, 0.05],
      [40, 1e-4],
    ] as const) {
      const climb = () => betaMap(tile(small, 7, 0.1), 0.1, { ...options, steps, rate });
      const made = await estimateOf(engine, small, climb());
      const wanted = await estimateOf(host, small, climb());
      assert.equal(
        [made.steps, made.isConverged, made.evaluations],
        [wanted.steps, wanted.isConverged, wanted.evaluations],
      );
      expectBelow(Math.abs(made.objective / wanted.objective - 1), 1e-5, 'objective');
    }
    await host.close();
  });

  test.run();
}
