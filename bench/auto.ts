// What it costs not to know the noise. In quality: pictures of CBSD68 with Gaussian noise, denoised with sigma given
// and with nothing said at all; mean PSNR, the loss, and what the noise was taken for. In time (`cost`): finding the noise
// against the posterior mean of the same picture, elapsed and of processor time, for the first picture of a process
// (whose code is not compiled yet, whose sessions are not made yet) and later ones.
// Usage: node --import tsx bench/auto.ts [sigmas] [pictures] [method] [clipped]
//        node --import tsx bench/auto.ts cost [megapixels] [clipped]
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Method } from '#src/denoiser/denoiser.js';
import { detectNoise } from '#src/denoiser/detect-noise.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { clamp, mosaic, readPictures, toBytes, toFloats } from './pictures.js';

const RANGE = [2.5 / 255, 100 / 255] as const;

async function quality(
  sigmas = '0,5,10,15,25,50',
  count = '68',
  method = 'posterior-mean',
  form = '',
): Promise<void> {
  const pictures = await readPictures(count);
  const denoiser = await openDenoiser({ method: method as Method });
  for (const sigma of sigmas.split(',').map(Number)) {
    const sums = { noisy: 0, given: 0, auto: 0, largestLoss: 0 };
    const taken: Record<string, number> = {};
    for (const [index, image] of pictures.entries()) {
      const clean = toFloats(image.data);
      const unclipped = sigma === 0 ? clean : addGaussianNoise(clean, sigma / 255, 500 + index);
      // A picture without noise is a file's bytes, as its samples are.
      const isFile = form === 'clipped' || sigma === 0;
      const picture = { ...image, data: isFile ? toBytes(unclipped) : unclipped };
      const asFloat = (data: Float32Array | Uint8Array | Uint16Array) =>
        data instanceof Float32Array ? clamp(data) : toFloats(data);
      const auto = await denoiser.denoisePicture(picture, {});
      const { model, isCorrelated } = auto.report.noise;
      const kind = auto.report.isUnchanged ? 'clean' : isCorrelated ? 'correlated' : model;
      taken[kind] = (taken[kind] ?? 0) + 1;
      if (sigma === 0) continue;
      const given = await denoiser.denoisePicture(picture, { sigma });
      const [with_, without] = [psnr(clean, asFloat(given.data)), psnr(clean, asFloat(auto.data))];
      sums.noisy += psnr(clean, asFloat(picture.data)) / pictures.length;
      sums.given += with_ / pictures.length;
      sums.auto += without / pictures.length;
      sums.largestLoss = Math.max(sums.largestLoss, with_ - without);
    }
    const { noisy, given, auto, largestLoss } = sums;
    const figures = `noisy ${noisy.toFixed(2)}, sigma given ${given.toFixed(3)}, nothing said ${auto.toFixed(3)} dB, loss ${(given - auto).toFixed(3)} (largest ${largestLoss.toFixed(2)})`;
    console.log(
      `${method} sigma ${sigma} ${form}: ${sigma === 0 ? '' : `${figures}; `}taken for ${JSON.stringify(taken)}`,
    );
  }
  await denoiser.close();
}

/** Milliseconds. */
interface Cost {
  readonly elapsed: number;
  readonly processor: number;
}

async function measure(work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const started = performance.now();
  await work();
  const elapsed = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  return { elapsed, processor: (user + system) / 1000 };
}

/** The longest that the event loop was held, milliseconds. */
async function longestHold(work: () => Promise<unknown>): Promise<number> {
  let isRunning = true;
  let longest = 0;
  let last = performance.now();
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (isRunning) setImmediate(turn);
  };
  turn();
  await work();
  isRunning = false;
  return longest;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function sayCost(what: string, found: readonly Cost[], denoised: readonly Cost[]): void {
  const compared = (['elapsed', 'processor'] as const).map((key) => {
    const [detection, mean] = [found, denoised].map((costs) => median(costs.map((cost) => cost[key])));
    if (detection === undefined || mean === undefined) throw new Error('unreachable');
    const share = ((100 * detection) / mean).toFixed(1);
    return `${key} ${detection.toFixed(0)} ms of ${mean.toFixed(0)} (${share}%)`;
  });
  console.log(`  ${what}: ${compared.join(', ')}`);
}

async function cost(sizes = '0.15,4', form = ''): Promise<void> {
  const pictures = await readPictures('68');
  const denoiser = await openDenoiser({ method: 'posterior-mean' });
  for (const [index, size] of sizes.split(',').map(Number).entries()) {
    const width = Math.round(Math.sqrt(size * 1.5e6));
    const height = Math.round(width / 1.5);
    const noisy = addGaussianNoise(mosaic(pictures, width, height), 25 / 255, 7);
    const data = form === 'clipped' ? toBytes(noisy) : noisy;
    const picture = { data, width, height, channels: 3 } as const;
    const find = () => detectNoise(picture, 'auto', RANGE);
    const [found, denoised]: [Cost[], Cost[]] = [[], []];
    async function round(findings: number) {
      for (let i = 0; i < findings; i++) found.push(await measure(find));
      denoised.push(await measure(() => denoiser.denoisePicture(picture, { sigma: 25 })));
    }
    console.log(`${width} x ${height} ${form}: finding the noise, of the posterior mean's time`);
    await round(1);
    if (index === 0) sayCost('first in the process', found, denoised);
    found.length = 0;
    denoised.length = 0;
    for (let n = 0; n < 3; n++) await round(5);
    sayCost('later, medians', found, denoised);
    console.log(`  event loop held for at most ${(await longestHold(find)).toFixed(0)} ms`);
  }
  await denoiser.close();
}

const [first, ...rest] = process.argv.slice(2);
await (first === 'cost' ? cost(...rest) : quality(first, ...rest));
