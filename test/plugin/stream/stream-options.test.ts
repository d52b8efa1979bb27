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

test('an option that is present but undefined counts as absent', () => {
  const denoiser = identityDenoiser();
  const options = { sigma: undefined, denoiser, prior: undefined, preset: undefined, colour: undefined };
  for (const open of [denoiseStream, denoiseBytes]) open(options).destroy();
  assert.equal(parseStreamOptions(options).noise, parseStreamOptions().noise);
  denoiseStream({ preset: 'best', method: undefined, ensemble: undefined }).destroy();
});

test.run();
