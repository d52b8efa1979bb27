// What a file on disk is, before anything that parses pictures sees it: its name is no proof.
import { openRegularFile } from '../core/files.js';
import { readContainer } from './decode.js';
import { type PictureFormat, pictureFormat } from './format.js';

/** In so many bytes any format has room for more parts than are taken. */
const HEAD_BYTES = 262_144;

/** The format that a file begins as; undefined when it is none of ours, cannot be read, or has too many parts for a parser. */
export async function formatOfFile(path: string): Promise<PictureFormat | undefined> {
  const handle = await openRegularFile(path).catch(() => undefined);
  try {
    const head = await handle?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const bytes = head?.buffer.subarray(0, head.bytesRead);
    const format = bytes && pictureFormat(bytes);
    if (bytes && format) readContainer(bytes, format);
    return format;
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}
