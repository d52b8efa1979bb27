// The memory of a watched folder: the outcome of every picture, so that a restart neither repeats nor forgets one.
//
// Before a result appears under its final name, it is recorded here as begun, with its hash; afterwards as settled. After a
// crash in between, the hash of the output tells whether the result had appeared.
import { randomUUID } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { z } from 'zod';
import { createLineFile, type LineFile, readLines } from './ledger-file.js';

/** The ledger is rewritten when it has this many lines more than four per picture. */
const SLACK = 1000;

const pictureShape = {
  /** Relative to the input folder, with forward slashes. */
  path: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  /** SHA-256 of the file, hexadecimal. */
  hash: z.string(),
  options: z.string(),
};

const begunSchema = z.strictObject({
  state: z.literal('begun'),
  ...pictureShape,
  /** Relative to the output folder. */
  output: z.string(),
  outputHash: z.string(),
});
const doneSchema = z.strictObject({
  state: z.literal('done'),
  ...pictureShape,
  output: z.string(),
  /** Undefined if an existing file was taken for the result. */
  outputHash: z.string().optional(),
});
const failedSchema = z.strictObject({
  state: z.literal('failed'),
  ...pictureShape,
  code: z.string(),
  why: z.string(),
});
const forgottenSchema = z.strictObject({ state: z.literal('forgotten'), path: z.string() });
const lineSchema = z.discriminatedUnion('state', [begunSchema, doneSchema, failedSchema, forgottenSchema]);

export type Begun = z.output<typeof begunSchema>;
export type Settled = z.output<typeof doneSchema> | z.output<typeof failedSchema>;
type Line = z.output<typeof lineSchema>;

export interface Ledger {
  /** The outcome of the last picture at this path. */
  get(path: string): Settled | undefined;
  readonly paths: () => readonly string[];
  /** The path of the picture that this output belongs to. */
  ownerOf(output: string): string | undefined;
  /** Results begun but not settled, by a process that died. */
  readonly unsettled: () => readonly Begun[];
  begin(picture: Omit<Begun, 'state'>): Promise<void>;
  /** Records a picture's outcome, and ends what was begun for its path. */
  settle(picture: Settled): Promise<void>;
  forget(path: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a ledger, or makes a new one.
 *
 * @param onDamage  called with the path of a copy of the old file if it has unreadable lines; the other lines are kept
 */
export async function openLedger(path: string, onDamage: (copy: string) => void): Promise<Ledger> {
  const texts = await readLines(path);
  const settled = new Map<string, Settled>();
  const begun = new Map<string, Begun>();
  const owners = new Map<string, string>();

  function take(line: Line): void {
    const before = settled.get(line.path);
    if (line.state === 'begun') {
      begun.set(line.path, line);
      return;
    }
    begun.delete(line.path);
    if (before?.state === 'done' && owners.get(before.output) === line.path) owners.delete(before.output);
    if (line.state === 'forgotten') {
      settled.delete(line.path);
      return;
    }
    settled.set(line.path, line);
    if (line.state === 'done') owners.set(line.output, line.path);
  }

  let isDamaged = false;
  for (const text of texts) {
    const line = parseLine(text);
    if (line) take(line);
    else isDamaged = true;
  }
  if (isDamaged) {
    const copy = `${path}.damaged-${randomUUID()}`;
    await copyFile(path, copy);
    onDamage(copy);
  }

  const all = (): string[] => [...settled.values(), ...begun.values()].map((line) => JSON.stringify(line));
  const file: LineFile = await createLineFile(path, all());

  async function write(line: Line): Promise<void> {
    // Recorded before it is on the disk, so that a rewrite in between includes it. If writing fails, the caller tries again.
    take(line);
    await file.append(JSON.stringify(line));
    if (file.count() > 4 * (settled.size + begun.size) + SLACK) await file.rewrite(all);
  }

  return {
    get: (path) => settled.get(path),
    paths: () => [...settled.keys()],
    ownerOf: (output) => owners.get(output),
    unsettled: () => [...begun.values()],
    begin: (picture) => write({ state: 'begun', ...picture }),
    settle: write,
    forget: (path) => write({ state: 'forgotten', path }),
    close: () => file.close(),
  };
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
