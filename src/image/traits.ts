// Lists a file's properties besides its samples, to compare two files.
import { createHash } from 'node:crypto';

/** A name, and a value: words if they mean something, else a checksum of the bytes. */
export type Trait = readonly [name: string, value: string];

/** What happened to a file's properties and metadata. */
export interface Fidelity {
  /** Equal to the original's, e.g. 'ICC profile'; metadata byte for byte. */
  readonly kept: readonly string[];
  /** Lost, e.g. 'EXIF', or changed, e.g. 'colours: palette -> as samples'. */
  readonly notKept: readonly string[];
  /** Oddities of an original whose picture is intact; absent if there are none. */
  readonly warnings?: readonly string[];
}

/** Marks a value that is a checksum. */
const BYTES = 'bytes ';

export function checksum(bytes: Uint8Array): string {
  return BYTES + createHash('sha256').update(bytes).digest('hex');
}

/** Compares an original with its result. */
export function compareTraits(before: readonly Trait[], after: readonly Trait[]): Fidelity {
  const [old, now] = [grouped(before), grouped(after)];
  const kept: string[] = [];
  const notKept: string[] = [];
  for (const [name, value] of old) {
    const other = now.get(name);
    if (other === value) kept.push(isWords(value) ? `${name}: ${value}` : name);
    else if (other === undefined || !isWords(value))
      notKept.push(other === undefined ? name : `${name}: other bytes`);
    else notKept.push(`${name}: ${value} -> ${other}`);
  }
  return { kept, notKept };
}

function isWords(value: string): boolean {
  return !value.startsWith(BYTES);
}

/** Joins traits of one name (several comments). */
function grouped(traits: readonly Trait[]): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [name, value] of traits) {
    const soFar = groups.get(name);
    groups.set(name, soFar === undefined ? value : checksum(Buffer.from(soFar + value)));
  }
  return groups;
}
