// The crops that nothing is trained on, the same for every seed: for validation while training, and for calibration.
import { z } from 'zod';
import type { PriorModel } from '../../core/model/model-json.js';
import { toPlanar } from '../../core/picture.js';
import { drawBelow, generatorFor } from './crop-order.js';
import {
  CHANNELS,
  cutCrop,
  openDecodedPictures,
  type RgbPicture,
  tileAt,
  tilesOf,
} from './decoded-pictures.js';
import {
  byPlace,
  findPictures,
  hashOfFiles,
  noneDecodable,
  type PictureFile,
  type PictureSearch,
} from './picture-files.js';

/**
 * First the middle of every picture, then other places in them. Repeats a crop only if there is no other. The folders take
 * turns, and the files' names decide the order in each.
 *
 * @param files  each folder's files
 * @returns      `count` crops, [size, size, 3] each
 * @throws       FlowDenoiseError BAD_IMAGE if nothing can be decoded
 */
export async function validationCrops(
  files: readonly (readonly PictureFile[])[],
  decode: (file: PictureFile) => Promise<RgbPicture | undefined>,
  { folders, crop: size, sheetTile }: PictureSearch,
  count: number,
): Promise<Uint8Array[]> {
  const lists = files.map((own) => {
    const places = byPlace(own).flatMap((file) =>
      Array.from({ length: tilesOf(file, sheetTile) }, (_, tile) => ({ file, tile })),
    );
    // One picture of each contact sheet first, then a second.
    return places.sort((a, b) => a.tile - b.tile);
  });
  const longest = Math.max(...lists.map(({ length }) => length));
  const places = Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list[turn] ?? []));
  const crops: Uint8Array[] = [];
  for (let round = 0, before = -1; crops.length > before; round++) {
    before = crops.length;
    for (const [index, { file, tile }] of places.flat().entries()) {
      const picture = await decode(file);
      const region = picture && tileAt(picture, sheetTile, tile);
      if (picture === undefined || region === undefined) continue;
      const generator = generatorFor(round, 'validation', index);
      const at = (length: number): number =>
        round === 0 ? Math.floor((length - size) / 2) : drawBelow(generator, length - size + 1);
      const [x, y] = [region.left + at(region.width), region.top + at(region.height)];
      if (crops.push(cutCrop(picture, x, y, size, 0)) === count) return crops;
    }
  }
  throw noneDecodable(folders, files.flat().length);
}

export type CalibrationCrops = Awaited<ReturnType<typeof calibrationCrops>>;

const CALIBRATION_CACHE_BYTES = 64 * 2 ** 20;
const trainedOn = z.object({ data: z.object({ hash: z.string() }) });

/**
 * The clean crops for calibration: if the prior was trained on the folders, of the pictures kept for validation, else of all.
 *
 * @returns  `crops`, each planar [3, crop, crop], in [0, 1]; the number of files to choose from; whether training kept them
 * @throws   FlowDenoiseError BAD_OPTION, BAD_IMAGE; the signal's reason
 */
export async function calibrationCrops(
  search: PictureSearch,
  count: number,
  model: Pick<PriorModel, 'provenance'>,
) {
  const found = await findPictures(search);
  const provenance = trainedOn.safeParse(model.provenance);
  const isTrainedOn = provenance.success && provenance.data.data.hash === hashOfFiles(found);
  const areKept =
    (isTrainedOn || found.every(({ isDivided }) => isDivided)) &&
    found.every(({ validation }) => validation.length > 0);
  const files = found.map(({ training, validation }) =>
    areKept ? validation : [...training, ...validation],
  );
  const decoded = openDecodedPictures(CALIBRATION_CACHE_BYTES, () => {});
  const decode = (file: PictureFile) => {
    search.signal?.throwIfAborted();
    return decoded.get(file);
  };
  try {
    const crops = await validationCrops(files, decode, search, count);
    return {
      crops: crops.map((crop) => Float32Array.from(toPlanar(crop, CHANNELS), (value) => value / 255)),
      files: files.flat().length,
      areKept,
    };
  } finally {
    await decoded.close();
  }
}
