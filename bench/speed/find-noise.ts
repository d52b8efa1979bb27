// What it costs to find the noise, beside the posterior mean of the same picture: elapsed and of processor time, for the
// first picture of a process (whose code is not compiled yet, whose sessions are not made yet) and later ones.
// Usage: npm run bench -- find-noise [megapixels] [clipped]

import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { detectNoise } from '#src/denoiser/noise/detect-noise.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { mosaic, readPictures, toBytes } from '../pictures.js';
import { median } from '../results.js';

const RANGE = [2.5 / 255, 100 / 255] as const;

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

function sayCost(what: string, found: readonly Cost[], denoised: readonly Cost[]): void {
  const compared = (['elapsed', 'processor'] as const).map((key) => {
    const [detection, mean] = [found, denoised].map((costs) => median(costs.map((cost) => cost[key])));
    if (detection === undefined || mean === undefined) throw new Error('unreachable');
    const share = ((100 * detection) / mean).toFixed(1);
    return `${key} ${detection.toFixed(0)} ms of ${mean.toFixed(0)} (${share}%)`;
  });
  console.log(`  ${what}: ${compared.join(', ')}`);
}

const [sizes = '0.15,4', form = ''] = process.argv.slice(2);
const pictures = await readPictures('68');
const meter = openNoiseMeter();
const denoiser = await openDenoiser({ method: 'posterior-mean' });
for (const [index, size] of sizes.split(',').map(Number).entries()) {
  const width = Math.round(Math.sqrt(size * 1.5e6));
  const height = Math.round(width / 1.5);
  const noisy = addGaussianNoise(mosaic(pictures, width, height), 25 / 255, 7);
  const data = form === 'clipped' ? toBytes(noisy) : noisy;
  const picture = { data, width, height, channels: 3 } as const;
  const find = () => detectNoise(picture, 'auto', RANGE, meter);
  const [found, denoised]: [Cost[], Cost[]] = [[], []];
  async function round(findings: number) {
    for (let i = 0; i < findings; i++) found.push(await measure(find));
    denoised.push(await measure(() => denoiser.denoise(picture, { sigma: 25 })));
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
await Promise.all([denoiser.close(), meter.close()]);
