// The clean crops for calibration. If the prior was trained on the folders, they come from the pictures kept for validation,
// else from all.

import { z } from 'zod';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { toPlanar } from '../../core/picture.js';
import { validationCrops } from '../data/crop-order.js';
import { VALIDATION_SHARE } from '../data/crops.js';
import { CHANNELS } from '../data/cut-crop.js';
import { openDecodedPictures } from '../data/decoded-pictures.js';
import { dividePictures, findPictures, hashOfFiles, type PictureFile } from '../data/picture-files.js';

interface CalibrationCropsOptions {
  readonly folders: readonly string[];
  /** Side of a crop, pixels. */
  readonly size: number;
  readonly count: number;
  /** Set if the files are contact sheets: the side of their pictures. */
  readonly sheetTile?: number | undefined;
  readonly model: Pick<PriorModel, 'provenance'>;
  readonly signal?: AbortSignal | undefined;
}

export interface CalibrationCrops {
  /** Each planar [3, size, size], in [0, 1]. */
  readonly crops: readonly Float32Array[];
  /** The number of files to choose from. */
  readonly files: number;
  /** Whether these are the files that training kept for validation. */
  readonly areKept: boolean;
}

const CACHE_BYTES = 64 * 2 ** 20;
const trainedOn = z.object({ data: z.object({ hash: z.string() }) });

/** @throws  FlowDenoiseError BAD_OPTION, BAD_IMAGE; the signal's reason */
export async function calibrationCrops(options: CalibrationCropsOptions): Promise<CalibrationCrops> {
  const { folders, size, sheetTile, signal } = options;
  if (sheetTile !== undefined && sheetTile < size)
    throw badOption(
      `Expected pictures of at least ${size} pixels, the size of a crop, on the contact sheets but received ${sheetTile}`,
    );
  const found = await findPictures(folders, sheetTile ?? size, signal);
  const division = { isSheets: sheetTile !== undefined, validationShare: VALIDATION_SHARE };
  const divided = found.map((each) => dividePictures(each, division));
  const provenance = trainedOn.safeParse(options.model.provenance);
  const isTrainedOn = provenance.success && provenance.data.data.hash === hashOfFiles(divided);
  const areKept =
    (isTrainedOn || found.every(({ isDivided }) => isDivided)) &&
    divided.every(({ validation }) => validation.length > 0);
  const files = areKept ? divided.map(({ validation }) => validation) : found.map(({ good }) => good);
  return { crops: await read(files, options), files: files.flat().length, areKept };
}

async function read(
  files: readonly (readonly PictureFile[])[],
  { folders, size, count, sheetTile, signal }: CalibrationCropsOptions,
): Promise<Float32Array[]> {
  const decoded = openDecodedPictures(CACHE_BYTES, () => {});
  try {
    const crops: Float32Array[] = [];
    for await (const crop of validationCrops(files, decoded.get, size, sheetTile)) {
      signal?.throwIfAborted();
      if (crops.push(Float32Array.from(toPlanar(crop, CHANNELS), (value) => value / 255)) === count)
        return crops;
    }
  } finally {
    await decoded.close();
  }
  throw new FlowDenoiseError(
    'BAD_IMAGE',
    `${folders.join(', ')}: none of the ${files.flat().length} pictures can be decoded. Expected whole files; copy or export them again.`,
  );
}
