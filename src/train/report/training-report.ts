// A training's files beside its prior: log.jsonl, for programs; training.html, for people; the card at every checkpoint.

import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { orWriteFailed, writeFileAtomic } from '../../core/files.js';
import { loadModel } from '../../core/model/load-prior.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { short } from '../../core/printable.js';
import type { TrainingSettings } from '../options.js';
import type { TrainingRecord, ValidationRecord } from '../progress.js';
import { updateModelCard } from './model-card.js';
import { type LoggedRecord, type TrainingPage, trainingPage } from './training-page.js';

const LOG_FILE = 'log.jsonl';
export const PAGE_FILE = 'training.html';
const CARD_FILE = 'README.md';

/** May be undefined. JSON has neither undefined nor NaN: both are written as null, so that every line has every name. */
const OPTIONAL: readonly string[] = ['denoisingError', 'secondsLeft', 'skipped'];

/** A record as a line of the log, with its line break, without pixels. */
export function logLine(record: LoggedRecord): string {
  const text = JSON.stringify(record, (key, value: unknown) =>
    key === 'crops' || key === 'samples' ? undefined : (value ?? null),
  );
  return `${text}\n`;
}

const number = z.number().or(z.nan());
/** What the page cannot do without. */
const lineSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['step', 'checkpoint', 'warning']), step: z.number() }),
  z.object({
    kind: z.literal('validation'),
    step: z.number(),
    seconds: number,
    psnr: z.array(z.object({ sigma255: number, noisy: number, denoised: number })),
  }),
]);

/** The log's lines up to a step, without those that a crash left incomplete. */
async function loggedUntil(path: string, lastStep: number) {
  const text = existsSync(path) ? await readFile(path, 'utf8') : '';
  return text.split('\n').flatMap((line) => {
    const record = recordOf(line);
    return record && record.step <= lastStep ? [{ line, record }] : [];
  });
}

function recordOf(line: string): LoggedRecord | undefined {
  try {
    const record = JSON.parse(
      line,
      (name, value) => value ?? (OPTIONAL.includes(name) ? undefined : Number.NaN),
    );
    return lineSchema.safeParse(record).success ? record : undefined;
  } catch {
    return undefined;
  }
}

interface TrainingReportOptions extends Pick<TrainingPage, 'title' | 'facts'> {
  /** The folder of log and page. */
  readonly folder: string;
  /** Where training resumes: records of later steps, which are made again, are removed. 0 starts a new log. */
  readonly lastStep: number;
}

/** Starts or continues a training's log and page. @throws  FlowDenoiseError WRITE_FAILED, as its methods do */
export async function openTrainingReport({ folder, title, facts, lastStep }: TrainingReportOptions) {
  const path = join(folder, LOG_FILE);
  const logged = await loggedUntil(path, lastStep);
  const records = logged.map(({ record }) => record);
  await writeFileAtomic(path, Buffer.from(logged.map(({ line }) => `${line}\n`).join('')));
  let latest: ValidationRecord | undefined;

  async function writePage(isRunning: boolean): Promise<void> {
    const page = await trainingPage({ title, facts, records, latest, isRunning });
    await writeFileAtomic(join(folder, PAGE_FILE), Buffer.from(page));
  }

  return {
    /** Call it with every record, in order. It writes the log at once, the page at every validation. */
    async add(record: TrainingRecord): Promise<void> {
      await orWriteFailed(path, 'the log could not be written', () => appendFile(path, logLine(record)));
      const { crops, samples, ...logged } = { crops: undefined, samples: undefined, ...record };
      records.push(logged);
      if (record.kind !== 'validation') return;
      latest = record;
      await writePage(true);
    },
    /** Writes the final page. */
    finish: () => writePage(false),
  };
}

/** Passes records on and keeps them. @throws  FlowDenoiseError WRITE_FAILED, and errors of the records */
export async function* keepingRecords(
  records: AsyncIterable<TrainingRecord>,
  settings: TrainingSettings,
  lastStep: number,
): AsyncGenerator<TrainingRecord, void> {
  const { output, name } = settings;
  const facts = factsOf(settings);
  // Undefined if the checkpoint's flow was never sound and has no prior.
  const modelNow = (): Promise<PriorModel | undefined> => loadModel(output).catch(() => undefined);
  // Opened with the first record, so that stopping before it leaves nothing.
  let report: Awaited<ReturnType<typeof openTrainingReport>> | undefined;
  let isDone = false;
  let described = lastStep === 0 ? undefined : await modelNow();
  try {
    for await (const record of records) {
      report ??= await openTrainingReport({ folder: output, title: name, facts, lastStep });
      await report.add(record);
      const model = record.kind === 'checkpoint' ? await modelNow() : undefined;
      if (model) await updateModelCard(join(output, CARD_FILE), described, model);
      described = model ?? described;
      yield record;
    }
    await report?.finish();
    isDone = true;
  } finally {
    // However it ended, the page should not reload any more. The error that ended it counts more than a failure here.
    if (!isDone) await report?.finish().catch(() => {});
  }
}

function factsOf(settings: TrainingSettings): Record<string, string> {
  const { folders, weights, architecture, objective, batch, crop, rate, steps, minutes, seed, sigmaRange } =
    settings;
  const [low, high] = sigmaRange.map((sigma) => short(sigma * 255));
  return {
    pictures: folders.join(', '),
    ...(weights && { weights: weights.join(' : ') }),
    objective,
    'steps per level': architecture.levels.map((level) => level.steps).join(', '),
    widths: architecture.levels.map(({ width }) => width).join(', '),
    noise: architecture.conditioning ? `sigma ${low} to ${high}` : 'not conditioned on it',
    batch: `${batch} crops of ${crop} x ${crop}`,
    rate: String(rate),
    length: steps === undefined ? `${minutes} minutes` : `${steps} steps`,
    seed: String(seed),
  };
}
