// EXIF's eight orientations: where a part of the upright picture lies in the file's own rows and columns.
import type { Region } from '../../tile/region.js';

/**
 * The region of the stored picture that is shown as `region` of the upright one.
 *
 * @param orientation  EXIF's, 1 to 8; anything else counts as 1
 * @param stored       the size of the stored picture
 */
export function storedRegion(
  { left, top, width, height }: Region,
  orientation: number,
  stored: { readonly width: number; readonly height: number },
): Region {
  // From 5 on, columns of the file are shown as rows.
  const isTurned = orientation >= 5 && orientation <= 8;
  const along = isTurned
    ? { left: top, top: left, width: height, height: width }
    : { left, top, width, height };
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBottom = [3, 4, 6, 7].includes(orientation);
  return {
    ...along,
    left: isFromRight ? stored.width - along.left - along.width : along.left,
    top: isFromBottom ? stored.height - along.top - along.height : along.top,
  };
}
