// Repairs the headers of intact JPEG files in a copy, so that any warning left from the decoder means damage.
import { isSequential, type Segment, SOS, segmentsOf } from '../containers/jpeg-container.js';

interface SoundJpeg {
  /** The copy to decode. */
  readonly bytes: Buffer;
  /** What was repaired, in words. */
  readonly warnings: readonly string[];
}

/**
 * Removes stray bytes between segments, and gives the scan of a sequential JPEG its only valid parameters (some phones write
 * 0 to 0), which decoders ignore (ITU T.81, B.2.3).
 */
export function soundJpeg(file: Buffer): SoundJpeg {
  const segments = segmentsOf(file);
  const scan = segments.at(-1);
  if (scan?.marker !== SOS) return { bytes: file, warnings: [] };
  const padding = paddingBytes(file, segments);
  const head = padding === 0 ? file.subarray(0, scan.start) : joined(file, segments.slice(0, -1));
  const parameters = scan.bytes.subarray(-3);
  const isOdd = segments.some(isSequential) && !parameters.equals(WHOLE_SCAN);
  if (padding === 0 && !isOdd) return { bytes: file, warnings: [] };
  const scanHeader = isOdd ? Buffer.concat([scan.bytes.subarray(0, -3), WHOLE_SCAN]) : scan.bytes;
  return {
    bytes: Buffer.concat([head, scanHeader, file.subarray(scan.start + scan.bytes.length)]),
    warnings: [
      ...(padding > 0 ? [`${padding} stray bytes between its segments`] : []),
      ...(isOdd ? ['unusual parameters of its scan, which mean nothing in a JPEG of this kind'] : []),
    ],
  };
}

/** Coefficients 0 to 63, all bits. */
const WHOLE_SCAN = Buffer.from([0, 63, 0]);

const joined = (file: Buffer, segments: readonly Segment[]): Buffer =>
  Buffer.concat([file.subarray(0, 2), ...segments.map(({ bytes }) => bytes)]);

/** Fill bytes (0xff before a marker) are allowed and do not count. */
function paddingBytes(file: Buffer, segments: readonly Segment[]): number {
  let count = 0;
  let end = 2;
  for (const { start, bytes } of segments) {
    for (let at = end; at < start; at++) if (file[at] !== 0xff) count += 1;
    end = start + bytes.length;
  }
  return count;
}
