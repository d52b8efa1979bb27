// What a file on disk is, before anything that parses pictures sees it: its name is no proof.
import { openRegularFile } from '../core/files.js';
import { type PictureFormat, pictureFormat } from './format.js';

const HEAD_BYTES = 16;

/** The format that a file begins as; undefined when it is none of ours, or cannot be read. */
export async function formatOfFile(path: string): Promise<PictureFormat | undefined> {
  const handle = await openRegularFile(path).catch(() => undefined);
  try {
    const head = await handle?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return head && pictureFormat(head.buffer.subarray(0, head.bytesRead));
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}
