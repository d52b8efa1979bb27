// Regions of a picture, in its pixels.
import { FlowDenoiseError } from '../core/errors.js';
import type { Picture, Region, Samples, Size } from '../core/picture.js';

/** @throws FlowDenoiseError BAD_OPTION if the region reaches beyond the picture */
export function checkRegion({ left, top, width, height }: Region, picture: Size): void {
  if (left + width <= picture.width && top + height <= picture.height) return;
  throw new FlowDenoiseError(
    'BAD_OPTION',
    `Expected a region inside ${picture.width} x ${picture.height} pixels but received ${width} x ${height} at ${left}, ${top}`,
  );
}

/**
 * The region extended by its surroundings, up to the picture's edges.
 *
 * @param margin    the fewest pixels to extend it by
 * @param multiple  left and top become multiples of this
 */
export function withSurroundings(region: Region, picture: Size, margin: number, multiple: number): Region {
  const start = (at: number) => multiple * Math.floor(Math.max(0, at - margin) / multiple);
  const [left, top] = [start(region.left), start(region.top)];
  const right = Math.min(picture.width, region.left + region.width + margin);
  const bottom = Math.min(picture.height, region.top + region.height + margin);
  return { left, top, width: right - left, height: bottom - top };
}

export function cutOut<S extends Samples>({ data, width, channels }: Picture<S>, region: Region): Picture<S> {
  const row = region.width * channels;
  const cut = data.slice(0, region.height * row) as S;
  for (let y = 0; y < region.height; y++) {
    const start = ((region.top + y) * width + region.left) * channels;
    cut.set(data.subarray(start, start + row), y * row);
  }
  return { data: cut, width: region.width, height: region.height, channels };
}
