// Speed, all sides in one run, interleaved, medians: the whole pipeline (PNG in, PNG out) against the engine alone
// on the same tiles, and against one tile at a time on all cores; then s/MP of both methods on each engine.
// Usage: node --import tsx bench/speed.ts [megapixels] [rounds] [megapixels for the engines' table]
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { openEngine } from '#src/core/engine/open-engine.js';
import { recordDensityAndScore } from '#src/core/engine/record.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { decodePicture, encodePicture } from '#src/image/index.js';
import { planTiles } from '#src/tile/plan.js';

const [megapixels = '4', rounds = '3', engineMegapixels = '1'] = process.argv.slice(2);
const SIGMA = 25;

/** A photograph blown up to so many megapixels, with noise, as a PNG file. */
async function noisyPng(size: number): Promise<{ bytes: Buffer; width: number; height: number }> {
  const width = Math.round(Math.sqrt((size * 1e6 * 4) / 3));
  const height = Math.round((width * 3) / 4);
  const raw = await sharp('examples/photos/coffee.png')
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer();
  const noisy = addGaussianNoise(
    Float32Array.from(raw, (value) => value / 255),
    SIGMA / 255,
    3,
  );
  const pixels = Uint8ClampedArray.from(noisy, (value) => value * 255);
  const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { bytes, width, height };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const prior = await loadPrior(findPrior('natural'));
const { bytes, width, height } = await noisyPng(Number(megapixels));
const plan = planTiles({ width, height, tileSize: 256, overlap: 24, multiple: 8 });
const shape = { batch: 1, channels: 3, height: plan.tileHeight, width: plan.tileWidth };
const tile = new Float32Array(3 * shape.height * shape.width).fill(0.5);
const sigma = SIGMA / 255;

const denoiser = await openDenoiser({ method: 'posterior-mean', tileSize: 256, overlap: 24 });
async function pipeline(): Promise<void> {
  const decoded = await decodePicture(bytes, 'noisy.png');
  const { data } = await denoiser.denoisePicture(decoded.picture, { sigma: SIGMA });
  await encodePicture(decoded, data);
}

const engine = await openEngine(prior, { engine: 'onnx' });
async function engineAlone(): Promise<void> {
  let left = plan.tiles.length;
  const lane = async () => {
    while (left-- > 0) await engine.evaluate({ shape, y: tile.slice(), sigma: Float32Array.of(sigma) });
  };
  await Promise.all(Array.from({ length: engine.lanes }, lane));
}

const allCores = await ort.InferenceSession.create(recordDensityAndScore(prior, shape, sigma), {
  intraOpNumThreads: availableParallelism(),
  enableCpuMemArena: false,
  enableMemPattern: false,
  logSeverityLevel: 3,
});
async function oneTileOnAllCores(): Promise<void> {
  for (const _ of plan.tiles)
    await allCores.run({ y: new ort.Tensor('float32', tile, [1, 3, shape.height, shape.width]) });
}

const sides = { pipeline, 'engine alone': engineAlone, 'one tile on all cores': oneTileOnAllCores };
const times: Record<string, number[]> = {};
for (let round = 0; round <= Number(rounds); round++) {
  for (const [name, work] of Object.entries(sides)) {
    const seconds = await time(work);
    // The first round warms up: sessions are made.
    if (round > 0) times[name] = [...(times[name] ?? []), seconds];
  }
}
await Promise.all([denoiser.close(), engine.close(), allCores.release()]);
const alone = median(times['engine alone'] ?? []);
const mp = (width * height) / 1e6;
console.log(
  `${width} x ${height} PNG, ${plan.tiles.length} tiles, posterior mean, medians of ${rounds} rounds:`,
);
for (const [name, values] of Object.entries(times)) {
  const seconds = median(values);
  const ratio = (seconds / alone).toFixed(3);
  console.log(
    `  ${name}: ${seconds.toFixed(2)} s, ${(seconds / mp).toFixed(2)} s/MP, ${ratio} of the engine alone`,
  );
}

const small = await noisyPng(Number(engineMegapixels));
const { picture } = await decodePicture(small.bytes, 'noisy.png');
const smallMp = (small.width * small.height) / 1e6;
for (const engineName of ['onnx', 'wasm'] as const) {
  for (const method of ['posterior-mean', 'beta-map'] as const) {
    const denoiser = await openDenoiser({ engine: engineName, method });
    // A first picture makes the sessions, as in any run of more than one picture.
    if (engineName === 'onnx') await denoiser.denoisePicture(picture, { sigma: SIGMA });
    const seconds = await time(() => denoiser.denoisePicture(picture, { sigma: SIGMA }));
    await denoiser.close();
    console.log(
      `  ${engineName} ${method}: ${(seconds / smallMp).toFixed(2)} s/MP (${smallMp.toFixed(2)} MP)`,
    );
  }
}
