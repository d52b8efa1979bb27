// A watched folder with many pictures at its start: time until it is ready, largest resident size, and processor time a
// picture with a denoiser that changes nothing. Run it as a process of its own.
// Usage: node --import tsx bench/speed/watch-folder.ts [pictures] [pictures in a folder] [move] [poll]
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchFolder } from '#src/plugin/watch/folder-watcher.js';
import { identityDenoiser } from '../../test/plugin/identity-denoiser.js';
import { noisyPicture } from '../../test/plugin/pictures.js';

const [count = '10000', each = '100', ...flags] = process.argv.slice(2);
const root = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
const [input, output] = [join(root, 'in'), join(root, 'out')];
const picture = await noisyPicture('png', { width: 24, height: 20 });
for (let i = 0; i < Number(count); i++) {
  const folder = join(input, String(Math.floor(i / Number(each))));
  if (i % Number(each) === 0) await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${i}.png`), picture);
}

const before = process.memoryUsage.rss() / 1e6;
let largest = 0;
const sampler = setInterval(() => {
  largest = Math.max(largest, process.memoryUsage.rss() / 1e6);
}, 50);

async function measure(words: string): Promise<void> {
  largest = 0;
  const started = performance.now();
  const before = process.cpuUsage();
  const seconds = () => ((performance.now() - started) / 1000).toFixed(2);
  const watcher = watchFolder({
    input,
    output,
    settle: 500,
    originals: flags.includes('move') ? 'move' : 'keep',
    poll: flags.includes('poll'),
    denoiser: identityDenoiser(),
  });
  watcher.on('ready', ({ waiting, known }) => {
    console.log(
      `${words}: ready in ${seconds()} s, ${waiting} waiting, ${known} known, ${largest.toFixed(0)} MB`,
    );
  });
  await new Promise((resolve, reject) => {
    watcher.once('idle', resolve);
    watcher.finished.catch(reject);
  });
  const { user, system } = process.cpuUsage(before);
  const { done } = await watcher.close();
  const cost = (user + system) / 1000 / done;
  const perPicture = done > 0 ? `, ${cost.toFixed(2)} ms of processor time a picture` : '';
  console.log(
    `${words}: ${done} done in ${seconds()} s${perPicture}, resident at most ${largest.toFixed(0)} MB`,
  );
}

try {
  console.log(`${count} pictures, resident ${before.toFixed(0)} MB before`);
  await measure('first start');
  await measure('second start');
} finally {
  clearInterval(sampler);
  await rm(root, { recursive: true });
}
