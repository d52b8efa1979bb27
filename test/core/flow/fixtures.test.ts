// The engines against the fixtures: numbers of an independent implementation in float64.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalEngine, TilePoint } from '#src/core/engine/engine.js';
import { openOnnxEngine } from '#src/core/engine/onnx/onnx-engine.js';
import { openTfjsEngine } from '#src/core/engine/tfjs/tfjs-engine.js';
import { glow } from '#src/core/flow/glow.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { noiseCondition } from '#src/core/flow/networks.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import type { Prior } from '#src/core/model/load-prior.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { FIXTURES, loadFixture, tilesOf } from '../fixture.js';
import { expectBelow, relativeDifference } from './differences.js';
import { float64Ops, tensor64 } from './float64-ops.js';

/** At most 1e-4 of the norm is allowed; flows as small as these stay below 4e-7 in float32. */
const ENGINE_TOLERANCE = 1e-5;
/** Both sides are float64: 1e-15 where this was measured. */
const ORACLE_TOLERANCE = 1e-12;

const ENGINES: Readonly<Record<string, (prior: Prior) => Promise<LocalEngine>>> = {
  'tfjs cpu': (prior) => openTfjsEngine('cpu', prior),
  'tfjs wasm': (prior) => openTfjsEngine('wasm', prior),
  onnx: openOnnxEngine,
};

for (const name of FIXTURES) {
  test(`${name}: the flow in float64`, async () => {
    const { prior, batch, logDensity, score } = await loadFixture(name);
    const { channels, height, width } = batch.shape;
    const density = densityAndScore(float64Ops, prior.model, parametersFrom(float64Ops, prior.weights));
    const result = density(
      tensor64(batch.y, [batch.shape.batch, channels, height, width]),
      tensor64(batch.sigma, [batch.shape.batch, 1]),
    );
    expectBelow(relativeDifference(result.logDensity.data, logDensity), ORACLE_TOLERANCE, 'log density');
    expectBelow(relativeDifference(result.score.data, score), ORACLE_TOLERANCE, 'score');
  });

  for (const [engineName, open] of Object.entries(ENGINES))
    test(`${name}: ${engineName}`, async () => {
      const { prior, batch, logDensity, score } = await loadFixture(name);
      const engine = await open(prior);
      try {
        const results = await Promise.all(tilesOf(batch).map(engine.evaluate));
        const densities = results.map((result) => result.logDensity);
        const scores = results.flatMap((result) => [...result.score]);
        expectBelow(relativeDifference(densities, logDensity), ENGINE_TOLERANCE, 'log density');
        expectBelow(relativeDifference(scores, score), ENGINE_TOLERANCE, 'score');
      } finally {
        await engine.close();
      }
    });

  test(`${name}: the inverse on tfjs gives the picture back to float32`, async () => {
    const { prior, batch } = await loadFixture(name);
    const { batch: count, channels, height, width } = batch.shape;
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const source = parametersFrom(tfjsOps, prior.weights);
      const condition = prior.model.conditioning
        ? noiseCondition(tfjsOps, source)(tf.tensor2d(batch.sigma, [count, 1]))
        : undefined;
      // Any picture will do: the numbers are read as NHWC here.
      const x = tf.tensor4d(batch.y, [count, height, width, channels]);
      const flow = glow(tfjsOps, prior.model, source);
      const back = flow.inverse(flow.forward(x, condition).latents, condition);
      assert.equal(back.shape, x.shape);
      expectBelow(relativeDifference(back.dataSync(), batch.y), 1e-5, 'inverse');
    });
  });
}

for (const backend of ['cpu', 'wasm'] as const)
  test(`tfjs ${backend} leaves no tensors: between evaluations, nor after close`, async () => {
    const { prior, batch } = await loadFixture('conditioned');
    const before = tf.memory().numTensors;
    const [tile] = tilesOf(batch) as [TilePoint];
    const engine = await openTfjsEngine(backend, prior);
    await engine.evaluate(tile);
    const afterOne = tf.memory().numTensors;
    assert.ok(afterOne > before, 'an open engine holds its weights');
    for (let i = 1; i < 20; i++) await engine.evaluate(tile);
    assert.is(tf.memory().numTensors, afterOne);
    await engine.close();
    assert.is(tf.memory().numTensors, before);
  });

test.run();
