// The page of --report. Each picture is written out as it comes; none is held in memory.
import { messageOf } from '../../core/errors.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { errorJson, type Outcome } from '../display/report.js';
import type { Job } from '../run/inputs.js';
import { openPageFile } from './html-report-file.js';
import { articleOf, type Entry, pageEnd, pageHead } from './html-report-page.js';
import { makePreviews, type Previews, previewSizes } from './html-report-previews.js';

export interface HtmlReport {
  /**
   * Makes a picture's previews. Call it before the result is written, which may replace the input. Never rejects: where
   * previews fail, the page says so.
   *
   * @param bytes  the result; undefined where the picture stays as it is
   */
  look(job: Job, bytes: Buffer | undefined): Promise<void>;
  /** Writes a picture out, or remembers that it failed. Never rejects: the pictures go on, and `finish` tells. */
  add(outcome: Outcome): Promise<void>;
  /**
   * @param seconds  of the whole run, as the command tells it
   * @throws         FlowDenoiseError WRITE_FAILED, also for what happened before
   */
  finish(seconds: number): Promise<void>;
  /** Leaves nothing behind of a page that was not finished. */
  close(): Promise<void>;
}

/**
 * Begins the report of a run.
 *
 * @param path      of the page
 * @param pictures  how many there will be
 * @throws          FlowDenoiseError WRITE_FAILED
 */
export async function openHtmlReport(
  path: string,
  denoiser: Pick<Denoiser, 'prior' | 'method' | 'engine' | 'ensemble' | 'scales'>,
  pictures: number,
  strength = 1,
): Promise<HtmlReport> {
  const file = await openPageFile(path);
  const started = new Date();
  const sizes = previewSizes(pictures);
  const looks = new Map<Job, Previews | Error>();
  const entries: Entry[] = [];
  let problem: unknown;

  return {
    async look(job, bytes) {
      const asError = (error: unknown): Error =>
        error instanceof Error ? error : new Error(messageOf(error));
      looks.set(job, await makePreviews(job.input, bytes, sizes).catch(asError));
    },
    async add({ job, report, error }) {
      const previews = looks.get(job);
      looks.delete(job);
      const number = entries.length + 1;
      if (report === undefined) {
        entries.push({ number, job, error: errorJson(error) });
        return;
      }
      const { width, height } = previews === undefined || previews instanceof Error ? NO_SIZE : previews;
      entries.push({ number, job, report, megapixels: (width * height) / 1e6 });
      if (problem !== undefined) return;
      await file.append(articleOf(number, job, report, previews)).catch((failure: unknown) => {
        problem = failure;
      });
    },
    async finish(seconds) {
      if (problem !== undefined) throw problem;
      await file.finish(pageHead({ entries, denoiser, strength, started, seconds }), pageEnd());
    },
    close: () => file.discard(),
  };
}

const NO_SIZE = { width: 0, height: 0 } as const;
