// The file of the HTML report. The head is known last, so pictures go to a temporary file as they come and are copied
// behind the head at the end. A reader sees a whole page or none.

import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orWriteFailed } from '../../core/files.js';

const COPY_BYTES = 1 << 20;

export interface PageFile {
  append(text: string): Promise<void>;
  /** Puts the page in its place: the head, all that was appended, the end. */
  finish(head: string, end: string): Promise<void>;
  /** Removes what lies there unfinished, the page itself never. Never rejects: others close after it. */
  discard(): Promise<void>;
}

/**
 * Begins a page; nothing appears under its name before it is finished.
 *
 * @throws  FlowDenoiseError WRITE_FAILED, as its methods do
 */
export async function openPageFile(path: string): Promise<PageFile> {
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
