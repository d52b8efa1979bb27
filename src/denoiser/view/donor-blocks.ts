// Whole blocks of sound pixels for the inside of large odd areas: copied as they are, they keep the noise's strength and
// correlation, which reflections at a curved edge do not (they stretch, and a noise estimate that reads them is too low).

/** Pixels; twice the side of the blocks that estimates of the noise read. */
const SIDE = 16;
/** Blocks that give, at most: spread evenly over the picture. */
const MOST_DONORS = 1024;

/**
 * @param mask  1 for odd pixels, row by row
 * @returns     for an odd pixel the sound one that it is filled from: the same place in a sound block, each block of the
 *              picture from another; undefined where the picture has no sound block
 */
export function donorBlocks(
  mask: Uint8Array,
  width: number,
  height: number,
): ((pixel: number) => number) | undefined {
  const corners = soundCorners(mask, width, height);
  const stride = Math.max(1, corners.length / MOST_DONORS);
  const count = Math.min(corners.length, MOST_DONORS);
  if (count === 0) return undefined;
  const across = Math.ceil(width / SIDE);
  return (pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const [column, row] = [Math.floor(x / SIDE), Math.floor(y / SIDE)];
    const corner = corners[Math.floor(((row * across + column) % count) * stride)] as number;
    return corner + (y - row * SIDE) * width + (x - column * SIDE);
  };
}

/** The top left pixels of sound blocks, on a grid of half their side. */
function soundCorners(mask: Uint8Array, width: number, height: number): readonly number[] {
  const corners: number[] = [];
  for (let y = 0; y + SIDE <= height; y += SIDE / 2)
    for (let x = 0; x + SIDE <= width; x += SIDE / 2)
      if (isSound(mask, width, x, y)) corners.push(y * width + x);
  return corners;
}

function isSound(mask: Uint8Array, width: number, x: number, y: number): boolean {
  for (let row = y; row < y + SIDE; row++)
    for (let at = row * width + x; at < row * width + x + SIDE; at++) if (mask[at] === 1) return false;
  return true;
}
