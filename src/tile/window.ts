// The weights of a tile's pixels where tiles overlap, one axis at a time: a pixel's weight is its column's times its row's.
// Raised cosines (Hann), so neighbours fade into each other smoothly.

/**
 * The weights of the tiles along one axis. They sum to 1 at every position, so the products over two axes do too. A tile
 * has weight 1 where it is alone and at the picture's edges. Next to a neighbour, its outermost `margin` pixels have weight
 * 0, then it rises as sin^2 over the rest of the overlap.
 *
 * @param starts      the tiles' starts, ascending, the first at 0, each before the end of the tile before
 * @param tileLength  length of every tile, in pixels
 * @param length      length of the axis: the last start + tileLength
 * @param overlap     the fewest pixels that neighbours share (0 makes hard seams)
 * @param margin      pixels at a tile's border that the flow's zero padding spoils, at least 0; at most half of the
 *                    overlap is used
 * @returns           for each tile its weights, [tileLength], in [0, 1]
 */
export function axisWindows(
  starts: readonly number[],
  tileLength: number,
  length: number,
  overlap: number,
  margin: number = Math.floor(overlap / 4),
): readonly Float32Array[] {
  const raw = starts.map((start, i) => {
    const before = starts[i - 1];
    const after = starts[i + 1];
    const rise = ramp(tileLength, before === undefined ? 0 : before + tileLength - start, margin);
    const fall = ramp(tileLength, after === undefined ? 0 : start + tileLength - after, margin).reverse();
    return rise.map((weight, p) => weight * (fall[p] as number));
  });

  const total = new Float64Array(length);
  raw.forEach((weights, i) => {
    const start = starts[i] as number;
    weights.forEach((weight, p) => {
      total[start + p] = (total[start + p] as number) + weight;
    });
  });
  return raw.map((weights, i) => {
    const start = starts[i] as number;
    return Float32Array.from(weights, (weight, p) => weight / (total[start + p] as number));
  });
}

/**
 * 0 for the margin, sin^2 up to the neighbour's margin, then 1. The margin is at most half of the overlap, so a tile's
 * weight rises before its neighbour's falls to 0 and the sum is never 0.
 */
function ramp(tileLength: number, shared: number, margin: number): Float64Array {
  const spoilt = Math.min(margin, Math.floor(shared / 2));
  const width = shared - 2 * spoilt;
  return Float64Array.from({ length: tileLength }, (_, p) => {
    if (p < spoilt) return 0;
    if (p >= spoilt + width) return 1;
    // Half a pixel in: the first weight is not 0, and a ramp and its mirror image sum to 1.
    return Math.sin(((p - spoilt + 0.5) / width) * (Math.PI / 2)) ** 2;
  });
}
