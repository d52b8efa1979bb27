// A Bayer sensor's mosaic (RGGB) and two ways to demosaic it. Planes are planar [3, H, W] in linear light.
import { reflected, type Size } from '../../picture.js';

/** Which channel the sensor sees at (x, y): 0 red, 1 green, 2 blue. */
export const bayerChannel = (x: number, y: number): 0 | 1 | 2 =>
  y % 2 === 0 ? (x % 2 === 0 ? 0 : 1) : x % 2 === 0 ? 1 : 2;

export type Demosaic = 'bilinear' | 'edge-aware';

/**
 * Three channels from one sample per pixel. 'bilinear' averages the nearest samples of each channel. 'edge-aware' takes
 * green along the direction that changes less (Hamilton and Adams 1997), and red and blue from their difference to it.
 *
 * @param mosaic [H W], at least 4 x 4 pixels
 * @returns      [3, H, W]
 */
export function demosaic(mosaic: Float32Array, { width, height }: Size, method: Demosaic): Float32Array {
  // Reflecting about the edge pixel keeps a place's parity, and so its colour.
  const at = (x: number, y: number) => mosaic[reflected(y, height) * width + reflected(x, width)] as number;
  const plane = width * height;
  const out = new Float32Array(3 * plane);
  const green = out.subarray(plane, 2 * plane);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      green[i] = bayerChannel(x, y) === 1 ? at(x, y) : greenAt(at, x, y, method);
    }
  const isEdgeAware = method === 'edge-aware';
  const base = (x: number, y: number) =>
    isEdgeAware ? (green[reflected(y, height) * width + reflected(x, width)] as number) : 0;
  for (const channel of [0, 2] as const) {
    const target = out.subarray(channel * plane, (channel + 1) * plane);
    const difference = (x: number, y: number) => at(x, y) - base(x, y);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        target[y * width + x] = base(x, y) + differenceAt(difference, channel, x, y);
  }
  return out;
}

function greenAt(at: (x: number, y: number) => number, x: number, y: number, method: Demosaic): number {
  const across = (at(x - 1, y) + at(x + 1, y)) / 2;
  const down = (at(x, y - 1) + at(x, y + 1)) / 2;
  if (method === 'bilinear') return (across + down) / 2;
  const curvatureAcross = 2 * at(x, y) - at(x - 2, y) - at(x + 2, y);
  const curvatureDown = 2 * at(x, y) - at(x, y - 2) - at(x, y + 2);
  const changeAcross = Math.abs(at(x - 1, y) - at(x + 1, y)) + Math.abs(curvatureAcross);
  const changeDown = Math.abs(at(x, y - 1) - at(x, y + 1)) + Math.abs(curvatureDown);
  if (changeAcross < changeDown) return across + curvatureAcross / 4;
  if (changeDown < changeAcross) return down + curvatureDown / 4;
  return (across + down) / 2 + (curvatureAcross + curvatureDown) / 8;
}

/** The mean of the nearest samples of red (0) or blue (2), whose pixels lie on every second row and column. */
function differenceAt(of: (x: number, y: number) => number, channel: 0 | 2, x: number, y: number): number {
  const parity = channel === 0 ? 0 : 1;
  const isColumn = x % 2 === parity;
  const isRow = y % 2 === parity;
  if (isColumn && isRow) return of(x, y);
  if (isRow) return (of(x - 1, y) + of(x + 1, y)) / 2;
  if (isColumn) return (of(x, y - 1) + of(x, y + 1)) / 2;
  return (of(x - 1, y - 1) + of(x + 1, y - 1) + of(x - 1, y + 1) + of(x + 1, y + 1)) / 4;
}
