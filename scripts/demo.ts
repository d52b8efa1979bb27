// `npm run demo`: adds noise to the example pictures, lets gulp denoise them as a user would, and shows the
// gain: a table here, pictures side by side in out/demo/compare.
import { spawn } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';

const SIGMA = 25;
const root = fileURLToPath(new URL('..', import.meta.url));
const photos = `${root}examples/photos`;
const demo = `${root}out/demo`;
const folders = { noisy: `${demo}/noisy`, denoised: `${demo}/denoised`, compare: `${demo}/compare` };

/** Picture, size, noisy PSNR, denoised PSNR, seconds. */
type Row = readonly [string, string, string, string, string];

interface Pixels {
  /** RGB, interleaved, in [0, 1]. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

async function readPixels(path: string): Promise<Pixels> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data: Float32Array.from(data, (value) => value / 255), width: info.width, height: info.height };
}

/** Unclipped Gaussian noise, then what an 8-bit file makes of it: rounded and clipped. */
async function writeNoisy(picture: string, seed: number): Promise<void> {
  const { data, width, height } = await readPixels(`${photos}/${picture}`);
  const noisy = Uint8ClampedArray.from(addGaussianNoise(data, SIGMA / 255, seed), (value) => value * 255);
  await sharp(noisy, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(`${folders.noisy}/${picture}`);
}

/** Runs examples/gulpfile.ts as its first lines say; returns the seconds that it logs for each picture. */
function runGulp(): Promise<ReadonlyMap<string, number>> {
  const args = [
    '--import',
    'tsx',
    'node_modules/gulp/bin/gulp.js',
    '-f',
    'examples/gulpfile.ts',
    '--cwd',
    '.',
  ];
  console.log(`\n$ node ${args.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      process.stdout.write(text);
    });
    child.on('error', reject).on('close', (code) => {
      if (code !== 0) return reject(new Error(`gulp ended with exit code ${code}`));
      const lines = log.matchAll(/^(.+\.png): ([\d.]+) s$/gm);
      resolve(new Map([...lines].map(([, picture = '', seconds]) => [picture, Number(seconds)])));
    });
  });
}

async function compare(picture: string, seconds = Number.NaN): Promise<Row> {
  const clean = await readPixels(`${photos}/${picture}`);
  const [noisy, denoised] = [`${folders.noisy}/${picture}`, `${folders.denoised}/${picture}`];
  const { width, height } = clean;
  await sharp(noisy)
    .extend({ right: width })
    .composite([{ input: denoised, left: width, top: 0 }])
    .png()
    .toFile(`${folders.compare}/${picture}`);
  const decibels = async (path: string): Promise<string> =>
    `${psnr((await readPixels(path)).data, clean.data).toFixed(2)} dB`;
  return [
    picture,
    `${width}x${height}`,
    await decibels(noisy),
    await decibels(denoised),
    `${seconds.toFixed(1)} s`,
  ];
}

function printTable(rows: readonly Row[]): void {
  const header: Row = ['picture', 'size', 'noisy PSNR', 'denoised PSNR', 'time'];
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]?.length ?? 0)),
  );
  for (const row of [header, ...rows])
    console.log(row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('   '));
}

const pictures = (await readdir(photos)).filter((name) => name.endsWith('.png')).sort();
if (pictures.length === 0) throw new Error(`No PNG pictures in ${photos}`);
await rm(demo, { recursive: true, force: true });
for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });

console.log(`Adding noise of sigma ${SIGMA} to ${pictures.map((name) => basename(name, '.png')).join(', ')}`);
for (const [seed, picture] of pictures.entries()) await writeNoisy(picture, seed);
const seconds = await runGulp();
const rows: Row[] = [];
for (const picture of pictures) rows.push(await compare(picture, seconds.get(picture)));
console.log('');
printTable(rows);
console.log('\nNoisy | denoised, side by side: out/demo/compare');
