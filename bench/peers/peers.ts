// flow-denoise beside peers that registries have, on the same noisy pixels in one run: OpenCV's non-local means
// (fastNlMeansDenoisingColored) and BM3D (PyPI's bm3d, for non-commercial use only) in a private Python environment, and
// sharp's median. Noise is not clipped; OpenCV and sharp take bytes, so for them it is.
// quality: PSNR and SSIM of every picture. The parameter of non-local means and the size of the median are chosen for
//   each sigma by mean PSNR on four other pictures, so both are at their best.
// speed: the sides take turns on one picture of half a megapixel, seconds per megapixel, medians of the rounds; with the
//   networks of networks.ts on the same ONNX Runtime.
// Usage: npm run bench -- peers quality [pictures] [sigmas] [folder under ../shared] [prior] [--save]
//        npm run bench -- peers speed [rounds] [--save]
import sharp from 'sharp';
import { psnr, ssim } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { clamped } from '#src/core/picture.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { type BenchPicture, mosaic, readPictures, toBytes, toFloats } from '../pictures.js';
import {
  approachFrom,
  approachText,
  benchArguments,
  mean,
  median,
  openResults,
  type ResultsFile,
  rounded,
} from '../results.js';
import { NETWORKS, openNetwork } from './networks.js';
import { openPeers, type PythonPeers } from './python.js';

const APPROACHES = ['posterior-mean:1:1', 'posterior-mean:1:3', 'posterior-mean:4:3', 'beta-map:1:1'];
const FAMILIES = { nlm: [0.4, 0.6, 0.8, 1, 1.3, 1.6, 2], median: [3, 5, 7] } as const;
const TUNED_ON = 4;

interface Noisy {
  readonly picture: BenchPicture;
  readonly clean: Float32Array;
  readonly noisy: Float32Array;
  readonly sigma: number;
}

/** One that denoises: floats [H, W, 3] in [0, 1], and the seconds that it took. */
type Side = (noisy: Noisy) => Promise<{ readonly data: Float32Array; readonly seconds: number }>;

function noisyOf(picture: BenchPicture, sigma: number, seed: number): Noisy {
  const clean = toFloats(picture.data);
  return { picture, clean, sigma, noisy: addGaussianNoise(clean, sigma / 255, seed) };
}

const quality = ({ picture, clean }: Noisy, data: Float32Array) => ({
  psnr: psnr(clean, clamped(data)),
  ssim: ssim(clean, clamped(data), picture),
});

function medianSide(size: number): Side {
  return async ({ picture: { width, height }, noisy }) => {
    const bytes = toBytes(noisy);
    const started = performance.now();
    const filtered = await sharp(bytes, { raw: { width, height, channels: 3 } })
      .median(size)
      .raw()
      .toBuffer();
    return { data: toFloats(filtered), seconds: (performance.now() - started) / 1000 };
  };
}

function pythonSide(peers: PythonPeers, method: 'bm3d' | 'nlm', factor = 1): Side {
  return ({ picture: { width, height }, noisy, sigma }) =>
    peers.denoise({ method, noisy, width, height, sigma, h: factor * sigma });
}

/** The side of a family with the best mean PSNR on pictures that are not measured on. */
async function tuned(
  peers: PythonPeers,
  family: keyof typeof FAMILIES,
  others: readonly Noisy[],
): Promise<{ side: Side; parameter: number }> {
  const tried = [];
  for (const parameter of FAMILIES[family]) {
    const side = family === 'nlm' ? pythonSide(peers, 'nlm', parameter) : medianSide(parameter);
    const values: number[] = [];
    for (const other of others) values.push(quality(other, (await side(other)).data).psnr);
    tried.push({ side, parameter, value: mean(values) });
  }
  return tried.reduce((best, each) => (each.value > best.value ? each : best));
}

async function ourSide(prior: string, approach: string): Promise<{ side: Side; close: () => Promise<void> }> {
  const denoiser = await openDenoiser({ prior, ...approachFrom(approach) });
  const side: Side = async ({ picture, noisy, sigma }) => {
    const { data, report } = await denoiser.denoise({ ...picture, data: noisy }, { sigma });
    return { data, seconds: report.seconds };
  };
  return { side, close: () => denoiser.close() };
}

async function measureSide(
  results: ResultsFile,
  key: { readonly set: string; readonly side: string; readonly sigma: number },
  pictures: readonly Noisy[],
  side: Side,
): Promise<void> {
  const row = { ...key, pictures: pictures.length };
  const found = await results.measured(row, async () => {
    const values = [];
    for (const noisy of pictures) values.push(quality(noisy, (await side(noisy)).data));
    return { psnr: rounded(values.map((v) => v.psnr)), ssim: rounded(values.map((v) => v.ssim)) };
  });
  console.log(
    `${key.set} sigma ${key.sigma} ${key.side}: ${mean(found.psnr).toFixed(3)} dB, SSIM ${mean(found.ssim).toFixed(4)}`,
  );
}

async function compareQuality(args: readonly string[], isKept: boolean): Promise<void> {
  const [count = '12', sigmas = '15,25,50', folder = 'data/cbsd68', prior = 'natural'] = args;
  const pictures = await readPictures(count, folder);
  const others = (await readPictures('68', folder)).slice(-TUNED_ON);
  const keys = ['set', 'side', 'sigma', 'pictures'];
  const results = await openResults('peers', keys, 'npm run bench -- peers quality --save', isKept);
  const peers = await openPeers();
  try {
    for (const sigma of sigmas.split(',').map(Number)) {
      const noisy = pictures.map((picture, index) => noisyOf(picture, sigma, 1000 + index));
      const tuneOn = others.map((picture, index) => noisyOf(picture, sigma, 5000 + index));
      const set = folder;
      await measureSide(results, { set, side: 'noisy', sigma }, noisy, async ({ noisy: data }) => ({
        data,
        seconds: 0,
      }));
      for (const family of ['median', 'nlm'] as const) {
        const { side, parameter } = await tuned(peers, family, tuneOn);
        const name = family === 'nlm' ? `NLM, h = ${parameter} sigma` : `median ${parameter} x ${parameter}`;
        await measureSide(results, { set, side: name, sigma }, noisy, side);
      }
      for (const approach of APPROACHES) {
        const ours = await ourSide(prior, approach);
        await measureSide(results, { set, side: `${prior} ${approach}`, sigma }, noisy, ours.side);
        await ours.close();
      }
      await measureSide(results, { set, side: 'BM3D', sigma }, noisy, pythonSide(peers, 'bm3d'));
    }
  } finally {
    await peers.close();
  }
}

async function compareSpeed([rounds = '3']: readonly string[], isKept: boolean): Promise<void> {
  const size = { width: 896, height: 576 };
  const clean = mosaic(await readPictures('6'), size.width, size.height);
  const picture: BenchPicture = { ...size, channels: 3, data: toBytes(clean) };
  const sigma = 25;
  const noisy = noisyOf(picture, sigma, 1000);
  const megapixels = (size.width * size.height) / 1e6;
  const results = await openResults('peers-speed', ['side'], 'npm run bench -- peers speed --save', isKept);
  const peers = await openPeers();
  const ours = await Promise.all(
    APPROACHES.map(async (text) => {
      const approach = approachText(approachFrom(text));
      return { name: `natural ${approach}`, ...(await ourSide('natural', approach)) };
    }),
  );
  const networks = await Promise.all(
    (Object.keys(NETWORKS) as (keyof typeof NETWORKS)[]).map(async (name) => {
      const network = await openNetwork(name, size);
      const side: Side = async ({ noisy: data }) => ({ data, seconds: await network.run(data) });
      return { name, side, close: network.close };
    }),
  );
  const sides = [
    ...ours,
    ...networks,
    { name: 'median 5 x 5', side: medianSide(5) },
    { name: 'NLM, h = sigma', side: pythonSide(peers, 'nlm') },
    { name: 'BM3D', side: pythonSide(peers, 'bm3d') },
  ];
  const seconds = new Map(sides.map(({ name }) => [name, [] as number[]]));
  // The first round warms up: sessions are made, code is compiled.
  for (let round = 0; round <= Number(rounds); round++)
    for (const { name, side } of sides) {
      const taken = (await side(noisy)).seconds / megapixels;
      if (round > 0) seconds.get(name)?.push(taken);
    }
  for (const [side, values] of seconds) {
    await results.put({ side, secondsPerMegapixel: rounded(values) });
    console.log(`${side}: ${median(values).toFixed(2)} s/MP, median of ${values.length}`);
  }
  await Promise.all([peers.close(), ...[...ours, ...networks].map(({ close }) => close())]);
}

const { args, isKept } = benchArguments();
const [what, ...rest] = args;
if (what === 'quality') await compareQuality(rest, isKept);
else if (what === 'speed') await compareSpeed(rest, isKept);
else console.error('Usage: npm run bench -- peers quality|speed [arguments] [--save]');
