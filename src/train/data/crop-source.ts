// What training reads: crops of clean pictures. Data only; crops.ts makes one from a folder.

/** Crops by the number of the step, so that whoever goes on at a step gets what nobody interrupted would have got. */
export interface CropSource {
  /** Pictures (tiles, of contact sheets) that are trained on, and those kept for validation; apart by file. */
  readonly pictures: number;
  readonly validationPictures: number;
  /** What the model card says of the data: counts, and a hash over names and lengths of the files. */
  readonly description: Readonly<Record<string, string | number>>;
  /**
   * The crops of a step: a function of the seed and the step alone. Decoded ahead of use; asking for other steps than
   * the next is allowed, and slower.
   *
   * @param step  from 0
   * @returns     [batch, size, size, 3], 8-bit RGB, flipped and turned by quarters at random
   */
  batch(step: number): Promise<Uint8Array>;
  /** The first crops of the validation pictures, always the same, from their middles: [count, size, size, 3]. */
  validation(count: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
