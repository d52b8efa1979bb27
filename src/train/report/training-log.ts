// log.jsonl: the records of a training, one per line, without pixels, for programs.

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { orWriteFailed, writeFileAtomic } from '../../core/files.js';
import type {
  CheckpointRecord,
  StepRecord,
  TrainingRecord,
  ValidationRecord,
  WarningRecord,
} from '../progress.js';

export type LoggedValidation = Omit<ValidationRecord, 'crops' | 'samples'>;
export type LoggedRecord = StepRecord | LoggedValidation | CheckpointRecord | WarningRecord;

interface TrainingLog {
  /** The records that it already had, in order. */
  readonly earlier: readonly LoggedRecord[];
  /** @throws  FlowDenoiseError WRITE_FAILED */
  add(record: TrainingRecord): Promise<void>;
  close(): Promise<void>;
}

/** JSON has no infinite numbers and no undefined. Both are written as null, so that every line has every name. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const optionalNumber = z
  .number()
  .nullable()
  .transform((value) => value ?? undefined);
const optionalText = z
  .string()
  .nullable()
  .transform((value) => value ?? undefined);

const recordSchema: z.ZodType<LoggedRecord> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('step'),
    step: z.number(),
    loss: number,
    bitsPerDimension: number,
    denoisingError: optionalNumber,
    gradientNorm: number,
    rate: number,
    seconds: number,
    secondsLeft: optionalNumber,
    skipped: optionalText,
    restored: z.boolean(),
  }),
  z.object({
    kind: z.literal('validation'),
    step: z.number(),
    seconds: number,
    bitsPerDimension: number,
    psnr: z.array(z.object({ sigma255: number, noisy: number, denoised: number })),
  }),
  z.object({ kind: z.literal('checkpoint'), step: z.number(), folder: z.string() }),
  z.object({ kind: z.literal('warning'), step: z.number(), message: z.string() }),
]);

/**
 * Opens a training's log to append to it.
 *
 * @param lastStep  where training resumes: records of later steps, which are made again, are removed; 0 starts a new log
 * @throws          FlowDenoiseError WRITE_FAILED
 */
export async function openTrainingLog(path: string, lastStep: number): Promise<TrainingLog> {
  const { records, isWhole } = await recordsUntil(path, lastStep);
  if (!isWhole) {
    const lines = records.map(lineOf);
    await writeFileAtomic(path, Buffer.from(lines.join('')));
  }
  const handle = await written(path, () => open(path, 'a'));
  return {
    earlier: records,
    add: (record) => written(path, () => handle.appendFile(logLine(record))),
    close: () => handle.close(),
  };
}

const written = <Result>(path: string, work: () => Promise<Result>) =>
  orWriteFailed(path, 'the log could not be written', work);

/** `isWhole`: whether the file holds only these, without an incomplete line from a crash. */
async function recordsUntil(
  path: string,
  lastStep: number,
): Promise<{ readonly records: readonly LoggedRecord[]; readonly isWhole: boolean }> {
  if ((await stat(path).catch(() => undefined)) === undefined) return { records: [], isWhole: false };
  const records: LoggedRecord[] = [];
  let isWhole = true;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const record = recordOf(line);
    if (record !== undefined && record.step <= lastStep) records.push(record);
    else isWhole = false;
  }
  return { records, isWhole };
}

function recordOf(line: string): LoggedRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** A record as a line of the log, with its line break, without pixels. */
export function logLine(record: TrainingRecord): string {
  return lineOf(withoutPixels(record));
}

function lineOf(record: LoggedRecord): string {
  return `${JSON.stringify(record, (_, value: unknown) => (value === undefined ? null : value))}\n`;
}

function withoutPixels(record: TrainingRecord): LoggedRecord {
  if (record.kind !== 'validation') return record;
  const { crops: _, samples: __, ...rest } = record;
  return rest;
}
