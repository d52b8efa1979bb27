// The report of one file: the denoiser's report and the file's own facts, or what went wrong.
import type Vinyl from 'vinyl';
import type { DenoiseReport } from '../denoiser/denoiser.js';
import type { Fidelity } from '../image/index.js';

/** What was done to one picture file. */
export interface PictureReport extends DenoiseReport {
  /** Whether the result came out of the cache; the rest of the report is then of the time when it was computed. */
  readonly isCached: boolean;
  /** What was kept of the file and what was not. */
  readonly file: Fidelity;
  /** Tells a report from a failure. */
  readonly error?: undefined;
}

/** Of a file that passed as it was, with `onError: 'pass'`. */
export type PictureFailure = { readonly [Key in Exclude<keyof PictureReport, 'error'>]?: undefined } & {
  /** What went wrong with it. */
  readonly error: Error;
};

/** A file that came through the stream. `flowDenoise` is absent where there was nothing to do. */
export type DenoisedFile = Vinyl & { flowDenoise?: PictureReport | PictureFailure };
