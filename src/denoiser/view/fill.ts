// Replaces odd pixels for the prior. Near the edge of an odd area: the picture mirrored at the nearest sound pixel, which
// keeps structure and noise. Farther inside: whole blocks from elsewhere, so that the noise estimate stays right. Single
// pixels: the median of their neighbours.
import { setImmediate } from 'node:timers/promises';
import { colourChannels, type Samples, type Shape, type Size } from '../../core/picture.js';

interface Mask extends Size {
  /** 1 for odd pixels, row by row; 0 for sound ones. */
  readonly odd: Uint8Array;
}

/** The farthest that a reflection reaches, pixels. Beyond, it turns round if there are no blocks to take. */
const REACH = 12;
/** Pixels between two yields to the event loop. */
const CHUNK = 1 << 15;
/** A pixel with at least this many sound neighbours is filled from them. */
const MOST_AROUND = 5;

/** Fills the pixels where `odd` is 1, row by row, in place; not their alpha. Does nothing if no pixel is sound. */
export async function fillOdd(
  { data, width, height, channels }: Shape & { readonly data: Samples },
  odd: Uint8Array,
  order: 'interleaved' | 'planar',
): Promise<void> {
  const [pixelStride, channelStride] = order === 'planar' ? [1, width * height] : [channels, 1];
  const colours = colourChannels(channels);
  const mask = { odd, width, height };
  const { reached, nearest } = await nearestSound(mask);
  const donorOf = donorBlocks(mask);
  const found = new Float64Array(9);
  for (let i = 0; i < reached.length; i++) {
    if (i % CHUNK === 0) await setImmediate();
    const pixel = reached[i] as number;
    const around = soundNeighbours(mask, pixel);
    const source =
      around.length < MOST_AROUND ? sourceOf(mask, pixel, nearest[pixel] as number, donorOf) : undefined;
    for (let c = 0; c < colours; c++) {
      const sample = (at: number) => data[at * pixelStride + c * channelStride] as number;
      if (source !== undefined) {
        data[pixel * pixelStride + c * channelStride] = sample(source);
        continue;
      }
      for (let k = 0; k < around.length; k++) found[k] = sample(around[k] as number);
      const middle = found.subarray(0, around.length).sort()[around.length >> 1] as number;
      data[pixel * pixelStride + c * channelStride] = middle;
    }
  }
}

function soundNeighbours({ odd, width, height }: Mask, pixel: number): number[] {
  const [x, y] = [pixel % width, Math.floor(pixel / width)];
  const found: number[] = [];
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++)
      if (odd[v * width + u] === 0) found.push(v * width + u);
  return found;
}

/** The odd pixels in the order of reaching them, from the mask's edges inwards, and for each a sound pixel about nearest. */
async function nearestSound(mask: Mask) {
  const { odd, width } = mask;
  const reached = new Int32Array(odd.reduce((sum, isOdd) => sum + isOdd, 0));
  const nearest = new Int32Array(odd.length).fill(-1);
  let end = 0;
  const reach = (pixel: number, sound: number) => {
    nearest[pixel] = sound;
    reached[end++] = pixel;
  };
  for (let pixel = 0; pixel < odd.length; pixel++) {
    if (pixel % CHUNK === 0) await setImmediate();
    const sound = odd[pixel] === 0 ? undefined : soundNeighbours(mask, pixel)[0];
    if (sound !== undefined) reach(pixel, sound);
  }
  for (let i = 0; i < end; i++) {
    if (i % CHUNK === 0) await setImmediate();
    const pixel = reached[i] as number;
    const x = pixel % width;
    const [left, right] = [x > 0 ? pixel - 1 : -1, x < width - 1 ? pixel + 1 : -1];
    for (const other of [left, right, pixel - width, pixel + width])
      if (odd[other] === 1 && nearest[other] === -1) reach(other, nearest[pixel] as number);
  }
  return { reached: reached.subarray(0, end), nearest };
}

/** The pixel's mirror image at a sound one, or a pixel between if that is odd too; far inside, a block's pixel. */
function sourceOf({ odd, width, height }: Mask, pixel: number, sound: number, donorOf: DonorOf): number {
  const [x, y] = [pixel % width, Math.floor(pixel / width)];
  const [sx, sy] = [sound % width, Math.floor(sound / width)];
  const distance = Math.hypot(sx - x, sy - y);
  if (distance > REACH && donorOf) return donorOf(pixel);
  const folded = distance % (2 * REACH);
  for (let far = Math.min(folded, 2 * REACH - folded); far >= 1; far /= 2) {
    const u = Math.round(sx + ((sx - x) / distance) * far);
    const v = Math.round(sy + ((sy - y) / distance) * far);
    if (u >= 0 && v >= 0 && u < width && v < height && odd[v * width + u] === 0) return v * width + u;
  }
  return sound;
}

/** Side of a block, pixels: twice that of the blocks that noise estimates read. */
const SIDE = 16;
/** The most blocks to copy from, spread evenly over the picture. */
const MOST_DONORS = 1024;

/**
 * Maps an odd pixel to the sound pixel that fills it: the same place in a sound block, a different block for each block of the
 * picture. Undefined if the picture has no sound block.
 */
type DonorOf = ((pixel: number) => number) | undefined;

function donorBlocks(mask: Mask): DonorOf {
  const corners = soundCorners(mask);
  const stride = Math.max(1, corners.length / MOST_DONORS);
  const count = Math.min(corners.length, MOST_DONORS);
  if (count === 0) return undefined;
  const { width } = mask;
  const across = Math.ceil(width / SIDE);
  return (pixel) => {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const [column, row] = [Math.floor(x / SIDE), Math.floor(y / SIDE)];
    const corner = corners[Math.floor(((row * across + column) % count) * stride)] as number;
    return corner + (y - row * SIDE) * width + (x - column * SIDE);
  };
}

/** The top left pixels of sound blocks, on a grid of half their side. */
function soundCorners({ odd, width, height }: Mask): readonly number[] {
  const corners: number[] = [];
  for (let y = 0; y + SIDE <= height; y += SIDE / 2)
    for (let x = 0; x + SIDE <= width; x += SIDE / 2)
      if (isSound(odd, width, y * width + x)) corners.push(y * width + x);
  return corners;
}

function isSound(odd: Uint8Array, width: number, corner: number): boolean {
  for (let row = corner; row < corner + SIDE * width; row += width)
    for (let at = row; at < row + SIDE; at++) if (odd[at] === 1) return false;
  return true;
}
