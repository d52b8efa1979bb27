// The estimate of sigma over all of CBSD68: mean absolute error (and mean error) in 8-bit units, for unclipped
// noise in floats and for noise clipped and rounded to 8 bit; what clean pictures give; and milliseconds a picture
// (elapsed, and of processor time, which other programs disturb less).
// Usage: node --import tsx bench/estimate-sigma.ts [pictures] [folder under ../shared] [colour | grey]
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { estimateSigma, type SigmaEstimate } from '#src/core/noise/estimate-sigma.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { sharedPath } from '../test/shared.js';

const [count = '68', from = 'data/cbsd68', colour = 'colour'] = process.argv.slice(2);
const folder = sharedPath(`${from}/`);
if (!folder) process.exit(0);
const files = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/.test(name)).sort();
const channels = colour === 'grey' ? 1 : 3;
const pictures = await Promise.all(
  files.slice(0, Number(count)).map(async (file) => {
    const image = sharp(`${folder}${file}`).removeAlpha();
    const { data, info } = await (channels === 1 ? image.greyscale() : image)
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { data: new Uint8Array(data), width: info.width, height: info.height, channels } as const;
  }),
);
const toBytes = (data: Float32Array) =>
  Uint8Array.from(data, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const fixed = (values: readonly number[]) => values.map((value) => value.toFixed(3)).join(' / ');

for (const kind of ['unclipped', '8 bit'] as const)
  for (const sigma of [5, 10, 15, 25, 50]) {
    const estimates: SigmaEstimate[] = [];
    for (const [index, picture] of pictures.entries()) {
      const clean = Float32Array.from(picture.data, (value) => value / 255);
      const noisy = addGaussianNoise(clean, sigma / 255, 1000 + index);
      estimates.push(await estimateSigma({ ...picture, data: kind === '8 bit' ? toBytes(noisy) : noisy }));
    }
    const errors = estimates.map(({ sigma255 }) => sigma255 - sigma);
    const sizes = errors.map(Math.abs);
    const split = estimates.filter(({ perChannel255 }) => new Set(perChannel255).size > 1).length;
    console.log(
      `${kind} sigma ${sigma}: mean absolute error, mean error, worst ${fixed([mean(sizes), mean(errors), Math.max(...sizes)])}; ` +
        `luma ${fixed([mean(estimates.map(({ luma255 }) => Math.abs(luma255 - sigma)))])}; ` +
        `confidence mean, least ${fixed([mean(estimates.map((e) => e.confidence)), Math.min(...estimates.map((e) => e.confidence))])}; ` +
        `channels told apart in ${split}`,
    );
  }

const clean = await Promise.all(pictures.map(estimateSigma));
const under = clean.filter(({ sigma255 }) => sigma255 < 1.5).length;
console.log(
  `clean: ${under} of ${clean.length} under 1.5 (luma alone ${clean.filter(({ luma255 }) => luma255 < 1.5).length}), ` +
    `${clean.filter(({ isClean }) => isClean).length} said to be clean, mean ${mean(clean.map((e) => e.sigma255)).toFixed(2)}`,
);

/** A mosaic of pictures, repeated as often as need be. */
function mosaic(width: number, height: number): Float32Array {
  const data = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = (Math.floor(y / 320) * Math.ceil(width / 320) + Math.floor(x / 320)) % pictures.length;
      const tile = pictures[cell] as (typeof pictures)[number];
      for (let c = 0; c < channels; c++)
        data[(y * width + x) * channels + c] =
          (tile.data[((y % 320) * tile.width + (x % 320)) * channels + c] as number) / 255;
    }
  return data;
}

for (const [width, height] of [
  [474, 314],
  [2448, 1632],
] as const)
  for (const kind of ['float', '8 bit'] as const) {
    const noisy = addGaussianNoise(mosaic(width, height), 25 / 255, 7);
    const picture = { data: kind === '8 bit' ? toBytes(noisy) : noisy, width, height, channels } as const;
    const times: number[] = [];
    const processor: number[] = [];
    let longest = 0;
    let sigma = 0;
    for (let run = 0; run < 9; run++) {
      let last = performance.now();
      let isRunning = true;
      const turn = () => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
        if (isRunning) setImmediate(turn);
      };
      turn();
      const started = performance.now();
      const before = process.cpuUsage();
      sigma = (await estimateSigma(picture)).sigma255;
      times.push(performance.now() - started);
      const used = process.cpuUsage(before);
      processor.push((used.user + used.system) / 1000);
      isRunning = false;
    }
    const middle = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]?.toFixed(1);
    console.log(
      `${((width * height) / 1e6).toFixed(2)} MP ${kind}: median ${middle(times)} ms (processor ${middle(processor)}), worst ${Math.max(...times).toFixed(1)} ms, ` +
        `event loop held for ${longest.toFixed(1)} ms at most; sigma 25 estimated as ${sigma.toFixed(2)}`,
    );
  }
