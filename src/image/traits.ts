// Lists what a file has beside its samples, to compare two files.
import { createHash } from 'node:crypto';

/** A name in words, and a value: words where they say something, else a checksum of the bytes. */
export type Trait = readonly [name: string, value: string];

/** What became of a file's own properties and metadata. */
export interface Fidelity {
  /** The same as in the file that came, e.g. 'ICC profile'; metadata byte for byte. */
  readonly kept: readonly string[];
  /** What is gone, e.g. 'EXIF', or another, e.g. 'colours: palette -> as samples'. */
  readonly notKept: readonly string[];
  /** What is odd in the file that came although its picture is whole; absent where nothing is. */
  readonly warnings?: readonly string[];
}

/** The mark of a value that is a checksum, not words. */
const BYTES = 'bytes ';

export function checksum(bytes: Uint8Array): string {
  return BYTES + createHash('sha256').update(bytes).digest('hex');
}

/** Compares a file with the one that was made from it. */
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

/** Traits of one name (several comments) as one. */
function grouped(traits: readonly Trait[]): Map<string, string> {
  const groups = new Map<string, string>();
  for (const [name, value] of traits) {
    const soFar = groups.get(name);
    groups.set(name, soFar === undefined ? value : checksum(Buffer.from(soFar + value)));
  }
  return groups;
}
