// Bytes of a picture that come in pieces, and the two ways in which they may be none: too many, or spoilt.
import { isUtf8 } from 'node:buffer';
import { FlowDenoiseError } from '../core/errors.js';

/**
 * The pieces as one.
 *
 * @param maxBytes  reading stops above
 * @throws          FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes`
 */
export async function collectBytes(
  chunks: AsyncIterable<Uint8Array | string>,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : asBuffer(chunk);
    length += part.length;
    checkLength(length, name, maxBytes, 'more than ');
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** @throws FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes` */
export function checkLength(length: number, name: string, maxBytes: number, about = ''): void {
  if (length <= maxBytes) return;
  throw new FlowDenoiseError(
    'UNSUPPORTED_IMAGE',
    `${name}: found ${about}${about === '' ? length : maxBytes} bytes, expected at most ${maxBytes} (maxBytes). Raise maxBytes if you trust the file and have the memory.`,
  );
}

/** No picture is valid UTF-8; one that is, and has U+FFFD in it, was read as text and written back. */
export function wasDecodedAsText(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.includes('\ufffd');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
