// The IJG quality of a JPEG's quantisation tables: the inverse of libjpeg's jpeg_set_quality, which scales the example tables
// of ITU T.81 annex K. Other tables get the nearest quality.

/** Used when a file has no readable table. */
const FALLBACK_QUALITY = 95;

// Annex K.1 and K.2 in zigzag order.
const luma = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58,
  51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103,
  62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];
/** All further steps are 99. */
const chroma = [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66];

/**
 * The quality with the nearest tables (mean absolute difference of the steps, relative to their size); the higher one if two
 * are equally near.
 *
 * @param segments  those that define tables (DQT)
 * @returns         1-100
 */
export function jpegQuality(segments: readonly Buffer[]): number {
  const tables = [...quantisationTables(segments)].map(([id, bytes]) => {
    const width = bytes.length / 64;
    const steps = Array.from({ length: 64 }, (_, i) => bytes.readUIntBE(i * width, width));
    return { base: id === 0 ? luma : chroma, steps };
  });
  if (tables.length === 0) return FALLBACK_QUALITY;
  let best = FALLBACK_QUALITY;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let quality = 100; quality >= 1; quality--) {
    const distance = tables.reduce((sum, { base, steps }) => sum + distanceTo(base, steps, quality), 0);
    if (distance < bestDistance) {
      best = quality;
      bestDistance = distance;
    }
  }
  return best;
}

/** The bytes of the 64 steps in zigzag order for each of the 16 places that a file may use; place 0 is luma, the last one wins. */
function quantisationTables(segments: readonly Buffer[]): Map<number, Buffer> {
  const tables = new Map<number, Buffer>();
  for (const bytes of segments)
    for (let at = 4; at < bytes.length; ) {
      const head = bytes.readUInt8(at);
      const end = at + 1 + (head >> 4 === 0 ? 64 : 128);
      if (end > bytes.length) break;
      tables.set(head & 15, bytes.subarray(at + 1, end));
      at = end;
    }
  return tables;
}

function distanceTo(base: readonly number[], steps: readonly number[], quality: number): number {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return steps.reduce((sum, step, i) => {
    const expected = Math.min(255, Math.max(1, Math.floor(((base[i] ?? 99) * Math.floor(scale) + 50) / 100)));
    return sum + Math.abs(step - expected) / (step + expected);
  }, 0);
}
