// A noise meter that measures a tile once. The choice of a prior, the denoiser and a preview's many results read the same
// tiles of a picture; tiles are known by their samples, so a picture that a program changes in place is measured anew.
import { createHash } from 'node:crypto';
import type { NoiseMeter } from './noise-meter.js';

/** Tiles whose readings are kept, some 24 kB each: those of eight pictures. */
const MOST_KEPT = 64;

/** @param meter  is closed with the one that is returned */
export function rememberReadings(meter: NoiseMeter): NoiseMeter {
  const known = new Map<string, Promise<Float32Array>>();
  return {
    async measure(tile, size) {
      const key = `${size.height}x${size.width} ${createHash('sha1').update(tile).digest('base64')}`;
      const kept = known.get(key);
      if (kept) return kept;
      const readings = meter.measure(tile, size);
      known.set(key, readings);
      // What failed is measured anew.
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
