// What the cache saves: a build of noisy pictures and the same build again, the second in a process of its own as a
// user's would be.
// Usage: node --import tsx bench/speed/cache.ts [pictures] [side in pixels] [method]
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import gulp from 'gulp';
import { denoise } from '#src/plugin/gulp.js';
import { noisyPicture } from '../../test/plugin/pictures.js';

const [count = '100', side = '256', method = 'posterior-mean', folder] = process.argv.slice(2);
const numbered = Array.from({ length: Number(count) }, (_, index) => `${index}.png`);

if (folder === undefined) await compare();
else await build(folder);

async function build(folder: string): Promise<void> {
  const started = performance.now();
  const cache = join(folder, 'cache');
  const step = denoise({ sigma: 25, method: method as 'posterior-mean', cache });
  await pipeline(
    gulp.src('*.png', { cwd: join(folder, 'in'), encoding: false }),
    step,
    gulp.dest(join(folder, 'out')).resume(),
  );
  console.log((performance.now() - started) / 1000);
}

async function compare(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  try {
    await mkdir(join(folder, 'in'));
    for (const [seed, name] of numbered.entries())
      await writeFile(
        join(folder, 'in', name),
        await noisyPicture('png', { width: Number(side), height: Number(side), seed }),
      );
    const output = () => Promise.all(numbered.map((name) => readFile(join(folder, 'out', name))));
    const [first, before] = [seconds(folder), await output()];
    await rm(join(folder, 'out'), { recursive: true });
    const [second, after] = [seconds(folder), await output()];
    const isEqual = before.every((bytes, index) => after[index]?.equals(bytes));
    console.log(
      `${count} pictures of ${side} x ${side}, ${method}: ${first.toFixed(1)} s, again ${second.toFixed(2)} s, ` +
        `${(first / second).toFixed(0)} times faster, ${isEqual ? 'the same bytes' : 'OTHER BYTES'}`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

function seconds(folder: string): number {
  const script = fileURLToPath(import.meta.url);
  const args = ['--import', 'tsx', script, count, side, method, folder];
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
