// The list of what a set of pictures holds and under which licences, and what must hold of it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isAccepted } from './licence.js';

export interface FreePicture {
  /** Within the set's folder. */
  readonly file: string;
  readonly registry: string;
  readonly package: string;
  readonly version: string;
  /** Within the package. */
  readonly path: string;
  readonly author: string;
  readonly licence: string;
  /** The package's licence file, within the set's folder. */
  readonly licenceFile: string;
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
  /** By what the sides were divided. */
  readonly shrink: number;
  readonly source: { readonly width: number; readonly height: number };
}

export interface Manifest {
  readonly pictures: readonly FreePicture[];
  readonly leftOut: readonly { readonly package: string; readonly path: string; readonly reason: string }[];
}

export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What is wrong with a set; empty if nothing is. */
export async function faultsOf({ pictures }: Manifest, folder: string): Promise<string[]> {
  const faults: string[] = [];
  for (const { file, author, licence, licenceFile, sha256 } of pictures) {
    if (!isAccepted(licence)) faults.push(`${file}: the licence ${licence || '(none)'} is not accepted`);
    if (author === '') faults.push(`${file}: no author`);
    const text = path.join(folder, licenceFile);
    if (licenceFile === '' || !existsSync(text) || (await readFile(text, 'utf8')).trim() === '')
      faults.push(`${file}: no licence text`);
    if (!existsSync(path.join(folder, file))) faults.push(`${file}: not there`);
    else if (sha256Of(await readFile(path.join(folder, file))) !== sha256) faults.push(`${file}: changed`);
  }
  return faults;
}

/** Pictures, megapixels before and after shrinking, and how many pictures each licence has. */
export function summaryOf({ pictures, leftOut }: Manifest): string {
  const megapixels = (sizes: readonly { width: number; height: number }[]) =>
    (sizes.reduce((sum, { width, height }) => sum + width * height, 0) / 1e6).toFixed(1);
  const counts = new Map<string, number>();
  for (const { licence } of pictures) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  const before = megapixels(pictures.map(({ source }) => source));
  return [
    `${pictures.length} pictures, ${megapixels(pictures)} megapixels, ${before} before shrinking; ${leftOut.length} left out`,
    ...[...counts].sort(([, a], [, b]) => b - a).map(([licence, count]) => `  ${licence}: ${count}`),
  ].join('\n');
}
