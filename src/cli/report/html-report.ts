// The page of --report. Each picture is written to it at once; none is held in memory.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import { orWriteFailed, readRegularFile, writeFileAtomic } from '../../core/files.js';
import { errorJson, type Outcome } from '../display/report.js';
import type { Job } from '../run/destination.js';
import { articleOf, type Entry, HEADING, PAGE_END, type PageFacts, pageHead } from './html-report-page.js';
import { makePreviews, type Previews, previewSizes } from './html-report-previews.js';

export type HtmlReport = Awaited<ReturnType<typeof openHtmlReport>>;

export const isReport = async (path: string) => (await readRegularFile(path)).includes(HEADING);

/**
 * Starts the report of a run of so many pictures. They wait in a file beside the page, which appears when it is finished: its
 * head has totals.
 *
 * @throws  FlowDenoiseError WRITE_FAILED
 */
export async function openHtmlReport(
  path: string,
  denoiser: PageFacts['denoiser'],
  pictures: number,
  strength: number,
) {
  const written = <Result>(work: () => Promise<Result>) => orWriteFailed(path, 'could not be written', work);
  const bodyPath = join(dirname(path), `.flow-denoise-${randomUUID()}.tmp`);
  const body = await written(async () => {
    await mkdir(dirname(path), { recursive: true });
    return open(bodyPath, 'wx');
  });
  const started = new Date();
  const sizes = previewSizes(pictures);
  const entries: Entry[] = [];
  let problem: unknown;

  return {
    /**
     * Makes a picture's previews. Call it before writing the result, which may replace the input. Never rejects: if previews
     * fail, the page says so. `bytes` are undefined if the picture did not change.
     */
    look: (job: Job, bytes: Buffer | undefined): Promise<Previews | Error> =>
      makePreviews(job.input, bytes, sizes).catch((error: unknown) => new Error(messageOf(error))),
    /** Adds a picture or a failure to the page. Never rejects: the pictures go on, and `finish` rejects. */
    async add({
      job,
      report,
      error,
      previews,
    }: Outcome & { readonly previews?: Previews | Error | undefined }) {
      if (report === undefined || previews === undefined) {
        entries.push({ job, error: errorJson(error) });
        return;
      }
      const { width, height } = previews instanceof Error ? { width: 0, height: 0 } : previews;
      entries.push({ job, report, megapixels: (width * height) / 1e6 });
      if (problem !== undefined) return;
      const article = articleOf(entries.length, job, report, previews);
      await written(() => body.appendFile(article)).catch((failure: unknown) => {
        problem = failure;
      });
    },
    /** Writes the page, with the seconds of the whole run. @throws FlowDenoiseError WRITE_FAILED, also for earlier faults */
    async finish(seconds: number): Promise<void> {
      if (problem !== undefined) throw problem;
      async function* page() {
        yield pageHead({ entries, denoiser, strength, started, seconds });
        yield* createReadStream(bodyPath);
        yield PAGE_END;
      }
      await writeFileAtomic(path, page());
    },
    /** Removes what is not the page. */
    async close(): Promise<void> {
      await body.close().catch(() => undefined);
      await rm(bodyPath, { force: true }).catch(() => undefined);
    },
  };
}
