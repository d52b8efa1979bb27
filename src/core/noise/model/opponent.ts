// The opponent colours of a noise profile: an orthonormal transform, so white noise stays white. In it pictures are mostly
// luma, and a camera's noise is nearly independent between the channels.

const THIRD = Math.sqrt(1 / 3);
const HALF = Math.SQRT1_2;
const SIXTH = Math.sqrt(1 / 6);

/** R, G, B -> (R + G + B) / sqrt 3, (R - B) / sqrt 2, (R - 2 G + B) / sqrt 6, planar [3, H, W], in place. */
export function toOpponent(planes: Float32Array): Float32Array {
  const plane = planes.length / 3;
  for (let i = 0; i < plane; i++) {
    const r = planes[i] as number;
    const g = planes[plane + i] as number;
    const b = planes[2 * plane + i] as number;
    planes[i] = (r + g + b) * THIRD;
    planes[plane + i] = (r - b) * HALF;
    planes[2 * plane + i] = (r - 2 * g + b) * SIXTH;
  }
  return planes;
}

/** The inverse of `toOpponent`, in place. */
export function toRgb(planes: Float32Array): Float32Array {
  const plane = planes.length / 3;
  for (let i = 0; i < plane; i++) {
    const luma = (planes[i] as number) * THIRD;
    const redBlue = (planes[plane + i] as number) * HALF;
    const green = (planes[2 * plane + i] as number) * SIXTH;
    planes[i] = luma + redBlue + green;
    planes[plane + i] = luma - 2 * green;
    planes[2 * plane + i] = luma - redBlue + green;
  }
  return planes;
}
