// `prior: 'auto'`: a face gets the prior of faces, a photograph that of photographs, by figures that are told.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { addGaussianNoise, gaussianNoise } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import { priorsToChooseFrom } from '#src/denoiser/auto-denoiser.js';
import { type Candidate, choosePrior, evidenceSizes } from '#src/denoiser/choose-prior.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { photo } from '../core/photo.js';
import { sharedPath } from '../shared.js';

const SIGMA = 17;
const CALL = { noise: 'gaussian', strength: 1, sigma: SIGMA } as const;

function noisy({
  data,
  width,
  height,
}: {
  data: Float32Array;
  width: number;
  height: number;
}): Picture<Float32Array> {
  return { data: addGaussianNoise(data, SIGMA / 255, 3), width, height, channels: 3 };
}

const photograph = async () =>
  noisy(await photo('chelsea.png', { left: 60, top: 40, width: 200, height: 160 }));

const test = suite('prior auto', { denoiser: undefined } as unknown as { denoiser: Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ prior: 'auto', method: 'posterior-mean', threads: 1 });
});
test.after(({ denoiser }) => denoiser.close());

test('a photograph: natural, with the same result as when it is named', async ({ denoiser }) => {
  const image = await photograph();
  const warnings: string[] = [];
  const onWarning = ({ name }: Error) => warnings.push(name);
  process.on('warning', onWarning);
  const { signal } = new AbortController();
  const { data, report } = await denoiser.denoise(image, { sigma: SIGMA, signal });
  process.off('warning', onWarning);
  assert.equal(warnings, []);
  assert.is(report.prior, 'natural');
  const [best, second] = report.priorChoice?.figures ?? [];
  assert.is(best?.prior, 'natural');
  assert.ok(best && second && best.natsPerSample > second.natsPerSample && second.natsPerSample > 0);
  assert.match(
    report.priorChoice?.why ?? '',
    /likeliest.*natural \d\.\d{4}, faces64 \d\.\d{4}, free \d\.\d{4}/,
  );
  const named = await openDenoiser({ method: 'posterior-mean', threads: 1 });
  try {
    const expected = await named.denoise(image, { sigma: SIGMA });
    assert.equal(data, expected.data);
    assert.is(expected.report.priorChoice, undefined);
  } finally {
    await named.close();
  }
});

test('faces: faces64; in grey, by sigma found, as bytes', async ({ denoiser }) => {
  const folder = sharedPath('data/faces64/validation/');
  if (!folder) return;
  for (const name of (await readdir(folder)).sort().slice(0, 3)) {
    const image = sharp(folder + name).removeAlpha();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const face = noisy({ data: Float32Array.from(data, (value) => value / 255), width, height });
    const bytes = new Uint8Array(Uint8ClampedArray.from(face.data, (value) => value * 255));
    const picture = { data: bytes, width, height, channels: 3 } as const;
    const { report } = await denoiser.denoise(picture, { sigma: SIGMA });
    assert.is(report.prior, 'faces64', name);
    const grey = { data: bytes.filter((_, i) => i % 3 === 1), width, height, channels: 1 } as const;
    const told = await denoiser.denoise(grey, { sigma: SIGMA });
    assert.is(told.report.priorChoice?.figures.length, 3, name);
  }
});

test('noise that only one prior knows: that one; a clean picture: the default, left as it is', async ({
  denoiser,
}) => {
  const image = await photograph();
  const open = () => Promise.reject(new Error('opened'));
  const all = (await priorsToChooseFrom()).map(({ name, model }) => ({ name, model, open }));
  const strong = await choosePrior(image, { ...CALL, sigma: 90 }, withoutFree(all), CONTEXT);
  assert.is(strong.prior, 'natural');
  assert.equal(strong.figures, []);
  assert.match(strong.why, 'no other knows such noise');
  const data = new Uint8Array(3 * 96 * 96).fill(90);
  const clean = await denoiser.denoise({ data, width: 96, height: 96, channels: 3 });
  assert.is(clean.report.isUnchanged, true);
  assert.equal(clean.report.priorChoice?.figures, []);
});

/** natural and faces64, which is not for strong noise. */
const withoutFree = (candidates: readonly Candidate[]) => candidates.filter(({ name }) => name !== 'free');

test('a noise model of your own: beta-MAP by itself, unless you name another method', async ({
  denoiser,
}) => {
  const image = noisy(await photo('chelsea.png', { left: 60, top: 40, width: 64, height: 64 }));
  const call = { sigma: SIGMA, noise: { ...gaussianNoise(SIGMA / 255), name: 'mine' } };
  const free = await openDenoiser({ prior: 'auto', threads: 1 });
  try {
    const { report } = await free.denoise(image, call);
    assert.equal([report.method, report.noise.model, report.prior], ['beta-map', 'mine', 'natural']);
  } finally {
    await free.close();
  }
  const refused = await denoiser.denoise(image, call).catch(String);
  assert.match(String(refused), /'beta-map' for the noise model mine but received 'posterior-mean'/);
});

test('what it is, before a picture came', async ({ denoiser }) => {
  assert.is(denoiser.prior, 'auto');
  assert.equal(denoiser.sigmaRange?.colour, [2.5, 100]);
  const named = await openDenoiser({ method: 'posterior-mean', threads: 1 });
  try {
    assert.not.equal(denoiser.fingerprint, named.fingerprint);
    // One tile is compared with noise drawn four times, four tiles with noise drawn once.
    const choosing: number[] = [];
    for (const side of [64, 128]) {
      const sizes = [{ width: side, height: side }];
      const [auto, one] = await Promise.all([denoiser.estimate(sizes), named.estimate(sizes)]);
      assert.is(auto.tiles, one.tiles);
      choosing.push(auto.evaluations - one.evaluations);
    }
    assert.ok(choosing[0] && choosing[0] > 0);
    assert.is(choosing[0], choosing[1]);
  } finally {
    await named.close();
  }
});

/** No picture here is asked for its noise. */
const CONTEXT = { method: 'beta-map', meter: openNoiseMeter() } as const;

test('priors without a noise level are not compared; engines open only to compare', async () => {
  for (const { name, model } of await priorsToChooseFrom()) assert.ok(model.conditioning, name);
  const opened: string[] = [];
  const candidates = (await priorsToChooseFrom()).map(
    ({ name, model }): Candidate => ({
      name,
      model,
      open: async () => {
        opened.push(name);
        throw new Error('opened');
      },
    }),
  );
  const image = await photograph();
  await choosePrior(image, { ...CALL, sigma: 90 }, withoutFree(candidates), CONTEXT);
  await choosePrior(image, { ...CALL, strength: 0 }, candidates, CONTEXT);
  assert.equal(opened, []);
  const failing = choosePrior(image, CALL, candidates, CONTEXT);
  assert.is(await failing.catch((error: Error) => error.message), 'opened');
  const aborted = { ...CALL, signal: AbortSignal.abort(new Error('stop')) };
  const denoiser = await openDenoiser({ prior: 'auto', threads: 1 });
  try {
    const stopped = denoiser.denoise(image, aborted);
    assert.is(
      await stopped.then(
        () => '',
        (error: Error) => error.message,
      ),
      'stop',
    );
  } finally {
    await denoiser.close();
  }
  for (const [width, height, most] of [
    [64, 64, 4],
    [5000, 4000, 8],
    [20_000, 8, 8],
    [1, 1, 4],
    [200, 130, 8],
  ] as const) {
    const probes = evidenceSizes({ width, height }, candidates);
    assert.ok(probes.length >= 4 && probes.length <= most, `${width} x ${height}: ${probes.length}`);
    assert.ok(probes.every((probe) => probe.width <= 64 && probe.height <= 64));
  }
});

test.run();
