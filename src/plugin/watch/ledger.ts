// The memory of a watched folder: the outcome of every picture, so that a restart neither repeats nor forgets one.
//
// Before a result appears under its final name, it is recorded here as begun, with its hash; afterwards as settled. After a
// crash in between, the hash of the output tells whether the result had appeared.
//
// A file of JSON lines that only grows. Not a database: node:sqlite needs a later Node, native databases need a compiler or a
// download, and three short lines per picture only need append, flush and read.
import { randomUUID } from 'node:crypto';
import { copyFile, open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { codeOf } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';

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
const settledSchema = z.discriminatedUnion('state', [
  z.strictObject({
    state: z.literal('done'),
    ...pictureShape,
    output: z.string(),
    /** Undefined if an existing file was taken for the result. */
    outputHash: z.string().optional(),
  }),
  z.strictObject({ state: z.literal('failed'), ...pictureShape, code: z.string(), why: z.string() }),
]);
const forgottenSchema = z.strictObject({ state: z.literal('forgotten'), path: z.string() });
const lineSchema = z.discriminatedUnion('state', [begunSchema, settledSchema, forgottenSchema]);

export type Begun = z.output<typeof begunSchema>;
export type Settled = z.output<typeof settledSchema>;
type Line = z.output<typeof lineSchema>;

export type Ledger = Awaited<ReturnType<typeof openLedger>>;

/**
 * Opens a ledger, or makes a new one. What `begin`, `settle` and `forget` record is on the disk when they resolve.
 *
 * @param onDamage  called with the path of a copy of the old file if it has unreadable lines; the other lines are kept
 */
export async function openLedger(path: string, onDamage: (copy: string) => void) {
  const settled = new Map<string, Settled>();
  const begun = new Map<string, Begun>();

  function take(line: Line): void {
    if (line.state === 'begun') {
      begun.set(line.path, line);
      return;
    }
    begun.delete(line.path);
    if (line.state === 'forgotten') settled.delete(line.path);
    else settled.set(line.path, line);
  }

  let [lines, length] = [0, 0];

  async function rewrite(): Promise<void> {
    const all = [...settled.values(), ...begun.values()];
    const bytes = Buffer.from(all.map(textOf).join(''));
    await writeFileAtomic(path, bytes);
    [lines, length] = [all.length, bytes.length];
  }

  async function append(line: Line): Promise<void> {
    const bytes = Buffer.from(textOf(line));
    const file = await open(path, 'a');
    try {
      await file.appendFile(bytes);
      await file.datasync();
    } catch (error) {
      // On a full disk a part of the line may have been written; the next line would continue it.
      await file.truncate(length).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    length += bytes.length;
    lines++;
    if (lines > 4 * (settled.size + begun.size) + SLACK) await rewrite();
  }

  let last: Promise<void> = Promise.resolve();
  /** Lines are written one at a time, also after one that could not be written. */
  function write(line: Line): Promise<void> {
    // Taken before it is on the disk, so that a rewrite in between includes it. If writing fails, the caller tries again.
    take(line);
    const turn = last.then(() => append(line));
    last = turn.catch(() => undefined);
    return turn;
  }

  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  });
  // Without the last, which a power cut may have left incomplete.
  const read = text.split('\n').slice(0, -1).map(parseLine);
  for (const line of read) if (line) take(line);
  if (read.includes(undefined)) {
    const copy = `${path}.damaged-${randomUUID()}`;
    await copyFile(path, copy);
    onDamage(copy);
  }
  await rewrite();

  return {
    /** The outcome of the last picture at this path. */
    get: (picture: string) => settled.get(picture),
    all: () => [...settled.values()],
    /** Results begun but not settled, by a process that died. */
    unsettled: () => [...begun.values()],
    begin: (picture: Omit<Begun, 'state'>) => write({ state: 'begun', ...picture }),
    /** Records a picture's outcome, and ends what was begun for its path. */
    settle: (picture: Settled) => write(picture),
    forget: (picture: string) => write({ state: 'forgotten', path: picture }),
  };
}

function textOf(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}

function parseLine(text: string): Line | undefined {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
