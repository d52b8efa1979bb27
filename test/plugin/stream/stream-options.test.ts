import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { denoiseBytes } from '#src/plugin/denoise-bytes.js';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { parseStreamOptions } from '#src/plugin/stream-options.js';
import { identityDenoiser } from '../identity-denoiser.js';

test('options are checked at once', () => {
  const denoiser = identityDenoiser();
  const refusals: readonly (readonly [unknown, RegExp])[] = [
    [{ sigma: 25, strength: 2 }, /from 0 to 1 for strength but received 2/],
    [{ noise: 'pink' }, /noise but received 'pink'/],
    [{ noise: { model: 'poisson-gaussian' } }, /noise/],
    [{ sigma: 0 }, /sigma/],
    [{ sigma: -1 }, /sigma/],
    [{ sigma: 1000 }, /sigma/],
    [{ sigma: 'abc' }, /sigma.*abc/s],
    [{ sigma: 25, concurrency: 0 }, /concurrency/],
    [{ sigma: 25, concurency: 2 }, /concurency/],
    [{ sigma: 25, denoiser: {} }, /denoiser/],
    [{ sigma: 25, denoiser, prior: 'natural' }, /Pass either denoiser or prior, not both/],
    [{ quality: 'high' }, /a whole number from 1 to 100 for quality but received 'high'/],
  ];
  for (const [options, message] of refusals) {
    try {
      denoiseStream(options as Parameters<typeof denoiseStream>[0]);
      assert.unreachable(JSON.stringify(options));
    } catch (error) {
      if (error instanceof assert.Assertion) throw error;
      assert.is(error instanceof FlowDenoiseError && error.code, 'BAD_OPTION');
      assert.match(String(error), message);
    }
  }
});

test('a value of any kind is refused in a short message that names its option', () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  for (const [options, message] of [
    [{ signal: circular }, /an AbortSignal for signal but received .*Circular.* of type object$/],
    [{ sigma: 25n }, /for sigma but received 25n of type bigint$/],
    [{ sigma: { value: 25n } }, /for sigma but received { value: 25n } of type object$/],
    [{ sigma: Symbol('x') }, /for sigma but received Symbol\(x\) of type symbol$/],
    [{ sigma: new Error('x') }, /for sigma but received Error: x at .*\.\.\. of type object$/],
    [{ preset: 'best'.repeat(1e6) }, /for preset but received 'bestbest.*\.\.\.'$/],
    [
      { strength: Array.from({ length: 1e6 }, () => 25) },
      /for strength but received \[ 25, .* of type object$/,
    ],
    [
      { denoiser: Promise.resolve(identityDenoiser()) },
      /for denoiser but received a Promise; await it first$/,
    ],
    [Buffer.alloc(1e4), /for denoise but received 0, 1, 2, .*\.\.\.$/],
  ] as const)
    try {
      denoiseStream(options as unknown as Parameters<typeof denoiseStream>[0]);
      assert.unreachable(String(message));
    } catch (error) {
      if (error instanceof assert.Assertion) throw error;
      assert.is(error instanceof FlowDenoiseError && error.code, 'BAD_OPTION', String(error));
      assert.match(String(error), message);
      assert.not.match(String(error), /\n/);
      assert.ok(String(error).length < 600, `${String(error).length} characters`);
    }
});

test('an option that is present but undefined counts as absent', () => {
  const denoiser = identityDenoiser();
  const options = { sigma: undefined, denoiser, prior: undefined, preset: undefined, colour: undefined };
  for (const open of [denoiseStream, denoiseBytes]) open(options).destroy();
  assert.equal(parseStreamOptions(options).noise, parseStreamOptions().noise);
  denoiseStream({ preset: 'best', method: undefined, ensemble: undefined }).destroy();
});

test.run();
