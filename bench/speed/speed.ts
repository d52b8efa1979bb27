// Speed in sections; the sides of each take turns, and a first round that warms up does not count:
//   pipeline    PNG in, PNG out, against the engine alone on the same tiles and against one tile at a time on all cores
//   approaches  methods, ensembles and scales
//   engines     both methods on each engine that needs no GPU; batches: bench/speed/engines.ts
//   tiles       by tile size
//   threads     by number of threads
//   start       until a denoiser is open, and until its first picture of 64 x 64 is done, each in a process of its own
//   sizes       against the picture's size, 0.1 to 12 MP, posterior mean; 24 MP is in memory
//   memory      largest resident size, event loop lag and time of one picture, each in a process of its own
// With --save: docs/results/speed.json, section by section.
// Usage: npm run bench -- speed [sections, or all] [megapixels] [rounds] [--save]
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { recordDensityAndScore } from '#src/core/engine/onnx/onnx-engine.js';
import { loadOnnxRuntime } from '#src/core/engine/onnx/onnx-runtime.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import type { DenoiserOptions } from '#src/denoiser/options.js';
import { decodePicture, encodePicture } from '#src/image/index.js';
import { planTiles } from '#src/tile/plan.js';
import { toBytes, toFloats } from '../pictures.js';
import { approachFrom, benchArguments, median, openResults, rounded, secondsOf } from '../results.js';

const SIGMA = 25;
const { args, isKept } = benchArguments();
const [wanted = 'all', megapixels = '1', rounds = '3'] = args;

/** One side of a comparison: does the work once. */
interface Side {
  readonly work: () => Promise<unknown>;
  readonly close?: () => Promise<unknown>;
}

interface Measured {
  readonly what: string;
  readonly unit: string;
  readonly values: readonly number[];
}

/** A photograph blown up to so many megapixels, with noise, as a PNG file. */
async function noisyPng(size: number): Promise<{ bytes: Buffer; width: number; height: number }> {
  const width = Math.round(Math.sqrt((size * 1e6 * 4) / 3));
  const height = Math.round((width * 3) / 4);
  const raw = await sharp('examples/photos/coffee.png')
    .resize(width, height, { fit: 'fill' })
    .raw()
    .toBuffer();
  const noisy = toBytes(addGaussianNoise(toFloats(raw), SIGMA / 255, 3));
  const bytes = await sharp(noisy, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { bytes, width, height };
}

/** Seconds per megapixel of every side, round by round; `once`: no round before that warms up. */
async function takeTurns(
  sides: Readonly<Record<string, Side>>,
  pixels: number,
  times: number | 'once' = Number(rounds),
): Promise<Measured[]> {
  const names = Object.keys(sides);
  const values = new Map(names.map((name) => [name, [] as number[]]));
  const [first, last] = times === 'once' ? [1, 1] : [0, times];
  for (let round = first; round <= last; round++)
    for (const [name, { work }] of Object.entries(sides)) {
      const taken = await secondsOf(work);
      if (round > 0) values.get(name)?.push((taken / pixels) * 1e6);
    }
  for (const { close } of Object.values(sides)) await close?.();
  return names.map((what) => ({ what, unit: 's/MP', values: values.get(what) ?? [] }));
}

/** Denoisers that take turns on one picture. */
async function compared(
  denoisers: Readonly<Record<string, DenoiserOptions>>,
  size = Number(megapixels),
  times: number | 'once' = Number(rounds),
): Promise<Measured[]> {
  const { bytes, width, height } = await noisyPng(size);
  const { picture } = await decodePicture(bytes, 'noisy.png');
  const sides: Record<string, Side> = {};
  for (const [name, options] of Object.entries(denoisers)) {
    const denoiser = await openDenoiser(options);
    sides[name] = {
      work: () => denoiser.denoise(picture, { sigma: SIGMA }),
      close: () => denoiser.close(),
    };
  }
  return takeTurns(sides, width * height, times);
}

async function pipeline(): Promise<Measured[]> {
  const prior = await loadPrior(findPrior('natural'));
  const { bytes, width, height } = await noisyPng(Number(megapixels));
  const plan = planTiles({ width, height, tileSize: 256, overlap: 24, multiple: 8 });
  const shape = { batch: 1, channels: 3, height: plan.tileHeight, width: plan.tileWidth };
  const tile = new Float32Array(3 * shape.height * shape.width).fill(0.5);
  const sigma = SIGMA / 255;
  const denoiser = await openDenoiser({ method: 'posterior-mean', tileSize: 256, overlap: 24 });
  const engine = await openEngine(prior, { engine: 'onnx' });
  const ort = await loadOnnxRuntime();
  const allCores = await ort.InferenceSession.create(recordDensityAndScore(prior, shape, sigma), {
    intraOpNumThreads: availableParallelism(),
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const sides: Record<string, Side> = {
    'whole pipeline': {
      async work() {
        const decoded = await decodePicture(bytes, 'noisy.png');
        const { data } = await denoiser.denoise(decoded.picture, { sigma: SIGMA });
        await encodePicture({ ...decoded, picture: { ...decoded.picture, data } });
      },
      close: () => denoiser.close(),
    },
    'engine alone': {
      async work() {
        let left = plan.tiles.length;
        const lane = async () => {
          while (left-- > 0) await engine.evaluate({ shape, y: tile.slice(), sigma });
        };
        await Promise.all(Array.from({ length: engine.lanes }, lane));
      },
      close: () => engine.close(),
    },
    'one tile at a time on all cores': {
      async work() {
        for (const _ of plan.tiles)
          await allCores.run({ y: new ort.Tensor('float32', tile, [1, 3, shape.height, shape.width]) });
      },
      close: () => allCores.release(),
    },
  };
  return takeTurns(sides, width * height);
}

const APPROACHES = [
  'posterior-mean',
  'posterior-mean:1:3',
  'posterior-mean:4:3',
  'posterior-mean:8:3',
  'beta-map',
];

/** Posterior mean, one scale: the large pictures take one round, and none before it warms them up. */
async function sizes(): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const size of [0.1, 0.3, 1, 4, 12])
    all.push(...(await compared({ [`${size} MP`]: mean }, size, size < 4 ? Number(rounds) : 'once')));
  return all;
}

/** Runs a program in a process of its own and takes the numbers that it prints, one a line. */
function inProcess(command: readonly string[]): number[] {
  return execFileSync(process.execPath, ['--import', 'tsx', ...command], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
}

const START = `
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
const started = performance.now();
const denoiser = await openDenoiser();
console.log((performance.now() - started) / 1000);
const picture = { data: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64, channels: 3 };
await denoiser.denoise(picture, { sigma: 25 });
console.log((performance.now() - started) / 1000);
await denoiser.close();`;

async function start(): Promise<Measured[]> {
  const runs = Array.from({ length: Number(rounds) }, () => inProcess(['--input-type=module', '-e', START]));
  return ['denoiser open', 'first picture of 64 x 64 done'].map((what, i) => ({
    what,
    unit: 's',
    values: runs.map((run) => run[i] as number),
  }));
}

async function memory(): Promise<Measured[]> {
  const script = fileURLToPath(new URL('memory.ts', import.meta.url));
  const cases = [
    ['posterior-mean', 1],
    ['posterior-mean', 24],
    ['posterior-mean:4:3', 1],
  ] as const;
  return cases.flatMap(([approach, size]) => {
    const command = [script, String(size), approach, '256', '24', 'numbers'];
    const [resident = 0, lag = 0, perMegapixel = 0] = inProcess(command);
    const what = `${approach}, ${size} MP`;
    return [
      { what: `${what}: largest resident size`, unit: 'MB', values: [resident] },
      { what: `${what}: event loop lag, 99th percentile`, unit: 'ms', values: [lag] },
      { what: `${what}: time`, unit: 's/MP', values: [perMegapixel] },
    ];
  });
}

const mean = { method: 'posterior-mean' } as const;
const SECTIONS: Readonly<Record<string, () => Promise<Measured[]>>> = {
  pipeline,
  approaches: () => compared(Object.fromEntries(APPROACHES.map((text) => [text, approachFrom(text)]))),
  engines: () =>
    compared({
      'onnx, posterior mean': { ...mean, engine: 'onnx' },
      'onnx, beta-MAP': { method: 'beta-map', engine: 'onnx' },
      'wasm, posterior mean': { ...mean, engine: 'wasm' },
      'wasm, beta-MAP': { method: 'beta-map', engine: 'wasm' },
    }),
  tiles: () =>
    compared(
      Object.fromEntries(
        [64, 128, 256, 512].map((size) => [`tiles of ${size}`, { ...mean, tileSize: size }]),
      ),
    ),
  threads: () =>
    compared(Object.fromEntries([1, 2, 4].map((threads) => [`threads: ${threads}`, { ...mean, threads }]))),
  start,
  sizes,
  memory,
};

const results = await openResults('speed', ['section', 'what'], 'npm run bench -- speed --save', isKept);
for (const section of wanted === 'all' ? Object.keys(SECTIONS) : wanted.split(','))
  for (const { what, unit, values } of (await SECTIONS[section]?.()) ?? []) {
    await results.put({ section, what, unit, values: rounded(values) });
    console.log(
      `${section}, ${what}: ${median(values).toPrecision(3)} ${unit} (${rounded(values).join(', ')})`,
    );
  }
