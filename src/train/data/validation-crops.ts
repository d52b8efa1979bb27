// What a flow in training is looked at with: the same crops every time, whatever the seed.
import { isEmpty, tileAt, tilesOf } from './contact-sheet.js';
import { drawBelow, generatorFor } from './crop-order.js';
import { cutCrop, type RgbPicture } from './cut-crop.js';
import { byPlace, type PictureFile } from './picture-files.js';

/**
 * The middle of every validation picture, then other places in them, without end; ends where nothing can be read.
 * No crop twice unless there is no other. In an order that hangs on the files' names.
 */
export async function* validationCrops(
  files: readonly PictureFile[],
  decode: (file: PictureFile) => Promise<RgbPicture | undefined>,
  size: number,
  sheetTile: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const places = byPlace(files).flatMap((file) => {
    const tiles = sheetTile === undefined ? 1 : tilesOf(file, sheetTile);
    return Array.from({ length: tiles }, (_, tile) => ({ file, tile }));
  });
  // Of contact sheets first one picture each, then a second.
  places.sort((a, b) => a.tile - b.tile);
  for (let round = 0, found = 1; found > 0; round++) {
    found = 0;
    for (const [index, { file, tile }] of places.entries()) {
      const picture = await decode(file);
      if (picture === undefined) continue;
      const { width, height } = picture;
      const region =
        sheetTile === undefined ? { left: 0, top: 0, width, height } : tileAt(width, sheetTile, tile);
      if (sheetTile !== undefined && isEmpty(picture, region)) continue;
      found++;
      const generator = generatorFor(round, 'validation', index);
      const at = (length: number): number =>
        round === 0 ? Math.floor((length - size) / 2) : drawBelow(generator, length - size + 1);
      yield cutCrop(picture, region.left + at(region.width), region.top + at(region.height), size, 0);
    }
  }
}
