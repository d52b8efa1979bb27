// Results of benchmarks as they are kept: docs/results/<name>.json, a row for every measurement, with the command and the
// machine. docs are written from these files (document.ts), so that no figure is typed by hand.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

import { mean, median } from '#src/core/metrics/index.js';
import type { Approach } from '#src/denoiser/preset.js';

export { mean, median };

const FOLDER = fileURLToPath(new URL('../docs/results/', import.meta.url));

export type Row = Readonly<Record<string, string | number | boolean | readonly number[]>>;

export interface Results {
  /** What reproduces the rows. */
  readonly command: string;
  readonly machine: string;
  readonly rows: readonly Row[];
}

export interface ResultsFile {
  /** The row with these keys; if there is none, what `work` measures for them is put. */
  readonly measured: <Key extends Row, Figures extends Row>(
    key: Key,
    work: () => Promise<Figures>,
  ) => Promise<Key & Figures>;
  /** Puts a row in place of the one with the same keys, or last; the file is written at once. */
  readonly put: (row: Row) => Promise<void>;
}

/** "2 cores of Intel(R) Xeon(R) ..., 24 GiB, Node v20.20.0". */
export function machineWords(): string {
  const [first, ...others] = cpus();
  return `${1 + others.length} cores of ${first?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`;
}

export async function readResults(name: string): Promise<Results> {
  return JSON.parse(await readFile(`${FOLDER}${name}.json`, 'utf8')) as Results;
}

/**
 * The kept results of a benchmark; a run that was stopped goes on where it was.
 *
 * @param keys     what tells rows apart
 * @param command  what reproduces them
 * @param isKept   false: rows live in memory only, nothing is read or written
 */
export async function openResults(
  name: string,
  keys: readonly string[],
  command: string,
  isKept: boolean,
): Promise<ResultsFile> {
  const before = isKept ? await readResults(name).catch(() => undefined) : undefined;
  const rows: Row[] = [...(before?.rows ?? [])];
  const isSame = (a: Row, b: Row) => keys.every((key) => a[key] === b[key]);
  async function put(row: Row): Promise<void> {
    const index = rows.findIndex((each) => isSame(each, row));
    rows.splice(index === -1 ? rows.length : index, index === -1 ? 0 : 1, row);
    if (!isKept) return;
    await mkdir(FOLDER, { recursive: true });
    const lines = rows.map((each) => `    ${JSON.stringify(each)}`).join(',\n');
    const head = JSON.stringify({ command, machine: machineWords() }, undefined, 2).slice(0, -2);
    await writeFile(`${FOLDER}${name}.json`, `${head},\n  "rows": [\n${lines}\n  ]\n}\n`);
  }
  return {
    async measured<Key extends Row, Figures extends Row>(key: Key, work: () => Promise<Figures>) {
      const found = rows.find((each) => isSame(each, key));
      if (found) return found as Key & Figures;
      const row = { ...key, ...(await work()) };
      await put(row);
      return row;
    },
    put,
  };
}

export const rms = (values: readonly number[]) => Math.sqrt(mean(values.map((value) => value ** 2)));

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Four digits behind the point: a run on another machine agrees to three. */
export const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(4)));

/** "posterior-mean:4:3": method, ensemble, scales (1 where left out). */
export function approachFrom(text: string): Approach {
  const [method, ensemble = '1', scales = '1'] = text.split(':');
  return { method, ensemble: Number(ensemble), scales: Number(scales) } as Approach;
}

export const approachText = ({ method, ensemble, scales }: Approach) => `${method}:${ensemble}:${scales}`;

/** A table in Markdown. */
export function markdownTable(head: readonly string[], body: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The arguments without the flags, and whether `--save` is among them. */
export function benchArguments(): { readonly args: readonly string[]; readonly isKept: boolean } {
  const given = process.argv.slice(2);
  return { args: given.filter((arg) => !arg.startsWith('--')), isKept: given.includes('--save') };
}
