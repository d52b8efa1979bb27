// The options that say which numbers of a picture are black and white. How they are used: picture-view.ts.
import { z } from 'zod';

const level = () => z.number().min(-1e9).max(1e9).optional();

export const rangeOptionsShape = {
  /** The sample that means black, in the picture's own numbers. Default: found, which is 0 for most pictures. */
  black: level().describe("a number (the sample that means black, in the file's own numbers)"),
  /** The sample that means white. Default: found, which is 255, 65535 or 1.0 for most pictures. */
  white: level().describe("a number (the sample that means white, in the file's own numbers)"),
};
