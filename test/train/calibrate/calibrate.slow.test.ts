// Calibration on tiny priors: that what it finds is the best, is what the denoiser makes of it, and is kept.
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine } from '#src/core/engine/engine.js';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from '#src/core/errors.js';
import { psnr } from '#src/core/metrics/index.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadModel, loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import type { DenoiserOptions } from '#src/denoiser/options.js';
import { measureCalibrationPace } from '#src/train/calibrate/best-beta.js';
import {
  type CalibrateOptions,
  type CalibrationEstimate,
  calibrate,
  fitting,
} from '#src/train/calibrate/calibrate.js';
import { openCrops } from '#src/train/data/crops.js';
import { temporaryFolder, writeFiles } from '../data/training-pictures.js';

const temporary = await temporaryFolder();
const photos = join(temporary.folder, 'photos');
const SIZE = 16;
const SIDE = 48;
const LARGE = 32;

/** Pictures with planes and edges, each in its own colours. */
async function smoothFiles(count: number): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  for (let index = 0; index < count; index++) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><defs><linearGradient id="g" x2="1" y2="1">
      <stop stop-color="hsl(${index * 47},60%,30%)"/><stop offset="1" stop-color="hsl(${index * 91},70%,75%)"/></linearGradient></defs>
      <rect width="100%" height="100%" fill="url(#g)"/><circle cx="20" cy="26" r="11" fill="hsl(${index * 33},40%,40%)"/></svg>`;
    files[`${index}.png`] = await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer();
  }
  return files;
}
await writeFiles(photos, await smoothFiles(6));

let copies = 0;
async function copyOf(fixture: string): Promise<string> {
  const to = join(temporary.folder, `${fixture}-${copies++}`);
  await cp(fileURLToPath(new URL(`../../fixtures/${fixture}`, import.meta.url)), to, { recursive: true });
  return to;
}

/** The default prior, as a folder of the user's own. */
async function naturalCopy(): Promise<string> {
  const to = join(temporary.folder, `natural-${copies++}`);
  await cp(findPrior('natural'), to, { recursive: true });
  return to;
}

const planar = (data: Float32Array) => {
  const pixels = data.length / 3;
  return data.map((_, i) => data[(i % pixels) * 3 + Math.floor(i / pixels)] ?? Number.NaN);
};
const interleaved = (data: Float32Array) => {
  const pixels = data.length / 3;
  return data.map((_, i) => data[(i % 3) * pixels + Math.floor(i / 3)] ?? Number.NaN);
};
const clamped = (data: Float32Array) => data.map((value) => Math.min(1, Math.max(0, value)));

const defaults = { folder: photos, sigmas: [25], crops: 1, engine: 'onnx', threads: 1 } as const;
const run = (prior: string, changes: Partial<CalibrateOptions> = {}) =>
  calibrate({ ...defaults, prior, ...changes });

async function refusal(work: Promise<unknown>, code: FlowDenoiseErrorCode, words: string): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FlowDenoiseError)) throw new Error(`expected a refusal but got ${error}`);
  assert.is(error.code, code, error.message);
  assert.match(error.message, words);
}

test('the best beta is kept in model.json, and the prior still loads', async () => {
  const prior = await copyOf('conditioned');
  const before = await loadPrior(prior);
  const told: number[] = [];
  const result = await run(prior, {
    sigmas: [50, 10],
    crops: 3,
    onProgress: ({ done, row }) => {
      told.push(done);
      if (row) assert.ok(row.betaMap > 0);
    },
  });
  assert.equal(
    result.rows.map(({ sigma255 }) => sigma255),
    [10, 50],
    'ascending',
  );
  const { model, weights } = await loadPrior(prior);
  assert.equal(model.calibration?.betaMap, result.betaMap);
  assert.equal(
    model.calibration?.betaMap?.table,
    result.rows.map(({ sigma255, beta }) => ({ sigma255, beta })),
  );
  assert.equal(weights, before.weights);
  assert.is(model.weights.sha256, before.model.weights.sha256);
  assert.equal(
    told,
    [...told].sort((a, b) => a - b),
    'progress goes forwards',
  );
  assert.is(told.at(-1), 1);
  const card = await readFile(join(prior, 'README.md'), 'utf8');
  assert.match(card, `| beta | ${result.rows.map(({ beta }) => beta).join(' | ')} |`);
  const denoiser = await openDenoiser({ prior, method: 'beta-map', engine: 'onnx', threads: 1 });
  const picture = {
    data: Float32Array.from({ length: SIZE * SIZE * 3 }, (_, i) => (i % 3) / 3),
    width: SIZE,
    height: SIZE,
    channels: 3,
  } as const;
  const { report } = await denoiser.denoise(picture, { sigma: 50 });
  await denoiser.close();
  assert.ok(Math.abs((report.beta ?? 0) - (result.rows[1]?.beta ?? 1)) < 1e-9);
});

test('what it measures is what the denoiser does, and no other beta does better', async () => {
  const prior = await naturalCopy();
  const folder = join(temporary.folder, 'single');
  const [name = '', bytes = Buffer.alloc(0)] = Object.entries(await smoothFiles(1))[0] ?? [];
  await writeFiles(folder, { [name]: bytes });
  const options = { folder, crops: 1, cropSize: LARGE, sigmas: [30], dryRun: true };
  const [row] = (await run(prior, options)).rows;
  if (!row) throw new Error('no row');

  const margin = (SIDE - LARGE) / 2;
  const middle = sharp(bytes).extract({ left: margin, top: margin, width: LARGE, height: LARGE });
  const clean = Float32Array.from(await middle.raw().toBuffer(), (value) => value / 255);
  // The calibration's noise: its first seed, over planes.
  const noisy = interleaved(addGaussianNoise(planar(clean), 30 / 255, 5000));
  const picture = { data: noisy, width: LARGE, height: LARGE, channels: 3 } as const;
  async function measured(changes: DenoiserOptions): Promise<number> {
    const denoiser = await openDenoiser({ prior, engine: 'onnx', threads: 1, ...changes });
    const { data } = await denoiser.denoise(picture, { sigma: 30 });
    await denoiser.close();
    return psnr(clean, clamped(data));
  }
  const isNear = (a: number | undefined, b: number) =>
    assert.ok(Math.abs((a ?? 0) - b) < 1e-3, `${a}, not ${b}`);
  isNear(row.noisy, psnr(clean, clamped(noisy)));
  isNear(row.posteriorMean, await measured({ method: 'posterior-mean' }));
  const best = await measured({ beta: row.beta });
  isNear(row.betaMap, best);
  assert.ok(best > row.noisy + 5, `${best} dB`);
  for (const factor of [1 / 2, 2]) {
    const other = await measured({ beta: row.beta * factor });
    assert.ok(other <= best, `beta ${row.beta}: ${best} dB, times ${factor}: ${other} dB`);
  }
});

test('a level at which no beta is best is measured, and left out of what is kept', async () => {
  const prior = await naturalCopy();
  const options = { folder: photos, crops: 2, cropSize: LARGE, sigmas: [2.5, 30] };
  const { rows, betaMap } = await run(prior, options);
  const isDecided = rows.filter(({ isAtEnd }) => !isAtEnd);
  assert.equal(
    rows.map(({ isAtEnd }) => isAtEnd),
    [true, false],
    JSON.stringify(rows),
  );
  assert.equal(
    betaMap.table,
    isDecided.map(({ sigma255, beta }) => ({ sigma255, beta })),
  );
  assert.equal((await loadModel(prior)).calibration?.betaMap, betaMap);
  const alone = await run(prior, { ...options, sigmas: [2.5], dryRun: true });
  assert.is(alone.betaMap.table.length, 1, 'where all are, something has to be kept');
});

test('a dry run keeps nothing', async () => {
  const prior = await copyOf('conditioned');
  const before = await readFile(join(prior, 'model.json'));
  const { rows } = await run(prior, { dryRun: true });
  assert.is(rows.length, 1);
  assert.equal(await readFile(join(prior, 'model.json')), before);
  assert.equal((await readdir(prior)).includes('README.md'), false);
});

test('an unconditioned prior: no posterior mean, its own steps', async () => {
  const prior = await copyOf('unconditioned');
  const { rows, betaMap } = await run(prior, { crops: 1 });
  assert.is(rows[0]?.posteriorMean, undefined);
  assert.is(betaMap.steps, 200);
  assert.is(betaMap.polish, false);
  assert.equal((await loadModel(prior)).calibration?.betaMap, betaMap);
});

test('steps, rate and polish of a calibration that is there stay', async () => {
  const prior = await copyOf('conditioned');
  const file = join(prior, 'model.json');
  const model = JSON.parse(await readFile(file, 'utf8'));
  const own = { steps: 2, rate: 0.1, polish: false, table: [{ sigma255: 25, beta: 3 }] };
  await writeFile(file, JSON.stringify({ ...model, calibration: { betaMap: own } }));
  const { betaMap } = await run(prior);
  assert.equal({ ...betaMap, table: own.table }, own);
});

test('of the folder that it was trained on, the pictures that were kept', async () => {
  const source = await openCrops({ folders: [photos], crop: SIZE, batch: 1, seed: 1 });
  await source.close();
  const prior = await copyOf('conditioned');
  const file = join(prior, 'model.json');
  const model = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...model, provenance: { data: source.description } }));
  const kept = await run(prior, { dryRun: true });
  assert.equal([kept.areKept, kept.files], [true, source.description.validationPictures]);
  await writeFiles(photos, { 'one-more.png': (await smoothFiles(1))['0.png'] ?? Buffer.alloc(0) });
  const all = await run(prior, { dryRun: true });
  assert.equal([all.areKept, all.files], [false, 7]);
});

test('refusals', async () => {
  const prior = await copyOf('conditioned');
  await refusal(run('natural'), 'BAD_OPTION', 'priors path natural');
  await refusal(run(join(temporary.folder, 'nothing')), 'BAD_PRIOR', 'nothing');
  await refusal(run(prior, { folder: join(temporary.folder, 'nothing') }), 'BAD_OPTION', 'nothing');
  await refusal(run(prior, { sigmas: [10, 200] }), 'SIGMA_OUT_OF_RANGE', '200');
  await refusal(run(prior, { sigmas: [] }), 'BAD_OPTION', 'sigmas');
  await refusal(run(prior, { cropSize: 18 }), 'BAD_OPTION', 'multiple of 4');
  await refusal(run(prior, { cropSize: 512 }), 'BAD_OPTION', '512 x 512');
  await refusal(run(prior, { sheetTile: 8 }), 'BAD_OPTION', 'contact sheets');
  await refusal(run(prior, { crops: 0 }), 'BAD_OPTION', 'crops');
});

test('how long it will take is told before, and what does not fit the time is left out', async () => {
  const prior = await copyOf('conditioned');
  const told: CalibrationEstimate[] = [];
  const result = await run(prior, { sigmas: [10, 50], crops: 3, onEstimate: (each) => told.push(each) });
  assert.equal([told[0]?.levels, told[0]?.crops], [2, 3]);
  assert.ok((told[0]?.seconds ?? 0) > 0);
  assert.is(result.rows.length, 2);
  const before = await readFile(join(prior, 'model.json'));
  const short = await run(prior, { minutes: 1e-7 });
  assert.equal(short.rows, []);
  assert.equal(await readFile(join(prior, 'model.json')), before);

  const sigmas = [5, 10, 17, 25, 34, 50, 80];
  assert.equal(fitting(sigmas, 24, 1, undefined), { sigmas, crops: 24, seconds: 7 * 240 });
  const fewer = fitting(sigmas, 24, 1, 15);
  assert.equal([fewer.sigmas, fewer.crops], [sigmas, 10]);
  const least = fitting(sigmas, 24, 1, 3);
  assert.equal([least.sigmas, least.crops], [[5, 25, 80], 4]);
  for (const { seconds, minutes } of [
    { ...fewer, minutes: 15 },
    { ...least, minutes: 3 },
  ])
    assert.ok(seconds <= 60 * minutes);
});

/** An engine whose evaluations take long at first, as those do that wait for a thread to start. */
function slowAtFirst(slow: number) {
  let calls = 0;
  const device = { library: 'none', device: 'none', kind: 'cpu' } as const;
  const engine: Engine = {
    name: 'onnx',
    why: 'a test asked for it',
    device,
    threads: 1,
    lanes: 1,
    async evaluate({ y }) {
      if (calls++ < slow) await delay(40);
      return { logDensity: 0, score: y.slice() };
    },
    async close() {},
  };
  return { engine, calls: () => calls };
}

test('its pace is that of an engine that is ready', async () => {
  const model = await loadModel(await copyOf('conditioned'));
  const crops = [new Float32Array(3 * SIZE * SIZE)];
  const task = { model, size: SIZE, crops, signal: undefined };
  const counted = slowAtFirst(0);
  const passes = 3;
  await measureCalibrationPace({ ...task, engine: counted.engine }, 25);
  const { engine } = slowAtFirst((counted.calls() * (passes - 1)) / passes);
  const secondsPerCrop = await measureCalibrationPace({ ...task, engine }, 25);
  assert.ok(secondsPerCrop < 0.03, `${secondsPerCrop} s`);
});

test('aborting ends it and keeps nothing', async () => {
  const prior = await copyOf('conditioned');
  const before = await readFile(join(prior, 'model.json'));
  const stopping = new AbortController();
  const work = run(prior, {
    signal: stopping.signal,
    onProgress: () => stopping.abort(new Error('enough')),
  });
  assert.is(await work.catch((error: Error) => error.message), 'enough');
  assert.equal(await readFile(join(prior, 'model.json')), before);
});

test.after(temporary.remove);
test.run();
