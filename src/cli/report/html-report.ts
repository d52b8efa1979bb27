// The page of --report. Each picture is written to it at once; none is held in memory.

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import { orWriteFailed } from '../../core/files.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { errorJson, type Outcome } from '../display/report.js';
import type { Job } from '../run/inputs.js';
import { articleOf, type Entry, pageEnd, pageHead } from './html-report-page.js';
import { makePreviews, type Previews, previewSizes } from './html-report-previews.js';

export interface HtmlReport {
  /**
   * Makes a picture's previews. Call it before writing the result, which may replace the input. Never rejects: if previews
   * fail, the page says so.
   *
   * @param bytes  the result; undefined if the picture did not change
   */
  look(job: Job, bytes: Buffer | undefined): Promise<void>;
  /** Adds a picture or a failure to the page. Never rejects: the pictures go on, and `finish` rejects. */
  add(outcome: Outcome): Promise<void>;
  /**
   * @param seconds  of the whole run
   * @throws         FlowDenoiseError WRITE_FAILED, also for earlier faults
   */
  finish(seconds: number): Promise<void>;
  /** Removes a page that was not finished. */
  close(): Promise<void>;
}

/**
 * Starts the report of a run.
 *
 * @param path      of the page
 * @param pictures  the number of pictures to come
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

const COPY_BYTES = 1 << 20;

interface PageFile {
  append(text: string): Promise<void>;
  /** Writes the page: the head, everything appended, the end. */
  finish(head: string, end: string): Promise<void>;
  /** Removes unfinished files, never the page itself. Never rejects: others close after it. */
  discard(): Promise<void>;
}

/**
 * Starts a page. It appears under its name when it is finished.
 *
 * @throws  FlowDenoiseError WRITE_FAILED, as its methods do
 */
async function openPageFile(path: string): Promise<PageFile> {
  const folder = dirname(path);
  const temporary = (): string => join(folder, `.flow-denoise-${randomUUID()}.tmp`);
  const bodyPath = temporary();
  const pagePath = temporary();
  const body = await written(path, async () => {
    await mkdir(folder, { recursive: true });
    return open(bodyPath, 'wx+');
  });

  async function discard(): Promise<void> {
    await body.close().catch(() => undefined);
    await Promise.all([bodyPath, pagePath].map((file) => rm(file, { force: true }).catch(() => undefined)));
  }

  async function assemble(head: string, end: string): Promise<void> {
    const page = await open(pagePath, 'wx');
    try {
      await page.appendFile(head);
      await copy(body, page);
      await page.appendFile(end);
      await page.sync();
    } finally {
      await page.close();
    }
    await rename(pagePath, path);
  }

  return {
    append: (text) => written(path, () => body.appendFile(text)),
    finish: (head, end) => written(path, () => assemble(head, end)),
    discard,
  };
}

const written = <Result>(path: string, work: () => Promise<Result>) =>
  orWriteFailed(path, 'the report could not be written', work);

async function copy(from: FileHandle, to: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await from.read(buffer, 0, COPY_BYTES, position);
    if (bytesRead === 0) return;
    await to.appendFile(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
