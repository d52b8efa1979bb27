// Memory, event-loop lag and time of one large picture: the largest resident size of the process and the lag's 99th
// percentile while denoising. Run it as a process of its own.
// Usage: node --import tsx bench/speed/memory.ts [megapixels] [approach, as method:ensemble:scales] [tile size] [overlap] [numbers: largest MB, lag in ms and s/MP alone, for speed.ts] [threads]
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { approachFrom, approachText } from '../results.js';

const [megapixels = '24', given = 'posterior-mean', tileSize = '256', overlap = '24', form = '', threads] =
  process.argv.slice(2);
const approach = approachFrom(given);
const width = Math.round(Math.sqrt((Number(megapixels) * 1e6 * 3) / 2));
const height = Math.round((width * 2) / 3);
const noise = gaussianGenerator(1);
const data = new Uint8Array(width * height * 3).map((_, i) =>
  Math.max(0, Math.min(255, 128 + (i % 64) + 25 * noise())),
);
const before = process.memoryUsage.rss() / 1e6;
let largest = 0;
const sampler = setInterval(() => {
  largest = Math.max(largest, process.memoryUsage.rss());
}, 100);
const denoiser = await openDenoiser({
  ...approach,
  tileSize: tileSize === 'auto' ? tileSize : Number(tileSize),
  ...(threads && { threads: Number(threads) }),
  overlap: Number(overlap),
});
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();
const started = performance.now();
const { report } = await denoiser.denoise({ data, width, height, channels: 3 }, { sigma: 25 });
lag.disable();
clearInterval(sampler);
const seconds = (performance.now() - started) / 1000;
const perMegapixel = seconds / Number(megapixels);
const lags = [50, 99].map((percent) => lag.percentile(percent) / 1e6);
if (form === 'numbers') console.log(`${largest / 1e6}\n${lags[1]}\n${perMegapixel}`);
else
  console.log(
    `${width} x ${height}, ${approachText(approach)}, ${report.tiles} tiles: ${seconds.toFixed(1)} s (${perMegapixel.toFixed(2)} s/MP), ` +
      `resident ${before.toFixed(0)} MB before, at most ${(largest / 1e6).toFixed(0)} MB; event loop lag (ms) ` +
      `median ${lags[0]?.toFixed(1)}, 99th percentile ${lags[1]?.toFixed(1)}, max ${(lag.max / 1e6).toFixed(1)}`,
  );
await denoiser.close();
