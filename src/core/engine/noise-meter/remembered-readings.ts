// A noise meter that measures each tile once: choosing a prior, the denoiser and a preview's results read the same tiles.
// It recognises tiles by their samples, so a picture that a program has changed is measured again.
import { createHash } from 'node:crypto';
import type { NoiseMeter } from './noise-meter.js';

/** The number of tiles kept, about 24 kB each: those of eight pictures. */
const MOST_KEPT = 64;

/** @param meter  closed by closing the result */
export function rememberReadings(meter: NoiseMeter): NoiseMeter {
  const known = new Map<string, Promise<Float32Array>>();
  return {
    async measure(tile, size) {
      const key = `${size.height}x${size.width} ${createHash('sha1').update(tile).digest('base64')}`;
      const kept = known.get(key);
      if (kept) return kept;
      const readings = meter.measure(tile, size);
      known.set(key, readings);
      // Do not keep failures.
      readings.catch(() => known.delete(key));
      for (const oldest of known.keys()) {
        if (known.size <= MOST_KEPT) break;
        known.delete(oldest);
      }
      return readings;
    },
    pool: (cells) => meter.pool(cells),
    async close() {
      known.clear();
      await meter.close();
    },
  };
}
