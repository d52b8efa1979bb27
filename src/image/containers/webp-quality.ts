// The quality that a lossy WebP was written at, from the quantiser in its frame header (RFC 6386, sections 9.3 to 9.6 and
// 19.2): the inverse of libwebp's mapping from quality to quantiser.

/** Used if a frame cannot be read. */
const FALLBACK_QUALITY = 95;

/** Constants of libwebp (quant_enc.c), at its default of 50 for how far segments may differ. */
const LARGEST_INDEX = 127;
const EASIEST_SEGMENT = 1 + (0.9 * 0.5 * 127) / 128;

/**
 * The quality, 1-100, with which libwebp writes such a frame. A frame with segments has the quantiser of the one that is
 * easiest to compress, nearly always as far from the middle one as libwebp goes.
 *
 * @param frame  data of a 'VP8 ' chunk
 */
export function webpQuality(frame: Uint8Array): number {
  const isKeyFrame = frame.length > 16 && ((frame[0] ?? 1) & 1) === 0;
  if (!isKeyFrame || frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return FALLBACK_QUALITY;
  const { index, hasSegments } = readQuantiser(boolDecoder(frame.subarray(10)));
  // Indices are rounded down, so take the middle of the values with this index.
  const compression = Math.max(0, 1 - (index + 0.5) / LARGEST_INDEX);
  const linear = compression ** (3 / (hasSegments ? EASIEST_SEGMENT : 1));
  const quality = Math.round(100 * (linear < 0.5 ? 1.5 * linear : (linear + 1) / 2));
  return Math.min(100, Math.max(1, index === 0 ? 100 : quality));
}

/** @returns  index: y_ac_qi, 0 (finest) to 127 */
function readQuantiser(bits: (count: number) => number): { index: number; hasSegments: boolean } {
  const flag = () => bits(1) === 1;
  const skipSigned = (count: number, size: number) => {
    for (let i = 0; i < count; i++) if (flag()) bits(size + 1);
  };
  bits(2); // colour space, clamping
  const hasSegments = flag();
  if (hasSegments) {
    const [hasMap, hasData] = [flag(), flag()];
    if (hasData) {
      bits(1); // absolute or relative
      skipSigned(4, 7); // quantisers
      skipSigned(4, 6); // filter levels
    }
    for (let i = 0; hasMap && i < 3; i++) if (flag()) bits(8);
  }
  bits(1 + 6 + 3); // the loop filter's type, level, sharpness
  if (flag() && flag()) skipSigned(8, 6); // its adjustments
  bits(2); // partitions
  return { index: bits(7), hasSegments };
}

/** Reads numbers whose bits are equally often 0 and 1, the highest first (RFC 6386, section 7). */
function boolDecoder(data: Uint8Array): (bits: number) => number {
  let [at, range, value, available] = [0, 255, 0, 0];
  function bit(): number {
    const split = 1 + (((range - 1) * 128) >> 8);
    while (available < 8) {
      value = (value << 8) | (data[at++] ?? 0);
      available += 8;
    }
    const bigSplit = split << (available - 8);
    const isOne = value >= bigSplit;
    if (isOne) {
      value -= bigSplit;
      range -= split;
    } else range = split;
    while (range < 128) {
      range <<= 1;
      available--;
    }
    return isOne ? 1 : 0;
  }
  return (bits) => {
    let number = 0;
    for (let i = 0; i < bits; i++) number = number * 2 + bit();
    return number;
  };
}
