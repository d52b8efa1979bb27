// What a denoiser refuses, with which code, and that the message says what was received. And how it stops.
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from '#src/core/errors.js';
import type { Picture } from '#src/core/picture.js';
import type { DenoiseCallOptions, Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { fixtureFolder } from '../core/fixture.js';
import { expectBelow, largestDifference } from '../core/flow/differences.js';
import { noisyPicture } from './noisy-picture.js';

const { noisy } = noisyPicture(160, 120, 3, 25);
const good = { sigma: 25 };

const test = suite('refusals', { denoiser: undefined } as unknown as { denoiser: Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ method: 'posterior-mean', tileSize: 48, overlap: 8 });
});
test.after(({ denoiser }) => denoiser.close());

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

async function refuses(promise: Promise<unknown>, code: FlowDenoiseErrorCode, ...patterns: RegExp[]) {
  const error = await rejection(promise);
  assert.instance(error, FlowDenoiseError);
  const { code: actual, message } = error as FlowDenoiseError;
  assert.is(actual, code, message);
  for (const pattern of patterns) assert.match(message, pattern);
  assert.not.match(message, /\n/);
}

for (const [sigma, received] of [
  [0, /sigma but received 0$/],
  [-1, /sigma but received -1$/],
  [1000, /sigma but received 1000$/],
  [Number.NaN, /sigma but received NaN, which is not a number$/],
  [Number.POSITIVE_INFINITY, /sigma but received Infinity$/],
  ['abc', /sigma but received 'abc'$/],
  ['25', /sigma but received '25'$/],
  [null, /sigma but received null/],
] as const)
  test(`sigma ${sigma}`, ({ denoiser }) =>
    refuses(
      denoiser.denoise(noisy, { sigma } as unknown as DenoiseCallOptions),
      'BAD_OPTION',
      /Expected a number above 0 and at most 255/,
      received,
    ));

test('options of the wrong kind, or an unknown one', async ({ denoiser }) => {
  const call = (options: unknown) => denoiser.denoise(noisy, options as DenoiseCallOptions);
  for (const options of [25, 'auto']) await refuses(call(options), 'BAD_OPTION', /an object of options/);
  await refuses(
    call({ ...good, sgima: 3 }),
    'BAD_OPTION',
    /sigma, noise, strength, black, white, sigmaMap, region, beta, signal, onProgress/,
    /received sgima/,
  );
  await refuses(call({ ...good, onProgress: 'loud' }), 'BAD_OPTION', /onProgress but received 'loud'/);
  await refuses(call({ ...good, signal: {} }), 'BAD_OPTION', /AbortSignal for signal/);
});

test('words about the noise that contradict each other', async ({ denoiser }) => {
  const call = (options: DenoiseCallOptions) => denoiser.denoise(noisy, options);
  const map = new Float32Array(160 * 120).fill(25);
  const sensor = { model: 'poisson-gaussian', gain: 2 } as const;
  await refuses(
    call({ sigma: 25, sigmaMap: map }),
    'BAD_OPTION',
    /Pass either sigmaMap or (sigma|noise), not both/,
  );
  await refuses(
    call({ noise: sensor, sigmaMap: map }),
    'BAD_OPTION',
    /Pass either sigmaMap or (sigma|noise), not both/,
  );
  await refuses(
    call({ noise: sensor, sigma: 25 }),
    'BAD_OPTION',
    /Pass sigma either in noise or as sigma, not both/,
  );
  await refuses(
    call({ sigmaMap: map.slice(1) }),
    'UNSUPPORTED_IMAGE',
    /160 x 120 = 19200 numbers/,
    /received 19199;/,
  );
  await refuses(
    call({ sigmaMap: map.fill(0, 7, 8) }),
    'BAD_OPTION',
    /above 0 and at most 255 for sigmaMap but received 0 among/,
  );
  await refuses(call({ strength: 1.1 }), 'BAD_OPTION', /from 0 to 1 for strength but received 1\.1/);
  await refuses(call({ noise: { ...sensor, gain: 0 } }), 'BAD_OPTION', /gain, sigma, offset .* for noise/);
});

test("a sigma outside of the prior's range says the range", async ({ denoiser }) => {
  // natural: 2.5 to 100; on grey pictures, which get noise between the channels, 1 / sqrt(3) of it.
  for (const sigma of [2.4, 101])
    await refuses(
      denoiser.denoise(noisy, { sigma }),
      'SIGMA_OUT_OF_RANGE',
      /from 2\.5 to 100 for sigma with prior natural/,
      new RegExp(`received ${sigma};`),
    );
  const grey = { ...noisy, data: noisy.data.slice(0, 160 * 120), channels: 1 as const };
  for (const sigma of [1.4, 58])
    await refuses(denoiser.denoise(grey, { sigma }), 'SIGMA_OUT_OF_RANGE', /1\.443 to 57\.74/, /grey/);
  const dot = { data: Float32Array.of(0.5, 0.4, 0.5), width: 1, height: 1, channels: 3 } as const;
  for (const sigma of [2.5, 100]) await denoiser.denoise(dot, { sigma });
});

test('samples that are not finite', async ({ denoiser }) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
    for (const position of [0, 30_000, noisy.data.length - 1]) {
      const data = Float32Array.from(noisy.data);
      data[position] = bad;
      await refuses(
        denoiser.denoise({ ...noisy, data }, good),
        'BAD_IMAGE',
        /found 1 sample that is NaN or infinite, the first in the pixel at \d+, \d+;/,
      );
    }
});

test('samples that do not fit the size', async ({ denoiser }) => {
  const call = (change: object) => denoiser.denoise({ ...noisy, ...change } as Picture<Float32Array>, good);
  await refuses(call({ width: 161 }), 'BAD_IMAGE', /161 x 120 x 3 samples/, /received 57600/);
  await refuses(call({ channels: 4 }), 'BAD_IMAGE', /160 x 120 x 4 samples/);
  await refuses(call({ channels: 5 }), 'BAD_IMAGE', /received 160, 120 and 5/);
  await refuses(call({ width: 0, data: new Float32Array() }), 'BAD_IMAGE', /received 0, 120 and 3/);
  await refuses(call({ height: 1.5 }), 'BAD_IMAGE', /received 160, 1\.5 and 3/);
  await refuses(
    call({ data: new Float64Array(57_600) }),
    'BAD_IMAGE',
    /Float32Array.*received Float64Array$/,
  );
  await refuses(call({ data: new Uint8ClampedArray(57_600) }), 'BAD_IMAGE', /received Uint8ClampedArray$/);
  await refuses(call({ data: undefined }), 'BAD_IMAGE', /Float32Array.*received undefined$/);
  await refuses(
    denoiser.denoise(undefined as unknown as Picture<Float32Array>, good),
    'BAD_IMAGE',
    /Float32Array/,
  );
});

test("samples of another realm's types, as in jest, are denoised", async ({ denoiser }) => {
  const small = noisyPicture(24, 16, 3, 25).noisy;
  for (const [type, white] of [
    ['Uint8Array', 255],
    ['Uint16Array', 65535],
    ['Float32Array', 1],
  ] as const) {
    const Own = { Uint8Array, Uint16Array, Float32Array }[type];
    const own = new Own(small.data.map((value) => Math.min(1, Math.max(0, value)) * white));
    const data = new (runInNewContext(type) as typeof Own)(own);
    assert.not.instance(data, Own);
    const expected = await denoiser.denoise({ ...small, data: own }, good);
    const found = await denoiser.denoise({ ...small, data }, good);
    assert.equal(found.data, expected.data);
  }
  const sigmaMap = new (runInNewContext('Float32Array') as typeof Float32Array)(24 * 16).fill(25);
  const expected = await denoiser.denoise(small, { sigmaMap: Float32Array.from(sigmaMap) });
  assert.equal((await denoiser.denoise(small, { sigmaMap })).data, expected.data);
});

for (const [name, options, ...patterns] of [
  ['an unknown option', { tilesize: 64 }, /tileSize/, /received tilesize/],
  ['an unknown method', { method: 'map' }, /'posterior-mean' or 'beta-map' for method/, /received 'map'/],
  ['an unknown engine', { engine: 'cuda' }, /'onnx:webgpu' for engine but received 'cuda'/],
  ['beta 0', { beta: 0 }, /beta but received 0/],
  ['a tile of 8', { tileSize: 8 }, /from 16 to 4096 \(pixels\) for tileSize but received 8/],
  [
    'an overlap as large as the tile',
    { tileSize: 64, overlap: 64 },
    /from 0 to 56 for overlap but received 64/,
  ],
  ['half a thread', { threads: 0.5 }, /threads but received 0\.5/],
] as [string, object, ...RegExp[]][])
  test(`openDenoiser with ${name}`, () => refuses(openDenoiser(options), 'BAD_OPTION', ...patterns));

test('openDenoiser with a prior that there is not', () =>
  refuses(
    openDenoiser({ prior: 'landscapes' }),
    'BAD_PRIOR',
    /faces64, faces64-likelihood, free, natural/,
    /received landscapes/,
  ));

test('an unconditioned prior: no posterior mean, but beta-MAP', async () => {
  const prior = fixtureFolder('unconditioned');
  const call = openDenoiser({ prior, method: 'posterior-mean' });
  await refuses(
    call,
    'NEEDS_CONDITIONING',
    /Expected 'beta-map' for method with prior fixture-unconditioned/,
  );
  const denoiser = await openDenoiser({ prior, method: 'beta-map', tileSize: 32, overlap: 8, beta: 2 });
  try {
    const small = noisyPicture(40, 24, 3, 25);
    const { data, report } = await denoiser.denoise(small.noisy, good);
    assert.ok(data.every(Number.isFinite));
    assert.ok(largestDifference(data, small.noisy.data) > 0.01);
    assert.is(report.beta, 2);
  } finally {
    await denoiser.close();
  }
});

test('an abort before the start', async ({ denoiser }) => {
  const reason = new Error('not today');
  let tiles = 0;
  const options = { ...good, signal: AbortSignal.abort(reason), onProgress: () => tiles++ };
  assert.is(await rejection(denoiser.denoise(noisy, options)), reason);
  assert.is(tiles, 0);
});

test('an abort on the way rejects with its reason, and the next picture is as ever', async ({ denoiser }) => {
  const expected = await denoiser.denoise(noisy, good);
  for (const at of [1, 3, expected.report.tiles]) {
    const abort = new AbortController();
    const reason = new Error(`enough after ${at}`);
    let last = 0;
    const onProgress = ({ tilesDone }: { tilesDone: number }) => {
      last = tilesDone;
      if (tilesDone === at) abort.abort(reason);
    };
    const other = denoiser.denoise(noisy, good);
    const call = denoiser.denoise(noisy, { ...good, signal: abort.signal, onProgress });
    assert.is(await rejection(call), reason);
    assert.is(last, at, 'tiles were finished after the abort');
    expectBelow(largestDifference((await other).data, expected.data), 1e-5, 'a picture beside it');
  }
  const { data } = await denoiser.denoise(noisy, good);
  expectBelow(largestDifference(data, expected.data), 1e-5, 'the next picture');
});

test('close rejects work in flight and all that comes after', async () => {
  const denoiser = await openDenoiser({ method: 'posterior-mean', tileSize: 48, overlap: 8, threads: 1 });
  const inFlight = denoiser.denoise(noisy, good);
  const refused = refuses(inFlight, 'CLOSED');
  await denoiser.close();
  await refused;
  await refuses(denoiser.denoise(noisy, good), 'CLOSED', /open a new/);
  await refuses(denoiser.estimate([]), 'CLOSED', /open a new/);
  await denoiser.close();
});

test('an estimate checks its sizes and approach', async ({ denoiser }) => {
  const sizes = [{ width: 64, height: 64 }];
  const estimate = (...given: unknown[]) => denoiser.estimate(...(given as Parameters<Denoiser['estimate']>));
  for (const [approach, ...patterns] of [
    [{ method: 'foo' }, /'posterior-mean' or 'beta-map' for method but received 'foo'/],
    [{ ensemble: 3 }, /1, 4 or 8 for ensemble but received 3/],
    [{ preset: 'slow' }, /'fast' or 'best' for preset/],
    [{ preset: 'best', scales: 2 }, /Pass either preset or scales, not both/],
    [{ tiles: 1 }, /preset, method, ensemble, scales for estimate but received tiles/],
    ['best', /an object of options for estimate/],
  ] as const)
    await refuses(estimate(sizes, approach), 'BAD_OPTION', ...patterns);
  for (const wrong of [undefined, null, {}, [{}], [null], [{ width: 0, height: 5 }]])
    await refuses(estimate(wrong), 'BAD_OPTION', /a list of { width, height } in pixels for sizes/);
  const four = await estimate(sizes, { ensemble: 4, scales: 3 });
  assert.equal(await estimate(sizes, { preset: 'best' }), four);
});

test('a call that is aborted rejects, also for a picture that would not change', async ({ denoiser }) => {
  const controller = new AbortController();
  const data = new Uint8Array(3 * 64 * 64).fill(90);
  const work = denoiser.denoise({ data, width: 64, height: 64, channels: 3 }, { signal: controller.signal });
  controller.abort(new Error('enough'));
  assert.match(String(await work.catch((reason: unknown) => reason)), /enough/);
});

test.run();
